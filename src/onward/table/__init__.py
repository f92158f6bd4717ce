"""The raw table: sources, splits, checks, target and column statistics."""
