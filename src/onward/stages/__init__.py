"""The stages of the pipeline: each reads files, calls other packages, and writes files."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path


def _stages_read(path: Path) -> tuple[str, ...]:
    """The constant ``READS`` of a stage, without importing it: some stages import torch.

    Raises:
        LookupError: if the stage has no such constant.
    """
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "READS":
            reads: tuple[str, ...] = ast.literal_eval(node.value)
            return reads
    raise LookupError(
        f"{path}: the constant READS is missing: a tuple of the stages that this stage reads"
    )


_paths = sorted(Path(__path__[0]).glob("[!_]*.py"))
READS = {path.stem: _stages_read(path) for path in _paths}
"""The stages that each stage reads."""
ORDER = tuple(TopologicalSorter(READS).static_order())
"""All stages, sorted by their dependencies."""
