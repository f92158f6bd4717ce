"""Metadata responses of the Open Inference Protocol."""

from typing import Any

from onward import __version__
from onward.serving.server.repository import Repository
from onward.serving.server.served_model import ServedModel

PLATFORM = "onnx_onnxv1"  # the protocol's name for ONNX files


def server_metadata() -> dict[str, Any]:
    """Of ``GET /v2``."""
    return {
        "name": "onward",
        "version": __version__,
        "extensions": ["binary_tensor_data"],
    }


def model_metadata(repository: Repository, model: ServedModel) -> dict[str, Any]:
    """Of ``GET /v2/models/NAME``."""
    return {
        "name": model.name,
        "versions": repository.versions(model.name),
        "platform": PLATFORM,
        "inputs": model.inputs,
        "outputs": model.outputs,
    }


def repository_index(repository: Repository) -> list[dict[str, str]]:
    """Of ``POST /v2/repository/index``."""
    return [
        {"name": model.name, "version": model.version, "state": "READY", "reason": ""}
        for model in repository.models
    ]
