"""dvc.yaml is the pipeline: it names every stage, and all the code that each one runs."""

from pathlib import Path
from typing import Any

import grimp
import pytest
from ruamel.yaml import YAML

from onward import stages

ROOT = Path(__file__).parents[1]
STAGES: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("onward")


def upstream(imports: grimp.ImportGraph, module: str) -> set[str]:
    """All that a module runs; a family's package imports its members by itself."""
    used, waiting = set[str](), {module}
    while waiting:
        used |= waiting
        found = set[str]()
        for name in waiting:
            found |= imports.find_modules_directly_imported_by(name)
            if name not in {"onward", "onward.stages"}:
                found |= imports.find_descendants(name)
        waiting = found - used
    return used


def test_each_stage_has_a_file_and_a_stanza() -> None:
    folder = ROOT / "src" / "onward" / "stages"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == set(STAGES) == set(stages.ALL)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_comes_after_those_that_it_reads(name: str) -> None:
    reads = stages.READS[name]
    depends = "\n".join(STAGES[name]["deps"])
    assert all(f"artifacts/${{item.config}}/{other}" in depends for other in reads)
    assert all(stages.ALL.index(other) < stages.ALL.index(name) for other in reads)


@pytest.mark.parametrize("name", STAGES)
def test_deps_are_the_imports(name: str, imports: grimp.ImportGraph) -> None:
    used = upstream(imports, f"onward.stages.{name}") - {"onward", "onward.stages"}
    paths = {f"src/{used_module.replace('.', '/')}" for used_module in used}
    code = [dep.removesuffix(".py") for dep in STAGES[name]["deps"] if dep.startswith("src/")]

    unknown = sorted(path for path in paths if not path.startswith(tuple(code)))
    unused = sorted(dep for dep in code if not any(path.startswith(dep) for path in paths))

    assert not unknown, f"add these to the deps of {name} in dvc.yaml: {unknown}"
    assert not unused, f"remove these from the deps of {name} in dvc.yaml: {unused}"


def test_prepare_does_not_wait_for_torch(imports: grimp.ImportGraph) -> None:
    for name in set(stages.ALL) - {"tune", "train", "export"}:
        used = upstream(imports, f"onward.stages.{name}")
        assert not used & {"onward.network.network", "onward.training.learner"}, name
