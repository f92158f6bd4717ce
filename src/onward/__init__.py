"""From a raw table to one ONNX file you can trust."""

import os
from typing import TYPE_CHECKING, Any

# onnxruntime reports its use to Microsoft from 1.29 on, unless this is set before its import:
# https://github.com/microsoft/onnxruntime/pull/27379
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from onward.serving.predictor import Predictor as Predictor

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`Predictor`, loaded when it is first asked for: the stages need no onnxruntime for help."""
    if name != "Predictor":
        raise AttributeError(f"module 'onward' has no attribute {name!r}")
    from onward.serving.predictor import Predictor

    return Predictor
