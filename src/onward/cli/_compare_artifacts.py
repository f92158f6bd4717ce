"""The largest difference between two results of one stage."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onward.artifacts.publishing import MANIFEST, sha256

TOLERANCE = 1e-3
"""Largest difference of two numbers, relative to the larger one, or absolute if both are below 1.
Another processor sums in another order, which changes a metric by less than its noise."""
TIMED = frozenset({"speed.json", "latency.json", "changes.json"})
"""Files with times, or with a comparison to the previous run: they differ between any two runs."""
MAX_LISTED = 3  # files in a verdict
COMPARED: Mapping[str, tuple[str, ...]] = {
    "prepare": ("*.npy", "features.json"),
    "train": ("metrics.json",),
    "export": ("model.onnx",),
    "evaluate": ("metrics.json",),
}
"""The files whose numbers decide if bytes differ. Weights do not: after the smallest difference in
rounding they diverge, with the same losses."""


@dataclass(frozen=True)
class Comparison:
    """Two results of one stage."""

    differing: tuple[str, ...]
    """Files with different bytes."""
    distance: float
    """Largest difference of the numbers; infinite if they cannot be compared."""
    where: str = ""
    """The file with this difference."""
    missing: tuple[str, ...] = ()
    """Files that only one of the results has."""
    is_compared: bool = True

    @property
    def is_identical(self) -> bool:
        """Whether all bytes that were compared are equal: those of `TIMED` files are not."""
        return not self.differing and not self.missing

    @property
    def is_reproduced(self) -> bool:
        """Whether the results are identical or within tolerance."""
        return not self.missing and self.distance <= TOLERANCE

    @property
    def verdict(self) -> str:
        """In words."""
        if not self.is_compared:
            return "not compared, as it contains times"
        if self.is_identical:
            return "identical"
        name = f"within tolerance ({TOLERANCE:g})" if self.is_reproduced else "different"
        return f"{name}: {'; '.join(self._reasons())}"

    def _reasons(self) -> Iterator[str]:
        if self.missing:
            yield f"only one result has {_shorten(self.missing)}"
        if self.where:
            yield f"largest difference {self.distance:.2g} in {self.where}"
        if self.differing:
            yield f"other bytes in {_shorten(self.differing)}"


def compare(stage: str, before: Path, now: Path) -> Comparison:
    """Compare two folders of a stage.

    Reports are not compared: they show the results of the other stages, times included.
    """
    if stage not in COMPARED:
        return Comparison((), 0.0, is_compared=False)
    names, names_now = _names(before), _names(now)
    missing = tuple(sorted(names ^ names_now))
    differing = tuple(
        name for name in sorted(names & names_now) if not _is_same(before / name, now / name)
    )
    distances = {
        name: distance(before / name, now / name)
        for name in differing
        if any(Path(name).match(pattern) for pattern in COMPARED[stage])
    }
    where = max(distances, key=lambda name: distances[name], default="")
    return Comparison(differing, distances.get(where, 0.0), where, missing)


def distance(before: Path, now: Path) -> float:
    """Largest difference of the numbers in two files; infinite if anything else differs."""
    return _DISTANCES[before.suffix](before, now)


def _names(folder: Path) -> set[str]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in TIMED)
    return {str(path.relative_to(folder)) for path in files}


def _shorten(names: Sequence[str]) -> str:
    return ", ".join(names[:MAX_LISTED]) + (", ..." if len(names) > MAX_LISTED else "")


def _is_same(before: Path, now: Path) -> bool:
    if before.name == MANIFEST:
        return bool(_without_times(before) == _without_times(now))
    return sha256(before) == sha256(now)


def _without_times(path: Path) -> Any:
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
    with np.errstate(invalid="ignore"):  # inf - inf
        differences = np.abs(before.astype(np.float64) - now) / scale
    is_equal = (before == now) | ((before != before) & (now != now))
    differences = np.where(np.isnan(differences), np.inf, differences)
    return float(np.where(is_equal, 0.0, differences).max())


def _npy_distance(before: Path, now: Path) -> float:
    return _array_distance(*(np.load(path, mmap_mode="r") for path in (before, now)))


def _onnx_distance(before: Path, now: Path) -> float:
    """Largest difference of the predictions for the sample rows in the first file."""
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
