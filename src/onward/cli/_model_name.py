"""Names of models."""

import re
from pathlib import Path


def model_name(path: Path) -> str:
    """`kernels` for artifacts/kernels/export/model.onnx, else the name of the file.

    Example:
        >>> model_name(Path("artifacts/kernels/export/model.onnx")), model_name(Path("a b.onnx"))
        ('kernels', 'a_b')
    """
    folder = path.absolute().parent
    name = folder.parent.name if folder.name == "export" else path.stem
    return re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
