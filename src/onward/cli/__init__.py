"""What the command line can do beside running stages. No module here needs torch."""
