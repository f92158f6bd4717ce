"""Comparison of two model files, and promotion of a challenger."""
