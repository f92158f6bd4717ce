"""Code, versions and hardware of a training, to explain later differences."""

import platform
from importlib.metadata import version

import torch

from onward.artifacts.publishing import sha256_of_code

PACKAGES = ("onward", "torch", "lightning", "numpy", "polars", "onnx", "onnxruntime")


def environment(device: torch.device) -> dict[str, str]:
    """Everything beside data and settings that may change the bits of a result, as JSON.

    Args:
        device: that trained.
    """
    is_cuda = device.type == "cuda"
    return {
        "code": sha256_of_code(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "processor": f"{platform.machine()} with {torch.backends.cpu.get_cpu_capability()}",
        "threads": str(torch.get_num_threads()),
        "device": torch.cuda.get_device_name(device) if is_cuda else device.type,
    }
