"""A quick dry run of the whole pipeline, to find errors early."""

import importlib
import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

from onward import stages
from onward.artifacts.prepared import Prepared
from onward.artifacts.scratch import own_checkpoints
from onward.cli._sample import sample
from onward.cli._stage import ARTIFACTS
from onward.errors import ConfigError, OnwardError
from onward.evaluation.cross_validation import folds
from onward.evaluation.learning_curve import parts as shares
from onward.evaluation.retraining import STAGES
from onward.settings.config import config_name, has_section, section
from onward.table.splits import SPLITS
from onward.training.default_settings import Given, Table, complete
from onward.training.start import load_start
from onward.training.summary import member_lines
from onward.wording import format_count

DRY_RUN_EPOCHS = 2  # the second epoch also tests the end of the first
DRY_RUN_TRIALS = 2  # the first has the settings of the config
DEVICES_VARIABLE = "CUDA_VISIBLE_DEVICES"

Problems = dict[str, OnwardError]
"""By stage."""


def dry_run(config: Path) -> int:
    """Print the time of each stage and all errors; return the exit code of a full run.

    The plugins of the config must be imported before this module.
    """
    settings, problems = _sections(config)
    _print(problems)  # before running stages, which takes longer than correcting a word
    with (
        _quiet_on_one_device(),
        own_checkpoints(),
        # not in $TMPDIR, which may be too small for the table
        TemporaryDirectory(prefix=".check-", dir=Path.cwd()) as folder,
    ):
        errors = _run_stages(settings, Path(folder), config_name(config))
    _print(errors)
    problems |= errors
    if not problems:
        typer.echo(f"{config}: no errors found")
        return 0
    code = problems[min(problems, key=stages.ALL.index)].exit_code
    typer.echo(f"{config}: a full run would exit with code {code}", err=True)
    return code


def _print(problems: Problems) -> None:
    # an error of several sections is printed once
    for message in dict.fromkeys(map(str, problems.values())):
        typer.echo(message, err=True)


def _sections(config: Path) -> tuple[dict[str, Any], Problems]:
    """The valid settings by stage, and the errors of the others."""
    settings: dict[str, Any] = {}
    problems: Problems = {}
    for name in stages.ALL:
        if name in stages.REQUESTED and not has_section(config, name):
            continue
        try:
            settings[name] = section(config, name, _stage(name).Settings)
        except ConfigError as error:
            problems[name] = error
    conflicts = _conflicts(settings, ARTIFACTS / config_name(config))
    for name in conflicts:
        del settings[name]
    return settings, problems | conflicts


def _conflicts(settings: Mapping[str, Any], folder: Path) -> Problems:
    """Settings that the sample of a dry run, in a folder of its own, would not refuse."""
    problems: Problems = {}
    if "prepare" not in settings:
        return problems
    prepare = settings["prepare"]
    try:
        _stage("prepare").refuse_own_artifacts(prepare, folder)
    except ConfigError as error:
        problems["prepare"] = error
    try:
        if "evaluate" in settings:
            settings["evaluate"].resampling.refuse_start(prepare.start_from)
    except ConfigError as error:
        problems["evaluate"] = error
    return problems


def _run_stages(settings: Mapping[str, Any], folder: Path, name: str) -> Problems:
    """Run the stages up to the first with invalid settings."""
    whole, few = folder / "whole" / name, folder / "few" / name
    needed = (stage for stage in stages.ALL if stage in {*stages.ORDER, *settings})
    for stage in takewhile(settings.__contains__, needed):
        started = time.monotonic()
        try:
            if stage == "evaluate":
                _run_parts(settings, folder)
            rows = (
                _run_tune(settings, whole, few)
                if stage == "tune"
                else _run_stage(stage, settings[stage], whole, few)
            )
        except OnwardError as error:
            return {stage: error}
        seconds, about = time.monotonic() - started, format_count(rows, "row")
        typer.echo(f"{stage:9}{seconds:6.1f} s {about:>16}")
        if stage == "train" and settings[stage].members:
            _print_members(settings[stage], Prepared(whole / "prepare"))
    return {}


def _run_stage(name: str, settings: Any, whole: Path, few: Path) -> int:
    """Run a stage, `prepare` on all rows, and return the number of rows."""
    stage = _stage(name)
    if name == "prepare":
        stage.run(settings, whole)
        sample(whole / name, few / name)
        return _rows(whole)
    if name == "train":
        settings = _with_few_epochs(settings, Prepared(whole / "prepare"))
    if name == "evaluate":  # `_run_parts` tests these
        omitted = {"cross_validation": None, "learning_curve": (), "cold_start": False}
        settings = settings.model_copy(update=omitted)
    stage.run(settings, few)
    return _rows(few)


def _run_tune(settings: Mapping[str, Any], whole: Path, few: Path) -> int:
    """Run two trials, and return the number of rows."""
    budget = {"trials": DRY_RUN_TRIALS, "minutes": None}
    given = _with_few_epochs(settings["train"], Prepared(whole / "prepare"))
    _stage("tune").run(settings["tune"].model_copy(update=budget), given, few)
    return _rows(few)


def _print_members(given: Given, prepared: Prepared) -> None:
    """Print the networks of an ensemble, with the settings of a full run."""
    for line in member_lines(complete(given, Table.of(prepared))):
        typer.echo(f"         {line}")


def _run_parts(settings: Mapping[str, Any], folder: Path) -> None:
    """Prepare each fold and share of `evaluate`; train and export with the first one."""
    evaluate = settings["evaluate"]
    parts = {**folds(evaluate.cross_validation or 0), **shares(evaluate.learning_curve)}
    todo = STAGES
    for name, part in parts.items():
        of_part = {**settings, "prepare": settings["prepare"].model_copy(update={"part": part})}
        with TemporaryDirectory(dir=folder) as scratch:
            whole, few = Path(scratch, "whole"), Path(scratch, "few")
            try:
                for stage in todo:
                    _run_stage(stage, of_part[stage], whole, few)
            except OnwardError as error:
                raise type(error)(f"evaluate: {name}: {error}") from error
        todo = STAGES[:1]  # the later stages behave the same for all parts


def _rows(folder: Path) -> int:
    prepared = Prepared(folder / "prepare")
    return sum(map(prepared.num_rows, SPLITS))


def _stage(name: str) -> Any:
    return importlib.import_module(f"onward.stages.{name}")


def _with_few_epochs(given: Given, prepared: Prepared) -> Given:
    """The settings of a full run, chosen from all rows, with fewer epochs."""
    start = load_start(prepared)
    config = None if start is None else start.network.config
    settings = complete(given, Table.of(prepared), config).model_dump()
    for part in (settings, *settings["members"]):
        part["learner"]["max_epochs"] = min(DRY_RUN_EPOCHS, part["learner"]["max_epochs"])
    settings["members"] = _different(settings["members"])
    return Given.model_validate({**given.model_dump(), **settings})


def _different(members: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The members without those that only had another number of epochs; `train` refuses them."""
    alone = [{**member, "count": 1} for member in members]
    return tuple(one for at, one in enumerate(members) if alone.index(alone[at]) == at)


@contextmanager
def _quiet_on_one_device() -> Iterator[None]:
    """No log of misleading metrics of few rows, and one device: others would rerun the command."""
    logger = logging.getLogger("onward")
    level, devices = logger.level, os.environ.get(DEVICES_VARIABLE)
    logger.setLevel(logging.WARNING)
    os.environ[DEVICES_VARIABLE] = (devices if devices is not None else "0").partition(",")[0]
    try:
        yield
    finally:
        logger.setLevel(level)
        if devices is None:
            del os.environ[DEVICES_VARIABLE]
        else:
            os.environ[DEVICES_VARIABLE] = devices
