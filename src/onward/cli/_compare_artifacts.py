"""How far two results of one stage lie apart."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onward.artifacts.publishing import MANIFEST, sha256

TOLERANCE = 1e-3
"""Largest distance of two numbers, as a share of the larger one, or of 1 if both are smaller.
Another processor adds up in another order; what that costs a metric is less than its noise."""
TIMED = frozenset({"speed.json", "latency.json", "changes.json"})
"""Files that hold times, or depend on the run before: no two runs write the same."""
JUDGED: Mapping[str, tuple[str, ...]] = {
    "prepare": ("*.npy", "features.json"),
    "train": ("metrics.json",),
    "export": ("model.onnx",),
    "evaluate": ("metrics.json",),
}
"""The files whose numbers decide where bytes differ. Weights do not: they lie far apart after the
smallest difference, with the same losses."""


@dataclass(frozen=True)
class Comparison:
    """Two results of one stage."""

    differing: tuple[str, ...]
    """Files with other bytes."""
    distance: float
    """Of the numbers that are judged; infinite if they cannot be compared."""
    where: str = ""
    """The file with this distance."""

    @property
    def is_identical(self) -> bool:
        """Whether all bytes are equal, but for those of `TIMED` files."""
        return not self.differing

    @property
    def verdict(self) -> str:
        """In words."""
        if self.is_identical:
            return "identical"
        files = ", ".join(self.differing[:3]) + (", ..." if len(self.differing) > 3 else "")
        judged = f"largest difference {self.distance:.2g} in {self.where}; " if self.where else ""
        is_near = self.distance <= TOLERANCE
        name = f"within tolerance ({TOLERANCE:g})" if is_near else "different"
        return f"{name}: {judged}other bytes in {files}"


def compare(stage: str, before: Path, now: Path) -> Comparison:
    """Compare two folders of a stage.

    The report is not compared: it draws what the other stages wrote, times included.
    """
    if stage not in JUDGED:
        return Comparison((), 0.0)
    names = sorted({str(p.relative_to(f)) for f in (before, now) for p in _files(f)})
    differing = tuple(name for name in names if not _is_same(before / name, now / name))
    distances = {
        name: distance(before / name, now / name)
        for name in differing
        if any(Path(name).match(pattern) for pattern in JUDGED[stage])
    }
    where = max(distances, key=lambda name: distances[name], default="")
    return Comparison(differing, distances.get(where, 0.0), where)


def distance(before: Path, now: Path) -> float:
    """Largest distance of the numbers in two files; infinite if anything else differs."""
    if not (before.exists() and now.exists()):
        return math.inf
    return _DISTANCES[before.suffix](before, now)


def _files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and p.name not in TIMED]


def _is_same(before: Path, now: Path) -> bool:
    if not (before.exists() and now.exists()):
        return False
    if before.name == MANIFEST:
        return bool(_untimed(before) == _untimed(now))
    return sha256(before) == sha256(now)


def _untimed(path: Path) -> Any:
    document = json.loads(path.read_text())
    files = document["files"]
    return {**document, "files": {name: files[name] for name in files if name not in TIMED}}


def _json_distance(before: Path, now: Path) -> float:
    return _value_distance(*(json.loads(path.read_text()) for path in (before, now)))


def _value_distance(before: Any, now: Any) -> float:
    if _is_number(before) and _is_number(now):
        return _array_distance(np.float64(before), np.float64(now))
    if isinstance(before, dict) and isinstance(now, dict) and before.keys() == now.keys():
        return max((_value_distance(before[k], now[k]) for k in before), default=0.0)
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return max(map(_value_distance, before, now), default=0.0)
    return 0.0 if before == now else math.inf


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _array_distance(before: Any, now: Any) -> float:
    if before.shape != now.shape:
        return math.inf
    if not before.size:
        return 0.0
    scale = np.maximum(1.0, np.maximum(np.abs(before), np.abs(now)))
    with np.errstate(invalid="ignore"):  # inf minus inf: equal, or infinitely far
        apart = np.abs(before.astype(np.float64) - now) / scale
    same = (before == now) | ((before != before) & (now != now))
    return float(np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart)).max())


def _npy_distance(before: Path, now: Path) -> float:
    return _array_distance(*(np.load(path, mmap_mode="r") for path in (before, now)))


def _onnx_distance(before: Path, now: Path) -> float:
    """Of what two model files predict for the rows that the first one carries."""
    from onward.serving.predictor import Predictor

    old, new = Predictor(before), Predictor(now)
    if old.schema != new.schema:
        return math.inf
    replay = old.metadata["replay"]
    predictions = new(replay["rows"])
    numbers = {name: np.asarray(values) for name, values in replay["predictions"].items()}
    return max(
        _array_distance(values, predictions[name])
        for name, values in numbers.items()
        if values.dtype.kind == "f" and name in predictions
    )


_DISTANCES: Mapping[str, Callable[[Path, Path], float]] = {
    ".json": _json_distance,
    ".npy": _npy_distance,
    ".onnx": _onnx_distance,
}
