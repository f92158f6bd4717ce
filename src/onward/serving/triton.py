"""A model file as a model of NVIDIA's Triton Inference Server."""

import json
from typing import Any

from onward.serving.predictor import Predictor
from onward.wires import TENSORS

THREADS = ("intra_op_thread_count", "inter_op_thread_count")


def model_configuration(predictor: Predictor, name: str) -> str:
    """The text of ``config.pbtxt``.

    Shapes are those of the graph, including rows: an output such as ``label`` has only the axis of
    rows, which Triton's batching cannot express.
    """
    lines = [
        f"name: {json.dumps(name)}",
        'backend: "onnxruntime"',
        'platform: "onnxruntime_onnx"',
        "max_batch_size: 0",
        *(_tensor("input", value) for value in predictor.session.get_inputs()),
        *(_tensor("output", value) for value in predictor.session.get_outputs()),
        "instance_group [ { kind: KIND_CPU count: 1 } ]",
        *(f'parameters {{ key: "{key}" value: {{ string_value: "1" }} }}' for key in THREADS),
    ]
    return "\n".join(lines) + "\n"


def _tensor(kind: str, value: Any) -> str:
    sizes = ", ".join(str(size) if isinstance(size, int) else "-1" for size in value.shape)
    name = json.dumps(value.name, ensure_ascii=False)
    datatype = TENSORS[value.type].datatype.replace("BYTES", "STRING")
    return f"{kind} [ {{ name: {name} data_type: TYPE_{datatype} dims: [ {sizes} ] }} ]"
