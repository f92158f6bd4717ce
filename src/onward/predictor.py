"""Running an exported file. Needs numpy and onnxruntime, and nothing else of this package."""
