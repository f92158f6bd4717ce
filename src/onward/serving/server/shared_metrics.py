"""Metrics of all workers, from any of them."""

import os
from collections import Counter
from pathlib import Path

import msgspec

from onward.serving.server.metrics import Samples

_decode = msgspec.json.Decoder(dict[str, float]).decode


class SharedMetrics:
    """A folder with a file for each worker.

    A worker that replaces a dead one continues with the counts of its file, so that no
    counter goes back.
    """

    def __init__(self, folder: Path, index: int) -> None:
        self._folder = folder
        self._path = folder / f"{index}.json"
        self._inherited = _counters(self._read(self._path))

    def publish(self, samples: Samples) -> None:
        """Publish to the other workers."""
        new = self._path.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(self._own(samples)))
        os.replace(new, self._path)  # noqa: PTH105  (Path.replace says nothing more)

    def total(self, samples: Samples) -> Samples:
        """These samples, and those that the other workers published last."""
        total = Counter(self._own(samples))
        for path in self._folder.glob("*.json"):
            if path != self._path:
                total.update(self._read(path))
        return dict(total)

    def _own(self, samples: Samples) -> Samples:
        total = Counter(samples)
        total.update(self._inherited)
        return dict(total)

    @staticmethod
    def _read(path: Path) -> Samples:
        return _decode(path.read_bytes()) if path.exists() else {}


def _counters(samples: Samples) -> Samples:
    """Without the gauges, which end with their process."""
    gauges = ("onward_waiting", "onward_model_info")
    return {key: value for key, value in samples.items() if not key.startswith(gauges)}
