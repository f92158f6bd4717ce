"""One ONNX file from preprocessing and network, and the gate that it must pass."""
