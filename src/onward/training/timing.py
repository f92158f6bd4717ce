"""Time spent in the parts of a training."""

import time
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from onward.training.environment import environment

PARTS = ("step", "data", "validation")


class Speed(Callback):
    """Callback: measures a run, chunk by chunk; of a resumed run only the part in this process.

    A chunk of steps or a validation ends when the device has finished, so time is attributed to
    what the device did. Time between two chunks is waiting for data.
    """

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(PARTS, 0.0)
        self._device = torch.device("cpu")
        self._mark = self._started = self._ended = 0.0
        self._steps = 0
        self._about: dict[str, Any] = {}

    def on_train_start(self, trainer: Trainer, module: Any) -> None:
        """Start the clock."""
        self._device, self._steps = module.device, -module.steps_taken
        self._started = self._ended = self._mark = time.perf_counter()

    def on_train_epoch_start(self, trainer: Trainer, module: LightningModule) -> None:
        """From here on, the first chunk is read."""
        self._mark = time.perf_counter()

    def on_train_batch_start(self, *_: Any) -> None:
        """A chunk has arrived."""
        self._count("data")

    def on_train_batch_end(self, *_: Any) -> None:
        """A chunk is finished."""
        self._count("step")

    def on_validation_start(self, trainer: Trainer, module: LightningModule) -> None:
        """End the wait for data."""
        self._mark = time.perf_counter()

    def on_validation_end(self, trainer: Trainer, module: LightningModule) -> None:
        """The validation is finished."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self._count("validation")

    def on_train_epoch_end(self, trainer: Trainer, module: Any) -> None:
        """Save the totals, in case it was the last epoch."""
        self._ended = time.perf_counter()
        learned_s = self._seconds["step"] + self._seconds["data"]
        self._about = {
            "rows_per_s": round((self._steps + module.steps_taken) * module.batch_size / learned_s),
            "precision": module.precision.name,
            "why": module.precision.why,
            "is_streamed": not module.is_resident,
        }

    def document(self) -> dict[str, Any]:
        """The measurements as JSON; empty if the resumed run was already finished."""
        if not self._about:
            return {}
        seconds = self._ended - self._started
        shares = {part: round(self._seconds[part] / seconds, 4) for part in PARTS}
        shares["other"] = round(1 - sum(shares.values()), 4)
        return {
            **self._about,
            "seconds": round(seconds, 3),
            "shares": shares,
            **_device(self._device),
            "environment": environment(self._device),
        }

    def _count(self, part: str) -> None:
        now = time.perf_counter()
        self._seconds[part] += now - self._mark
        self._mark = now


def _device(device: torch.device) -> dict[str, Any]:
    if device.type != "cuda":
        return {"device": device.type, "threads": torch.get_num_threads()}
    return {
        "device": torch.cuda.get_device_name(device),
        "memory_bytes": torch.cuda.max_memory_allocated(device),
    }
