"""The stages run again on other rows: a fold of a cross-validation, or fewer training rows.

Each model is made as the published one, preprocessing and calibration included. The stages run as
commands, in processes of their own, for three reasons: several models are made side by side, each
with its share of the processor; what one of them leaves in memory or in the random state of torch
cannot change another; and measuring a file needs no training library. Within a process,
`onward.training.run.fit` trains.
"""

import asyncio
import hashlib
import logging
import os
import shutil
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, STDOUT
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import MANIFEST, manifest, replacing, sha256, sha256_of_code
from onward.errors import ArtifactError, ConfigError, OnwardError
from onward.evaluation.baselines import exported, targets_of
from onward.serving.predictor import Predictor
from onward.settings.config import write
from onward.table.splits import Part
from onward.tasks import Array, Metric, Predictions, Task

logger = logging.getLogger(__name__)

STAGES: Sequence[str] = ("prepare", "train", "export")
ERRORS = {error.exit_code: error for error in reversed(OnwardError.__subclasses__())}
"""By the code that a process has ended with; of several errors with one code the first."""
MEMORY, DISK = 71, 74
KEPT = ".evaluate.reruns"
KEY = 16  # hexadecimal digits, enough to tell evaluations of one folder apart
THREADS, DEVICES = "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"
TRAINING, VALIDATION = "onward/training", "onward/validation"
TARGET, WEIGHTS = "onward/target", "onward/weights"


@dataclass(frozen=True)
class Outcome:
    """What a model predicts for its test rows."""

    training: int
    """Rows."""
    validation: int
    """Rows."""
    target: Array
    predictions: Predictions
    weights: Array | None = None
    """How much each row counts; None where all count alike."""


class Reruns:
    """Models made as the published one. Those that are finished are not made again.

    Args:
        folder: of the published model.
        main: the metric to watch.
        at_once: how many are made side by side.
    """

    def __init__(self, folder: Path, main: Metric, at_once: int) -> None:
        self._published, self._main, self._at_once = folder, main, at_once
        made_of = sha256(folder / "export" / MANIFEST) + sha256_of_code()
        self.folder = folder / KEPT / hashlib.sha256(made_of.encode()).hexdigest()[:KEY]

    def run(self, parts: Mapping[str, Part]) -> list[Outcome]:
        """Prepare, train and export each part, if this was not done, and predict its test rows.

        Args:
            parts: of the rows, by their names for messages.

        Raises:
            OnwardError: what stopped a stage, with the name before it. The other parts are stopped.
        """
        self._remove_others()
        return asyncio.run(self._side_by_side(parts))

    def _remove_others(self) -> None:
        """Of other models or other code: nobody will ask for them again."""
        if self.folder.parent.exists():
            for other in set(self.folder.parent.iterdir()) - {self.folder}:
                shutil.rmtree(other)

    async def _side_by_side(self, parts: Mapping[str, Part]) -> list[Outcome]:
        turns: asyncio.Queue[Mapping[str, str]] = asyncio.Queue()
        for share in shares_of_machine(self._at_once, os.environ, visible_devices(os.environ)):
            turns.put_nowait(share)

        async def in_turn(name: str, part: Part) -> Outcome:
            share = await turns.get()
            try:
                return await self._outcome(name, part, share)
            finally:
                turns.put_nowait(share)

        return await asyncio.gather(*(in_turn(name, part) for name, part in parts.items()))

    async def _outcome(self, name: str, part: Part, share: Mapping[str, str]) -> Outcome:
        started, folder = time.monotonic(), self.folder / name.replace(" ", "-")
        done = folder.with_name(f"{folder.name}.npz")
        how = "was finished before"
        if not done.exists():
            await self._make(name, part, folder, {**os.environ, **share})
            save(_predicted(folder), done)
            shutil.rmtree(folder)
            how = f"{time.monotonic() - started:.1f} s"
        outcome = _loaded(done)
        value = self._main(outcome.target, outcome.predictions, outcome.weights)
        logger.info(
            "evaluate: %s: %s %.4g, learned from %s rows, tested on %s (%s)",
            name,
            self._main.title,
            value,
            f"{outcome.training:,}",
            f"{len(outcome.target):,}",
            how,
        )
        return outcome

    async def _make(
        self, name: str, part: Part, folder: Path, environment: Mapping[str, str]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "config.yaml"
        write(config, _sections(self._published, part))
        for stage in STAGES:
            log = folder / f"{stage}.log"
            arguments = ("-m", "onward", stage, str(config), "--folder", str(folder))
            code = await _ended(arguments, log, environment)
            if code:
                _fail(f"evaluate: {name}: `onward {stage}`", code, log)
        _refuse_other_data(name, folder, self._published)


def visible_devices(environment: Mapping[str, str]) -> list[str]:
    """The CUDA devices that this process sees, by what names them; without a library of CUDA."""
    names = environment.get(DEVICES)
    if names is None:
        count = len([*Path("/dev").glob("nvidia[0-9]*")])
        return [str(number) for number in range(count)]
    return [name for name in names.split(",") if name]


def shares_of_machine(
    count: int, environment: Mapping[str, str], devices: Sequence[str]
) -> list[dict[str, str]]:
    """What each of several processes side by side takes of threads and devices, as variables.

    Fewer devices than processes are shared.

    Example:
        >>> [share[DEVICES] for share in shares_of_machine(2, {}, ["0", "1", "3"])]
        ['0,3', '1']
    """
    if count == 1:
        return [{}]
    threads = str(max((os.cpu_count() or 1) // count, 1))
    shares = [{THREADS: environment.get(THREADS, threads)} for _ in range(count)]
    for number, share in enumerate(shares if devices else []):
        share[DEVICES] = ",".join(devices[number::count] or [devices[number % len(devices)]])
    return shares


def forget(folder: Path) -> None:
    """Leave nothing behind, once the evaluation is published."""
    shutil.rmtree(folder / KEPT, ignore_errors=True)


def refuse_part(folder: Path) -> None:
    """Look at what the published model was made from.

    Raises:
        ConfigError: if that is a part already, of which there is no part.
    """
    settings = manifest(folder / "prepare")["settings"]
    if Part.model_validate(settings.get("part", {})) != Part():
        raise ConfigError(
            "evaluate: the model was made from a part of the rows, as prepare.part says, and has no"
            " folds or shares of its own. Remove prepare.part, or these settings"
        )


def _sections(folder: Path, part: Part) -> dict[str, Any]:
    """As the published model was made, but for the rows."""
    notes = {stage: manifest(folder / stage) for stage in STAGES}
    return {
        "prepare": {**notes["prepare"]["settings"], "part": part.model_dump(mode="json")},
        "train": notes["train"]["given"],
        "export": notes["export"]["settings"],
    }


async def _ended(arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """The exit code of a Python process, whose words go to a file."""
    with log.open("wb") as said:
        child = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=DEVNULL, stdout=said, stderr=STDOUT, env=environment
        )
        try:
            return await child.wait()
        finally:
            if child.returncode is None:  # a signal to us, or the end of another child
                child.terminate()
                await child.wait()


def _fail(what: str, code: int, log: Path) -> None:
    """End as the stage has ended."""
    if code > 128:  # as `end_with_signals` says
        sys.exit(code)
    lines = log.read_text(errors="replace").strip().splitlines()
    said = f"{what} ended with {code}: {lines[-1] if lines else 'no word'}. Its log: {log}"
    if code < 0:
        raise OnwardError(
            f"{what} was ended by {signal.Signals(-code).name}, as the system does when memory runs"
            f" out. What is finished is kept: run `onward evaluate` again. Its log: {log}"
        )
    if code == MEMORY:
        raise MemoryError(said)
    if code == DISK:
        raise OSError(said)
    raise ERRORS.get(code, OnwardError)(said)


def _refuse_other_data(name: str, folder: Path, published: Path) -> None:
    now, then = (manifest(place / "prepare")["inputs"]["data"] for place in (folder, published))
    if now != then:
        raise ArtifactError(
            f"evaluate: {name}: the table has changed since it was prepared. Run `onward prepare`"
            " and the stages after it again, or `dvc repro`"
        )


def _predicted(folder: Path) -> Outcome:
    prepared = Prepared(folder / "prepare")
    path = folder / "export" / "model.onnx"
    predictor = Predictor(path)
    task = Task.named(str(path), predictor.metadata["task"], predictor.schema.target)
    test = prepared.rows("test").collect()
    count = prepared.profiles()["rows"]
    target = targets_of(task, test)
    known, weights = exported(predictor, task)(test), prepared.weights("test")
    return Outcome(count["train"], count["validation"], target, known, weights)


def save(outcome: Outcome, path: Path) -> None:
    """Keep it for an evaluation to come."""
    arrays: dict[str, Any] = {
        **outcome.predictions,
        TRAINING: outcome.training,
        VALIDATION: outcome.validation,
        TARGET: outcome.target,
    }
    if outcome.weights is not None:
        arrays[WEIGHTS] = outcome.weights
    with replacing(path) as new, new.open("wb") as file:
        np.savez(file, **arrays)


def _loaded(path: Path) -> Outcome:
    with np.load(path) as file:
        arrays: Mapping[str, Array] = dict(file)
    known = {name: arrays[name] for name in arrays if not name.startswith("onward/")}
    counts = int(arrays[TRAINING]), int(arrays[VALIDATION])
    return Outcome(*counts, arrays[TARGET], known, arrays.get(WEIGHTS))
