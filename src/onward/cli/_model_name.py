"""Names of models."""

import re
from pathlib import Path

import typer

VALID = re.compile(r"[A-Za-z0-9._-]+")  # used in paths, logs, metrics and code


def model_name(path: Path) -> str:
    """`kernels` for artifacts/kernels/export/model.onnx, else the name of the file.

    Example:
        >>> model_name(Path("artifacts/kernels/export/model.onnx")), model_name(Path("a b.onnx"))
        ('kernels', 'a_b')
    """
    folder = path.absolute().parent
    name = folder.parent.name if folder.name == "export" else path.stem
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)


def valid_name(name: str) -> str:
    """The name, if it can be one.

    Raises:
        typer.BadParameter: if not.
    """
    if not VALID.fullmatch(name):
        raise typer.BadParameter(f"--name {name!r}: only letters, digits and . _ - are allowed")
    return name
