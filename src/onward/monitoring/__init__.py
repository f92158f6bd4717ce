"""Drift and quality of new rows. Needs numpy, onnxruntime, polars and scipy."""
