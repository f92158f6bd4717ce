"""The whole pipeline, once and quickly, to see what would stop it."""

import importlib
import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

from onward import stages
from onward.artifacts.prepared import Prepared
from onward.cli._sample import sample
from onward.errors import ConfigError, OnwardError
from onward.evaluation.cross_validation import folds
from onward.evaluation.learning_curve import parts as shares
from onward.evaluation.retraining import STAGES
from onward.settings.config import config_name, section
from onward.table.splits import SPLITS
from onward.training.default_settings import Given, Table, completed

EPOCHS = 2  # the second one starts where a first one has ended
DEVICES = "CUDA_VISIBLE_DEVICES"

Problems = dict[str, OnwardError]
"""By stage."""


def rehearse(config: Path) -> int:
    """Print how long each stage takes, and what stops it; return the exit code of a full run.

    Its plugins must have been imported, and before this module.
    """
    settings, problems = _sections(config)
    _print(problems)  # before the stages that can run, which take longer than correcting a word
    with (
        _quietly_on_one_device(),
        # not where $TMPDIR says, which may have no room for the table
        TemporaryDirectory(prefix=".check-", dir=Path.cwd()) as folder,
    ):
        stopped = _run(settings, Path(folder), config_name(config))
    _print(stopped)
    problems |= stopped
    if not problems:
        typer.echo(f"{config}: nothing found that would stop a full run")
        return 0
    code = problems[min(problems, key=stages.ORDER.index)].exit_code
    typer.echo(f"{config}: a full run would end with {code}", err=True)
    return code


def _print(problems: Problems) -> None:
    for message in dict.fromkeys(map(str, problems.values())):  # one of all sections is said once
        typer.echo(message, err=True)


def _sections(config: Path) -> tuple[dict[str, Any], Problems]:
    """The settings of each stage, and what is wrong with those of the others."""
    settings: dict[str, Any] = {}
    problems: Problems = {}
    for name in stages.ORDER:
        try:
            settings[name] = section(config, name, _stage(name).Settings)
        except ConfigError as error:
            problems[name] = error
    return settings, problems


def _run(settings: Mapping[str, Any], folder: Path, name: str) -> Problems:
    """Run the stages up to the first that cannot run."""
    whole, few = folder / "whole" / name, folder / "few" / name
    for stage in takewhile(settings.__contains__, stages.ORDER):
        started = time.monotonic()
        try:
            if stage == "evaluate":
                _rehearse_parts(settings, folder)
            rows = _run_stage(stage, settings[stage], whole, few)
        except OnwardError as error:
            return {stage: error}
        typer.echo(f"{stage:9}{time.monotonic() - started:6.1f} s {rows:11,} rows")
    return {}


def _run_stage(name: str, settings: Any, whole: Path, few: Path) -> int:
    """Run a stage, the first one on all rows, and return how many it had."""
    stage = _stage(name)
    if name == "prepare":
        stage.run(settings, whole)
        sample(whole / name, few / name)
        return _rows(whole)
    if name == "train":
        settings = _shortened(settings, Prepared(whole / "prepare"))
    if name == "evaluate":  # what else it asks for comes before
        settings = settings.model_copy(update={"cross_validation": None, "learning_curve": ()})
    stage.run(settings, few)
    return _rows(few)


def _rehearse_parts(settings: Mapping[str, Any], folder: Path) -> None:
    """Prepare each part that `evaluate` makes a model from; train and export with the first."""
    asked = settings["evaluate"]
    parts = {**folds(asked.cross_validation or 0), **shares(asked.learning_curve)}
    todo = STAGES
    for name, part in parts.items():
        of_part = {**settings, "prepare": settings["prepare"].model_copy(update={"part": part})}
        with TemporaryDirectory(dir=folder) as place:
            whole, few = Path(place, "whole"), Path(place, "few")
            try:
                for stage in todo:
                    _run_stage(stage, of_part[stage], whole, few)
            except OnwardError as error:
                raise type(error)(f"evaluate: {name}: {error}") from error
        todo = STAGES[:1]  # the later stages have nothing to say that they have not said


def _rows(folder: Path) -> int:
    prepared = Prepared(folder / "prepare")
    return sum(map(prepared.num_rows, SPLITS))


def _stage(name: str) -> Any:
    return importlib.import_module(f"onward.stages.{name}")


def _shortened(given: Given, prepared: Prepared) -> Given:
    """The same network as in a full run, for which the rules look at all rows; fewer epochs."""
    settings = completed(given, Table.of(prepared)).model_dump()
    settings["learner"]["max_epochs"] = min(EPOCHS, settings["learner"]["max_epochs"])
    return Given.model_validate({**given.model_dump(), **settings})


@contextmanager
def _quietly_on_one_device() -> Iterator[None]:
    """Figures of a few rows mislead; and a second device would start this command once more."""
    logger = logging.getLogger("onward")
    level, devices = logger.level, os.environ.get(DEVICES)
    logger.setLevel(logging.WARNING)
    os.environ[DEVICES] = (devices if devices is not None else "0").partition(",")[0]
    try:
        yield
    finally:
        logger.setLevel(level)
        if devices is None:
            del os.environ[DEVICES]
        else:
            os.environ[DEVICES] = devices
