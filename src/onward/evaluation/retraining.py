"""Retraining: the stages run again on a fold of a cross-validation, or on fewer training rows.

Each model goes through all steps of the published one, preprocessing and calibration included. The
stages run as commands in processes of their own, for three reasons: several models train in
parallel, each with its share of the cores; memory and random state of one model cannot affect
another; and evaluation needs no training library. Within a process, `onward.training.run.fit`
trains.
"""

import asyncio
import hashlib
import json
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
from onward.artifacts.publishing import MANIFEST, manifest, sha256, sha256_of_code, verify
from onward.artifacts.replacing import replacing
from onward.artifacts.scratch import scratch_environment
from onward.errors import ArtifactError, ConfigError, OnwardError
from onward.evaluation.baselines import predict_function, targets_of
from onward.serving.predictor import Predictor
from onward.settings.config import write
from onward.table.splits import Part
from onward.tasks import Array, Metric, Predictions, Task
from onward.wording import format_number

logger = logging.getLogger(__name__)

STAGES: Sequence[str] = ("prepare", "train", "export")
ERRORS_BY_EXIT_CODE = {error.exit_code: error for error in reversed(OnwardError.__subclasses__())}
"""By exit code of a process; the first of several errors with the same code."""
MEMORY_EXIT_CODE, DISK_EXIT_CODE = 71, 74
RETRAINED_FOLDER = ".evaluate.reruns"
KEY_DIGITS = 16  # hexadecimal digits, enough to distinguish the evaluations of one folder
THREADS_VARIABLE, DEVICES_VARIABLE = "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"
TRAINING, VALIDATION = "onward/training", "onward/validation"
TARGET, WEIGHTS, STEPS = "onward/target", "onward/weights", "onward/steps"


@dataclass(frozen=True)
class HeldOutPredictions:
    """Predictions of a model for its test rows."""

    training: int
    """Number of rows."""
    validation: int
    """Number of rows."""
    target: Array
    predictions: Predictions
    weights: Array | None = None
    """Row weights; None without weights."""
    steps: int = 0
    """Of the optimizer."""


class RetrainedModels:
    """Retrained versions of the published model. Finished ones are reused.

    Args:
        folder: of the published model.
        main: the metric to log.
        at_once: number of models trained in parallel.
    """

    def __init__(self, folder: Path, main: Metric, at_once: int) -> None:
        self._published, self._main, self._at_once = folder, main, at_once
        inputs = sha256(folder / "export" / MANIFEST) + sha256_of_code()
        self.folder = (
            folder / RETRAINED_FOLDER / hashlib.sha256(inputs.encode()).hexdigest()[:KEY_DIGITS]
        )

    def run(self, parts: Mapping[str, Part]) -> list[HeldOutPredictions]:
        """Prepare, train and export each unfinished part, and predict the test rows of all parts.

        Args:
            parts: of the rows, by name; messages begin with the name.

        Raises:
            OnwardError: if a stage fails. The other parts are stopped.
        """
        self._remove_others()
        return asyncio.run(self._side_by_side(parts))

    def _remove_others(self) -> None:
        """Remove results of other models or other code."""
        if self.folder.parent.exists():
            for other in set(self.folder.parent.iterdir()) - {self.folder}:
                shutil.rmtree(other)

    async def _side_by_side(self, parts: Mapping[str, Part]) -> list[HeldOutPredictions]:
        turns: asyncio.Queue[Mapping[str, str]] = asyncio.Queue()
        for share in shares_of_machine(self._at_once, os.environ, visible_devices(os.environ)):
            turns.put_nowait(share)

        async def in_turn(name: str, part: Part) -> HeldOutPredictions:
            share = await turns.get()
            try:
                return await self._outcome(name, part, share)
            finally:
                turns.put_nowait(share)

        return await asyncio.gather(*(in_turn(name, part) for name, part in parts.items()))

    async def _outcome(self, name: str, part: Part, share: Mapping[str, str]) -> HeldOutPredictions:
        started, folder = time.monotonic(), self.folder / name.replace(" ", "-")
        done = folder.with_name(f"{folder.name}.npz")
        duration = "reused"
        if not done.exists():
            await self._make(name, part, folder, {**scratch_environment(), **share})
            save(_predict(folder), done)
            shutil.rmtree(folder)
            duration = f"{time.monotonic() - started:.1f} s"
        outcome = _load(done)
        value = self._main(outcome.target, outcome.predictions, outcome.weights)
        logger.info(
            "evaluate: %s: %s %s, %s training rows, %s test rows (%s)",
            name,
            self._main.title,
            format_number(value),
            f"{outcome.training:,}",
            f"{len(outcome.target):,}",
            duration,
        )
        return outcome

    async def _make(
        self, name: str, part: Part, folder: Path, environment: Mapping[str, str]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "config.yaml"
        write(config, sections(self._published, part))
        for stage in STAGES:
            log = folder / f"{stage}.log"
            arguments = ("-m", "onward", stage, str(config), "--folder", str(folder))
            code = await _exit_code(arguments, log, environment)
            if code:
                _raise_failure(f"evaluate: {name}: `onward {stage}`", code, log)
        _refuse_other_data(name, folder, self._published)


def visible_devices(environment: Mapping[str, str]) -> list[str]:
    """The visible CUDA devices by number or UUID, found without a CUDA library."""
    names = environment.get(DEVICES_VARIABLE)
    if names is None:
        count = len([*Path("/dev").glob("nvidia[0-9]*")])
        return [str(number) for number in range(count)]
    return [name for name in names.split(",") if name]


def shares_of_machine(
    count: int, environment: Mapping[str, str], devices: Sequence[str]
) -> list[dict[str, str]]:
    """Environment variables that give each parallel process its share of threads and devices.

    Fewer devices than processes are shared.

    Example:
        >>> [share[DEVICES_VARIABLE] for share in shares_of_machine(2, {}, ["0", "1", "3"])]
        ['0,3', '1']
    """
    if count == 1:
        return [{}]
    threads = str(max((os.cpu_count() or 1) // count, 1))
    shares = [{THREADS_VARIABLE: environment.get(THREADS_VARIABLE, threads)} for _ in range(count)]
    for number, share in enumerate(shares if devices else []):
        share[DEVICES_VARIABLE] = ",".join(
            devices[number::count] or [devices[number % len(devices)]]
        )
    return shares


def remove_retrained(folder: Path) -> None:
    """Remove the retrained models, once the evaluation is published."""
    shutil.rmtree(folder / RETRAINED_FOLDER, ignore_errors=True)


def refuse_partial_model(folder: Path) -> None:
    """Refuse to retrain a model that was itself made from a part of the rows.

    Raises:
        ConfigError: if the config of the published model has `prepare.part`.
    """
    settings = manifest(folder / "prepare")["settings"]
    if Part.model_validate(settings.get("part", {})) != Part():
        raise ConfigError(
            "evaluate: cross_validation and learning_curve need a model of all rows, but"
            " prepare.part selects a part of them. Remove prepare.part, or these settings"
        )


def sections(folder: Path, part: Part) -> dict[str, Any]:
    """The config of the published model, for another part of the rows and new weights.

    If it started from an earlier model, its network is kept, which is not that of the rules.
    """
    notes = {stage: manifest(folder / stage) for stage in STAGES}
    changed = {"part": part.model_dump(mode="json"), "start_from": None}
    train = dict(notes["train"]["given"])
    train.pop("refit", None)  # all metrics are those of the first training
    if notes["prepare"]["settings"].get("start_from") is not None:
        train["network"] = notes["train"]["settings"]["network"]
    return {
        "prepare": {**notes["prepare"]["settings"], **changed},
        "train": train,
        "export": notes["export"]["settings"],
    }


async def _exit_code(arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> int:
    """Run a Python process with its output in a file, and return its exit code."""
    with log.open("wb") as output:
        child = await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdin=DEVNULL, stdout=output, stderr=STDOUT, env=environment
        )
        try:
            return await child.wait()
        finally:
            if child.returncode is None:  # this process was interrupted, or another child failed
                child.terminate()
                await child.wait()


def _raise_failure(command: str, code: int, log: Path) -> None:
    """Raise the error of the stage, or exit with its code after a signal."""
    if code > 128:  # a signal, see `end_with_signals`
        sys.exit(code)
    lines = log.read_text(errors="replace").strip().splitlines()
    message = (
        f"{command} failed with exit code {code}: {lines[-1] if lines else 'no output'}. Log: {log}"
    )
    if code < 0:
        raise OnwardError(
            f"{command} was killed by {signal.Signals(-code).name}, possibly because memory"
            f" ran out. Run `onward evaluate` again: finished models are reused. Log: {log}"
        )
    if code == MEMORY_EXIT_CODE:
        raise MemoryError(message)
    if code == DISK_EXIT_CODE:
        raise OSError(message)
    raise ERRORS_BY_EXIT_CODE.get(code, OnwardError)(message)


def _refuse_other_data(name: str, folder: Path, published: Path) -> None:
    now, then = (manifest(of / "prepare")["inputs"]["data"] for of in (folder, published))
    if now != then:
        raise ArtifactError(
            f"evaluate: {name}: the table has changed since `onward prepare`. Run `onward prepare`"
            " and the later stages again, or `dvc repro`"
        )


def _predict(folder: Path) -> HeldOutPredictions:
    prepared = Prepared(folder / "prepare")
    path = folder / "export" / "model.onnx"
    predictor = Predictor(path)
    task = Task.by_name(str(path), predictor.metadata["task"], predictor.schema.target)
    test = prepared.rows("test").collect()
    count = prepared.profiles()["rows"]
    target = targets_of(task, test)
    predictions, weights = predict_function(predictor, task)(test), prepared.weights("test")
    numbers = count["train"], count["validation"]
    return HeldOutPredictions(*numbers, target, predictions, weights, training_steps(folder))


def training_steps(folder: Path) -> int:
    """The optimizer steps of a finished training, of all its epochs."""
    epochs = json.loads(verify(folder / "train" / "metrics.json").read_text())["epochs"]
    batch = manifest(folder / "train")["settings"]["learner"]["batch_size"]
    rows = Prepared(folder / "prepare").num_rows("train")
    return int(epochs * (rows // min(batch, rows)))


def save(outcome: HeldOutPredictions, path: Path) -> None:
    """Write the predictions of a finished model, so that a later evaluation can reuse them."""
    arrays: dict[str, Any] = {
        **outcome.predictions,
        TRAINING: outcome.training,
        VALIDATION: outcome.validation,
        TARGET: outcome.target,
        STEPS: outcome.steps,
    }
    if outcome.weights is not None:
        arrays[WEIGHTS] = outcome.weights
    with replacing(path) as new, new.open("wb") as file:
        np.savez(file, **arrays)


def _load(path: Path) -> HeldOutPredictions:
    with np.load(path) as file:
        arrays: Mapping[str, Array] = dict(file)
    predictions = {name: arrays[name] for name in arrays if not name.startswith("onward/")}
    counts = int(arrays[TRAINING]), int(arrays[VALIDATION])
    weights, steps = arrays.get(WEIGHTS), int(arrays[STEPS])
    return HeldOutPredictions(*counts, arrays[TARGET], predictions, weights, steps)
