"""Sessions of onnxruntime."""

from typing import Any

import onnxruntime


def session_of(content: bytes) -> Any:
    """A session that runs a model in the calling thread alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the caller's threads count
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # what goes wrong is raised, and need not be printed too
    return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
