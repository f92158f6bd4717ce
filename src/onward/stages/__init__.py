"""The stages of the pipeline: each reads files, calls other packages, and writes files."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

ON_REQUEST = "IS_ON_REQUEST"


def _constants(path: Path) -> dict[str, Any]:
    """The constants of a stage, without importing it: some stages import torch.

    Raises:
        LookupError: if ``READS`` is missing.
    """
    body = ast.parse(path.read_text(encoding="utf-8")).body
    assigned = {ast.unparse(n.targets[0]): n.value for n in body if isinstance(n, ast.Assign)}
    if "READS" not in assigned:
        raise LookupError(
            f"{path}: the constant READS is missing: a tuple of the stages that this stage reads"
        )
    return {
        name: ast.literal_eval(assigned[name]) for name in ("READS", ON_REQUEST) if name in assigned
    }


_stages = {path.stem: _constants(path) for path in sorted(Path(__path__[0]).glob("[!_]*.py"))}
READS: dict[str, tuple[str, ...]] = {name: known["READS"] for name, known in _stages.items()}
"""The stages that each stage reads."""
REQUESTED = tuple(name for name, known in _stages.items() if known.get(ON_REQUEST))
"""Stages that a config has only if it asks for them by a section."""
ALL = tuple(TopologicalSorter(READS).static_order())
"""All stages, sorted by their dependencies."""
ORDER = tuple(name for name in ALL if name not in REQUESTED)
"""The stages of every config."""
