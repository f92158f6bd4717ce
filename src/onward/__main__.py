"""The command line: a command for each stage, and the commands of `onward.cli`."""

import importlib
import logging
import os
import pkgutil
import sys
from ast import get_docstring, parse
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from onward import __version__, stages
from onward import cli as commands
from onward.artifacts.process import end_with_signals, is_first, signals_received
from onward.cli._commands import Commands
from onward.cli._extras import require_extra
from onward.cli._stage import run_stage
from onward.errors import OnwardError, is_out_of_memory, printable

logger = logging.getLogger(__name__)

BUG_EXIT_CODE, MEMORY_EXIT_CODE, DISK_EXIT_CODE = 70, 71, 74

app = typer.Typer(
    cls=Commands,
    help="From a raw table to one ONNX file you can trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Config = Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)]

# `evaluate` retrains models in another folder
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
    """Global options."""


class _Printable(logging.Formatter):
    """Escapes characters that would steer a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record))


def main() -> None:
    """Run the command, and exit with its code."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Printable("%(message)s"))
    logging.basicConfig(handlers=[handler])
    logging.getLogger("onward").setLevel(logging.INFO if is_first() else logging.WARNING)
    # makes polars return freed memory sooner; saves a fifth of the peak for large tables
    os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:100,muzzy_decay_ms:0")
    end_with_signals()
    try:
        app()
    except OnwardError as error:
        sys.stderr.write(printable(f"{error}\n"))
        sys.exit(error.exit_code)
    except Exception as error:
        if signals_received():  # a signal during an import becomes another error
            sys.exit(128 + signals_received()[0])
        if is_out_of_memory(error):
            sys.stderr.write(
                f"{str(error).strip() or 'Out of memory'}. No files were published. Close other"
                " programs or use a machine with more memory, and try again\n"
            )
            sys.exit(MEMORY_EXIT_CODE)
        if isinstance(error, OSError):
            message = f"{error}. No files were published. Check the disk and try again\n"
            sys.stderr.write(printable(message))
            sys.exit(DISK_EXIT_CODE)
        if "(os error " in str(error):  # an OSError of polars, which has no type for it
            sys.stderr.write(printable(f"{error}\n"))
            sys.exit(DISK_EXIT_CODE)
        logger.exception("This is a bug in onward. Please report it with the lines below")
        sys.exit(BUG_EXIT_CODE)


def _stage(name: str) -> Callable[[Path], None]:
    @require_extra("train")
    def command(config: Config, folder: Folder = None) -> None:
        run_stage(name, config, folder)

    return command


def _summary(path: Path) -> str:
    """The first line of a module's docstring, without importing it."""
    return (get_docstring(parse(path.read_text(encoding="utf-8"))) or "").partition("\n")[0]


for stage in stages.ORDER:
    summary = _summary(Path(stages.__path__[0]) / f"{stage}.py")
    app.command(stage, help=summary, rich_help_panel="Stages")(_stage(stage))
for name in (module.name for module in pkgutil.iter_modules(commands.__path__)):
    if not name.startswith("_"):
        module = importlib.import_module(f"onward.cli.{name}")
        member = getattr(module, name)
        if isinstance(member, typer.Typer):  # a command with commands of its own
            for inner in member.registered_commands:
                assert inner.callback is not None
                inner.callback = require_extra("train")(inner.callback)
            app.add_typer(member, name=name)
            continue
        command = require_extra(getattr(module, "EXTRA", "train"))(member)
        app.command(name.replace("_", "-"))(command)


if __name__ == "__main__":
    main()
