"""Sessions of onnxruntime."""

from collections.abc import Mapping
from typing import Any

import onnxruntime


def session_of(content: bytes) -> Any:
    """A session that runs a model in the calling thread alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the caller's threads count
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # what goes wrong is raised, and need not be printed too
    return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])


def with_output(content: bytes, name: str) -> bytes:
    """The same model with one more output: an int64 tensor of one of its nodes.

    Protocol Buffers merge concatenated messages, so an output before the model becomes one of its
    graph.

    Source: https://protobuf.dev/programming-guides/encoding, "Last One Wins".

    Raises:
        ValueError: if no tensor can have so long a name.
    """
    int64 = b"\x12\x04\x0a\x02\x08\x07"  # ValueInfoProto.type.tensor_type.elem_type: INT64
    value = _field(1, name.encode()) + int64
    return _field(7, _field(12, value)) + content  # ModelProto.graph, GraphProto.output


def run_only(session: Any, name: str, feed: Mapping[str, Any]) -> Any:
    """One output, computing nothing else."""
    options = onnxruntime.RunOptions()
    options.only_execute_path_to_fetches = True
    return session.run([name], feed, options)[0]


def _field(number: int, content: bytes) -> bytes:
    if len(content) >= 1 << 14:  # a length of two bytes
        raise ValueError(f"the name of a tensor has {len(content):,} bytes")
    low, high = len(content) & 127, len(content) >> 7
    length = bytes([low | 128, high]) if high else bytes([low])
    return bytes([number << 3 | 2]) + length + content
