"""The stages of the pipeline, and the only code that touches the disk."""
