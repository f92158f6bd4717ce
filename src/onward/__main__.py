"""The command line: one command for each stage, and those of `onward.cli`."""

import errno
import importlib
import logging
import os
import pkgutil
import re
import sys
from ast import get_docstring, parse
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from onward import __version__, stages
from onward import cli as commands
from onward.artifacts.process import (
    end_with_parent,
    end_with_signals,
    is_first,
    locked,
    signals_received,
)
from onward.cli._extras import needs
from onward.errors import ConfigError, OnwardError

logger = logging.getLogger(__name__)

ARTIFACTS = Path("artifacts")
BUG, MEMORY, DISK = 70, 71, 74

app = typer.Typer(
    help="From a raw table to one ONNX file you can trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Config = Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)]

# where `evaluate` has models of other rows made
Folder = Annotated[Path | None, typer.Option(hidden=True)]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"onward {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version",
        help="Show the version and exit.",
        callback=_print_version,
        is_eager=True,
    ),
]


@app.callback()
def options(*, version: Version = False) -> None:
    """Options beside the commands."""


def main() -> None:
    """Run the command, and end with the code that says how it went."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("onward").setLevel(logging.INFO if is_first() else logging.WARNING)
    # polars gives memory back as if it were still its own; a fifth of the peak of a large table
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:100,muzzy_decay_ms:0")
    end_with_signals()
    try:
        app()
    except OnwardError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except Exception as error:
        if signals_received():  # it hit an import, which made another error of it
            sys.exit(128 + signals_received()[0])
        if _lacks_memory(error):
            sys.stderr.write(
                f"{str(error).strip() or 'Out of memory'}. Nothing was published; close other"
                " programs, or take a machine with more memory, and try again\n"
            )
            sys.exit(MEMORY)
        if isinstance(error, OSError):
            sys.stderr.write(f"{error}. Nothing was published; look at the disk and try again\n")
            sys.exit(DISK)
        if "(os error " in str(error):  # polars has no type of its own for these
            sys.stderr.write(f"{error}\n")
            sys.exit(DISK)
        logger.exception("This is a bug of ours: please report it, with the lines below")
        sys.exit(BUG)


def _lacks_memory(error: Exception) -> bool:
    """NumPy has a type for it, the system a number; polars, torch and onnxruntime have words."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM or f"(os error {errno.ENOMEM})" in str(error)
    words = r"out of memory|(can't|cannot|failed to) allocate memory|bad.alloc"
    return isinstance(error, MemoryError) or bool(re.search(words, str(error), re.IGNORECASE))


def _stage(name: str) -> Callable[[Path], None]:
    @needs("train")
    def command(config: Config, folder: Folder = None) -> None:
        # imports here: `onward --help` must not wait for torch, nor prepare for lightning
        from onward.settings.config import config_name, import_plugins, section

        end_with_parent()
        import_plugins(config)
        stage: Any = importlib.import_module(f"onward.stages.{name}")
        folder = folder or ARTIFACTS / config_name(config)
        settings = section(config, name, stage.Settings)
        # of the processes that train together the first has the lock; no other stage has several
        with locked(folder / name) if is_first() or name != "train" else nullcontext():
            _run_to_the_end(name, lambda: stage.run(settings, folder))

    return command


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


def _summary(path: Path) -> str:
    """The first line of a module's docstring, without running it."""
    return (get_docstring(parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


for stage in stages.ORDER:
    summary = _summary(Path(stages.__path__[0]) / f"{stage}.py")
    app.command(stage, help=summary, rich_help_panel="Stages")(_stage(stage))
for name in (module.name for module in pkgutil.iter_modules(commands.__path__)):
    if not name.startswith("_"):
        module = importlib.import_module(f"onward.cli.{name}")
        command = needs(getattr(module, "EXTRA", "train"))(getattr(module, name))
        app.command(name.replace("_", "-"))(command)


if __name__ == "__main__":
    main()
