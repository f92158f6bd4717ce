"""Comparing rows at work with the training rows. Needs numpy, onnxruntime, polars and scipy."""
