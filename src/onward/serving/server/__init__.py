"""An HTTP server for model files. Needs numpy, onnxruntime, msgspec and uvicorn only."""
