"""From raw columns to features: an ONNX graph, learned from the training rows."""
