"""Files that stages write: publishing, reading them back, locks and exit codes."""
