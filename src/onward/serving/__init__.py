"""Using a finished model file. Needs numpy and onnxruntime only."""
