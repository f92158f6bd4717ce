"""The key of a training: a run resumes only if everything that determines its bits is equal."""

import inspect
import json
from hashlib import sha256 as hashed
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from onward.artifacts.publishing import sha256, sha256_of_code
from onward.network.network import Network
from onward.training.distributed import available
from onward.training.observer import Observer
from onward.training.precision import multiplies_bfloat16
from onward.training.settings import Settings


def fingerprint(settings: Settings, data: str) -> dict[str, str]:
    """The key of checkpoints, by the names used in messages.

    For plug-ins only the files that define classes are hashed, not their imports.

    Args:
        settings: of the training.
        data: the hash of the rows.
    """
    files = {
        inspect.getfile(part)
        for one in settings.of_members
        for part in (*map(type, _chosen(one.network)), *Observer.members)
    }
    code = [sha256_of_code(), *sorted(sha256(Path(file)) for file in files)]
    return {
        **section_hashes(settings),
        "prepared data": data,
        "code": " ".join(code),
        "machine": _machine(),
        # of the devices, the size of the work decides how many take part: config and data do
        "number of processes": str(available().ranks),
    }


def section_hashes(settings: Settings) -> dict[str, str]:
    """The hash of each part of the settings, by its name in a config: a message then names it."""
    parts = settings.model_dump(mode="json").items()
    return {f"train.{name}": hashed(json.dumps(part).encode()).hexdigest() for name, part in parts}


def _chosen(network: Network.Config) -> tuple[Any, ...]:
    return (network.embedder, *network.embedders.values(), network.model, network.head)


def _machine() -> str:
    """Floating-point sums depend on the instruction set, the threads and the device."""
    device = torch.accelerator.current_accelerator()
    names = [
        *(f"{name} {version(name)}" for name in ("torch", "lightning")),
        torch.backends.cpu.get_cpu_capability(),
        "with bfloat16" if multiplies_bfloat16(torch.device("cpu")) else "without bfloat16",
        f"{torch.get_num_threads()} threads",
        torch.cuda.get_device_name() if torch.cuda.is_available() else str(device or "cpu"),
    ]
    return ", ".join(names)
