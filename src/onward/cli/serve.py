"""`onward serve`."""

import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from onward.cli import _serve_options as options
from onward.cli._model_name import model_name, valid_name
from onward.cli._processes import refuse_many_processes
from onward.wording import format_count

EXTRA = "serve"
LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")
PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")


def serve(  # noqa: PLR0913  (a command has as many parameters as options)
    models: options.Models,
    name: options.Names = None,
    host: options.Host = "127.0.0.1",
    port: options.Port = 8080,
    workers: options.Workers = 1,
    token_env: options.Variable = None,
    *,
    insecure: options.Insecure = False,
    max_rows: options.Rows = 1_024,
    max_bytes: options.Bytes = 8 << 20,
    max_waiting: options.Waiting = None,
    shadow: options.Shadow = None,
    canary: options.Canary = None,
    log: options.Log = None,
    log_sample: options.Sample = None,
    log_columns: options.Columns = None,
    grace: options.Grace = 5.0,
) -> None:
    """Serve model files over HTTP.

    /predict takes JSON objects, /v2 the Open Inference Protocol; / has a form
    and /metrics the metrics. Replaced files are reloaded.
    """
    _refuse_open_host(host, token_env, insecure=insecure)
    refuse_many_processes("--workers", workers)
    _start(
        models=_models_by_name(models, name or []),
        host=host,
        port=port,
        workers=workers,
        token_variable=token_env or "",
        max_rows=max_rows,
        max_bytes=max_bytes,
        max_waiting=max_waiting or 0,
        grace=grace,
        **_other_models(models, shadow, canary),
        **_request_log(log, log_sample, log_columns),
    )


def _start(**settings: Any) -> None:
    """Replace this process by the server."""
    import msgspec

    for library in ("uvicorn", "uvloop", "httptools"):  # importing them would take 0.2 s
        if find_spec(library) is None:
            raise ModuleNotFoundError(f"No module named {library!r}", name=library)
    from onward.serving.server.options import Options

    encoded = msgspec.json.encode(Options(**settings)).decode()
    # numpy would start a thread for each core, and none of them has anything to do
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.execv(sys.executable, [sys.executable, "-m", "onward.serving.server", encoded])


def _refuse_open_host(host: str, token_env: str | None, *, insecure: bool) -> None:
    if not (host in LOCAL_HOSTS or token_env or insecure):
        raise typer.BadParameter(
            f"--host {host} is reachable from other machines. Give --token-env with a variable that"
            " holds a token, or --insecure"
        )
    if token_env and not os.environ.get(token_env):
        raise typer.BadParameter(
            f"--token-env: the variable {token_env} is empty or not set. Set it to the token"
        )


def _models_by_name(models: list[Path], names: list[str]) -> dict[str, str]:
    """Paths by name."""
    if len(names) > len(models):
        raise typer.BadParameter(
            f"--name: {len(names)} names for {format_count(len(models), 'model')}. Give at"
            " most one per model"
        )
    names = names + [model_name(path) for path in models[len(names) :]]
    for name in names:
        if names.count(name) > 1:
            raise typer.BadParameter(f"{name!r} names two models. Give each a --name")
        valid_name(name)
    return dict(zip(names, (str(path.absolute()) for path in models), strict=True))


def _other_models(models: list[Path], shadow: Path | None, canary: str | None) -> dict[str, Any]:
    if len(models) > 1 and (shadow or canary):
        raise typer.BadParameter("--shadow and --canary need exactly one MODEL, not several")
    path, _, share = (canary or "").rpartition("=")
    percent = PERCENT.fullmatch(share)
    if canary and (not path or percent is None or float(percent[1]) > 100):
        raise typer.BadParameter(f"--canary {canary!r}: write it as other.onnx=5%")
    return {
        "shadow": str(shadow.absolute()) if shadow else "",
        "canary": str(Path(path).absolute()) if path else "",
        "canary_share": float(percent[1]) / 100 if percent else 0.0,
    }


def _request_log(folder: Path | None, share: float | None, columns: str | None) -> dict[str, Any]:
    for option, value in (("--log-sample", share), ("--log-columns", columns)):
        if folder is None and value is not None:
            raise typer.BadParameter(f"{option} needs --log, the folder of the log")
    if folder is not None and folder.is_file():
        raise typer.BadParameter(
            f"--log {folder}: is a file, and the log is a folder of files. Name a folder"
        )
    return {
        "log_folder": str(folder.absolute()) if folder else "",
        "log_share": 1.0 if share is None else share,
        "log_columns": None if columns is None else frozenset(columns.split(",")),
    }
