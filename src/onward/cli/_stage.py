"""Run a stage on a config, as a command does."""

import gc
import importlib
import logging
import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import typer

from onward.artifacts.process import end_with_parent, is_first, lock
from onward.errors import ConfigError

logger = logging.getLogger(__name__)

ARTIFACTS = Path("artifacts")
NEW_OBJECTS = 50_000  # between searches for garbage; by default 700 to 2,000


def run_stage(name: str, config: Path, folder: Path | None = None, *others: str) -> Path:
    """Run a stage, and return the folder of the results of the config.

    Args:
        name: of the stage.
        config: a file.
        folder: of the results; by default the one of the config in ``artifacts/``.
        others: stages whose sections it gets beside its own.
    """
    # local imports: `onward --help` must not import torch, nor `prepare` lightning
    from onward.settings.config import config_name, import_plugins, section

    end_with_parent()
    import_plugins(config)
    stages = _imported(name, *others)
    folder = folder or ARTIFACTS / config_name(config)
    settings = [section(config, stage, module.Settings) for stage, module in stages.items()]
    # in distributed training rank zero holds the lock; no other stage has several processes
    with lock(folder / name) if is_first() or name != "train" else nullcontext():
        if name != "prepare" and is_first() and "DVC_STAGE" not in os.environ:  # DVC has looked
            _warn_of_changes(name, config, folder)
        _run_to_the_end(name, lambda: stages[name].run(*settings, folder))
    return folder


def _warn_of_changes(name: str, config: Path, folder: Path) -> None:
    from onward.cli._changed_inputs import changed_inputs

    if changes := changed_inputs(config, folder):
        logger.warning(
            "%s: the prepared rows were made before a change of %s. To use what is there now:"
            " onward prepare %s, or dvc repro",
            name,
            " and ".join(changes),
            config,
        )


def _imported(*names: str) -> dict[str, Any]:
    """The modules of stages, among which Python then looks for no garbage.

    They are hundreds of thousands of objects that stay to the end. To look through them again and
    again takes a tenth of the time of a small table.
    """
    gc.disable()
    try:
        return {name: importlib.import_module(f"onward.stages.{name}") for name in names}
    finally:
        gc.freeze()
        gc.set_threshold(NEW_OBJECTS)
        gc.enable()


def _run_to_the_end(name: str, run: Callable[[], None]) -> None:
    """Code of a plug-in may ask to exit with 0, and DVC would record the stage as done."""
    try:
        run()
    except (SystemExit, typer.Exit) as error:
        code = error.code if isinstance(error, SystemExit) else error.exit_code
        if code:
            raise
        raise ConfigError(
            f"{name}: the program was asked to exit before the stage was done. Remove the call of"
            " `sys.exit` from the plug-in"
        ) from error
