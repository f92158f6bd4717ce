"""The journal of a search: one line for each finished training."""

import json
import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from onward.training.checkpoints import changed_parts
from onward.tuning.clock import Clock
from onward.tuning.results import Result, Training

logger = logging.getLogger(__name__)

ALONE = 3  # times the share of a batch, in the middle of what was measured


class Journal:
    """What a search has found so far, on disk.

    Lines are written when a training is finished, or several that were a batch, and count only if
    all of a batch are there: a kill may cut the last ones, and the results of a smaller batch have
    other rounding.

    Args:
        path: of the file.
        key: identifies the search, by the names used in messages.
    """

    def __init__(self, path: Path, key: Mapping[str, str]) -> None:
        self._path = path
        self.results: list[Result] = []
        self.seconds = 0.0
        """That all trainings have taken, those that a kill has cut included, but not on folds."""
        self.seconds_alone: dict[str, float] = {}
        """About what a training takes that is not in a batch, by its name."""
        self.latencies: dict[str, float] = {}
        """Microseconds of one row, by shape."""
        self.folds: dict[str, str] = {}
        """Why a training on folds failed, by its name; empty if it did not."""
        self.lines = 0
        """Of the file, without the first."""
        self.clock = Clock(path.with_name("clock.json"))
        """Of the training under way."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = _whole_lines(path)
        changed = changed_parts(lines[0].get("key", {}), key) if lines else []
        if lines and not changed:
            for line in lines[1:]:
                self._note(line)
            return
        if lines:
            logger.warning(
                "tune: starting over: changed since the finished trials: %s", ", ".join(changed)
            )
        self.clock.reset()  # first, so that a kill in between leaves no time of another search
        path.write_text("")
        self._write([{"key": dict(key), "left": 0}])

    def add_results(self, results: Sequence[Result], seconds: float) -> None:
        """Add finished trainings of one batch.

        Args:
            results: of them.
            seconds: that all have taken.
        """
        share = round(seconds / len(results), 3)
        left = range(len(results) - 1, -1, -1)
        self._add(
            {"result": asdict(result), "seconds": share, "batch": len(results), "left": count}
            for result, count in zip(results, left, strict=True)
        )

    def add_latency(self, shape: str, microseconds: float, seconds: float) -> None:
        """Add the measured latency of a shape.

        Args:
            shape: of networks.
            microseconds: of one row.
            seconds: that measuring has taken.
        """
        line = {"shape": shape, "microseconds": microseconds, "seconds": seconds, "left": 0}
        self._add([line])

    def add_folds(self, name: str, failure: str) -> None:
        """Add a training on folds.

        Args:
            name: of its scores.
            failure: why it failed; empty if it did not.
        """
        self._add([{"folds": name, "failure": failure, "left": 0}])

    def add_lost(self, seconds: float) -> None:
        """Add the time of a training that was killed."""
        self._add([{"lost": seconds, "left": 0}])

    def _add(self, lines: Iterable[Mapping[str, Any]]) -> None:
        lines = [*lines]
        self._write(lines)
        for line in lines:
            self._note(line)

    def _note(self, line: Mapping[str, Any]) -> None:
        self.lines += 1
        if "lost" in line:
            self.seconds += line["lost"]
            return
        if "folds" in line:
            self.folds[line["folds"]] = line["failure"]
            return
        self.seconds += line["seconds"]
        if "shape" in line:
            self.latencies[line["shape"]] = line["microseconds"]
            return
        fields = dict(line["result"])
        training = dict(fields.pop("training"))
        training["point"] = tuple(training["point"])
        loss = float(fields.pop("loss"))
        self.results.append(Result(Training(**training), loss, **fields))
        factor = 1 if line["batch"] == 1 else ALONE
        self.seconds_alone[self.results[-1].training.name] = factor * line["seconds"]

    def _write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        with self._path.open("a") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """The lines up to the last that ends a batch; what was cut is removed from the file."""
    if not path.exists():
        return []
    lines: list[dict[str, Any]] = []
    waiting: list[dict[str, Any]] = []
    position = length = 0
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            waiting.append(json.loads(line) if line.endswith(b"\n") else {})
        except ValueError:
            break
        position += len(line)
        if waiting[-1].get("left") == 0:
            lines += waiting
            waiting, length = [], position
    if length < path.stat().st_size:
        os.truncate(path, length)
    return lines
