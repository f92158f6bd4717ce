"""Code, versions and hardware of a training, for those who ask later why a result differs."""

import platform
from importlib.metadata import version

import torch

from onward.artifacts.publishing import sha256_of_code

PACKAGES = ("onward", "torch", "lightning", "numpy", "polars", "onnx", "onnxruntime")


def environment(device: torch.device) -> dict[str, str]:
    """What may change the bits of a result beside data and settings, as JSON has it.

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
