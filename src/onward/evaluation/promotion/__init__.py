"""Whether two model files are the same, and whether one may replace the other."""
