"""From a raw table to one ONNX file you can trust."""
