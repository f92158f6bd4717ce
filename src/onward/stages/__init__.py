"""The stages of the pipeline: each reads files, calls what computes, and writes files."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path


def _reads(path: Path) -> tuple[str, ...]:
    """The constant ``READS`` of a stage. It is not imported: some need torch, which takes seconds.

    Raises:
        LookupError: if there is none.
    """
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "READS":
            reads: tuple[str, ...] = ast.literal_eval(node.value)
            return reads
    raise LookupError(f"{path}: a stage says in READS which stages it reads")


_paths = sorted(Path(__path__[0]).glob("[!_]*.py"))
READS = {path.stem: _reads(path) for path in _paths}
"""The stages that each stage reads."""
ORDER = tuple(TopologicalSorter(READS).static_order())
"""All stages, each after those that it reads."""
