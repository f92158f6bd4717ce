"""The largest difference between two results of one stage."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onward.artifacts.publishing import EVALUATED, MANIFEST, MODEL, sha256
from onward.tasks import Task

TOLERANCE = 1e-3
"""Largest difference of two numbers, relative to the larger one; of labels and codes the share that
differs. Another processor sums in another order, which changes a metric by less than its noise."""
SCALE = 1.0
"""Below it, differences of probabilities, scaled features and metrics that are at most 1 are
absolute: near 0, they are rounding. In the unit of the target, 0.001 may be a large error."""
IN_OWN_UNIT = frozenset({"target", "weight"})  # arrays
TIMED = frozenset({"speed.json", "latency.json", "changes.json"})
"""Files with times, or with a comparison to the previous run: they differ between any two runs."""
MAX_LISTED = 3  # files in a verdict
COMPARED: Mapping[str, tuple[str, ...]] = {
    "prepare": ("*.npy", "features.json"),
    "train": ("metrics.json",),
    "export": (MODEL, EVALUATED),
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
    """Largest difference of the values; infinite if they cannot be compared."""
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
    """Largest difference of the values in two files; infinite if they cannot be compared."""
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
    old, new = (json.loads(path.read_text()) for path in (before, now))
    return _value_distance(old, new, _sizes(old))


def _sizes(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The sizes of metrics, by which also ends of their intervals and differences are judged."""
    return {
        name: abs(about["value"])
        for name, about in metrics.items()
        if isinstance(about, dict) and _is_number(about.get("value"))
    }


def _value_distance(before: Any, now: Any, sizes: Mapping[str, float], least: float = 0.0) -> float:
    if _is_number(before) and _is_number(now):
        return _array_distance(np.float64(before), np.float64(now), least)
    if isinstance(before, dict) and isinstance(now, dict) and before.keys() == now.keys():
        scales = {name: SCALE if _is_share(name) else sizes.get(name, least) for name in before}
        pairs = (_value_distance(before[name], now[name], sizes, scales[name]) for name in before)
        return max(pairs, default=0.0)
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = (_value_distance(*pair, sizes, least) for pair in zip(before, now, strict=True))
        return max(pairs, default=0.0)
    return 0.0 if before == now else math.inf


def _is_share(name: str) -> bool:
    """Whether it is a metric that is at most 1, such as AUC, the Brier score or R²."""
    tasks = Task.members.values()
    return any(name in task.metrics and task.metrics[name].most == 1 for task in tasks)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _array_distance(before: Any, now: Any, least: float) -> float:
    """Largest difference; relative to the larger number, or to ``least`` if both are below."""
    if before.shape != now.shape:
        return math.inf
    if not before.size:
        return 0.0
    if before.dtype.kind != "f" or now.dtype.kind != "f":  # codes, numbers of rows, labels
        return float(np.mean(before != now))
    scale = np.maximum(least, np.maximum(np.abs(before), np.abs(now)))
    with np.errstate(invalid="ignore"):  # inf - inf, and 0 / 0
        differences = np.abs(before.astype(np.float64) - now) / scale
    is_equal = (before == now) | ((before != before) & (now != now))
    differences = np.where(np.isnan(differences), np.inf, differences)
    return float(np.where(is_equal, 0.0, differences).max())


def _npy_distance(before: Path, now: Path) -> float:
    least = 0.0 if before.name.split(".")[-2] in IN_OWN_UNIT else SCALE
    old, new = (np.load(path, mmap_mode="r") for path in (before, now))
    return _array_distance(old, new, least)


def _onnx_distance(before: Path, now: Path) -> float:
    """Largest difference of the predictions for the sample rows in the first file.

    Relative to the larger prediction, or to the mean size of an output if both are below. Of labels
    it is the share of rows that differ.
    """
    from onward.serving.predictor import Predictor

    old, new = Predictor(before), Predictor(now)
    if old.schema != new.schema:
        return math.inf
    replay = old.metadata["replay"]
    predictions = new(replay["rows"])
    if predictions.keys() != replay["predictions"].keys():
        return math.inf
    return max(
        _output_distance(name, np.asarray(replay["predictions"][name]), values)
        for name, values in predictions.items()
    )


def _output_distance(name: str, before: Any, now: Any) -> float:
    is_in_unit = name != "probabilities" and before.dtype.kind == "f" and before.size
    least = float(np.abs(before).mean()) if is_in_unit else SCALE
    return _array_distance(before, now, least)


_DISTANCES: Mapping[str, Callable[[Path, Path], float]] = {
    ".json": _json_distance,
    ".npy": _npy_distance,
    ".onnx": _onnx_distance,
}
