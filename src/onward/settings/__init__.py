"""Config files: families, settings, and how they are read."""
