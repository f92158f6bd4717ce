"""`onward serve`."""

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

LOCAL = ("127.0.0.1", "::1", "localhost")
NAME = re.compile(r"[A-Za-z0-9._-]+")  # stands in paths, in logs and in metrics

Models = Annotated[
    list[Path],
    typer.Argument(metavar="MODEL...", help="Files of the stage export.", show_default=False),
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--name",
        help="Of a model, in their order; by default that of its file.",
        show_default=False,
    ),
]
Variable = Annotated[
    str | None,
    typer.Option(
        metavar="VARIABLE", help="Environment variable that holds the token clients must send."
    ),
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Listen on other addresses without a token.")
]
Waiting = Annotated[int, typer.Option(min=1, help="Requests that wait in a worker; more get 429.")]
Grace = Annotated[
    float, typer.Option(min=0, help="Seconds of answering after SIGTERM, for load balancers.")
]


def serve(  # noqa: PLR0913  (a command has as many parameters as options)
    models: Models,
    name: Names = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8080,
    workers: Annotated[int, typer.Option(min=1, help="Processes, at most one for each core.")] = 1,
    token_env: Variable = None,
    *,
    insecure: Insecure = False,
    max_rows: Annotated[int, typer.Option(min=1, help="Rows of a request.")] = 1_024,
    max_bytes: Annotated[int, typer.Option(min=1, help="Bytes of a request.")] = 8 << 20,
    max_waiting: Waiting = 64,
    grace: Grace = 5.0,
) -> None:
    """Serve model files over HTTP.

    The Open Inference Protocol at /v2, JSON objects at /predict, a form at /, metrics at /metrics.
    A file that is replaced is reloaded. Needs `pip install onward[serve]`.
    """
    _refuse_open(host, token_env, insecure=insecure)
    import msgspec  # of the extra; `onward --help` must not need it

    from onward.serving.server.options import Options

    options = Options(
        models=_named(models, name or []),
        host=host,
        port=port,
        workers=workers,
        token_variable=token_env or "",
        max_bytes=max_bytes,
        max_rows=max_rows,
        max_waiting=max_waiting,
        grace=grace,
    )
    program = [sys.executable, "-m", "onward.serving.server", msgspec.json.encode(options).decode()]
    os.execv(sys.executable, program)


def _refuse_open(host: str, token_env: str | None, *, insecure: bool) -> None:
    if not (host in LOCAL or token_env or insecure):
        raise typer.BadParameter(
            f"--host {host} is open to other machines: name a variable with a token by --token-env,"
            " or say --insecure"
        )
    if token_env and not os.environ.get(token_env):
        raise typer.BadParameter(f"--token-env: the variable {token_env} is empty or not set")


def _named(models: list[Path], names: list[str]) -> dict[str, str]:
    """Paths by name."""
    if len(names) > len(models):
        raise typer.BadParameter(f"{len(names)} times --name, and {len(models)} models")
    names = names + [_name(path) for path in models[len(names) :]]
    for name in names:
        if names.count(name) > 1:
            raise typer.BadParameter(f"{name!r} names two models. Give each a --name")
        if not NAME.fullmatch(name):
            raise typer.BadParameter(f"--name {name!r}: only letters, digits and . _ - are allowed")
    return dict(zip(names, (str(path.absolute()) for path in models), strict=True))


def _name(path: Path) -> str:
    """`kernels` for artifacts/kernels/export/model.onnx, else that of the file."""
    folder = path.absolute().parent
    name = folder.parent.name if folder.name == "export" else path.stem
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
