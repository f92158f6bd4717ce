"""Reproduction of a recorded run: its stages run again, and their results compared."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from onward import stages
from onward.artifacts.publishing import manifest
from onward.artifacts.scratch import scratch_environment
from onward.cli._compare_artifacts import Comparison, compare
from onward.cli._recorded_run import RecordedRun
from onward.cli._source import start_of
from onward.errors import OnwardError
from onward.settings.config import config_name

ARTIFACTS = "artifacts"
UNLINKED = {ARTIFACTS, ".dvc", ".git", "dvc.lock", "dvc.yaml"}
MAX_CAUSES = 8  # listed below a stage


@dataclass(frozen=True)
class Reproduction:
    """The comparison of one stage, and what has changed since it was recorded."""

    stage: str
    comparison: Comparison
    causes: Sequence[str]


def reproductions(config: Path) -> list[Reproduction]:
    """Run each recorded stage again, and compare its results.

    Raises:
        ArtifactError: if nothing is recorded, or the recorded results are not in DVC's cache.
        OnwardError: if a stage fails.
    """
    project, name = Path.cwd(), config_name(config)
    recorded = RecordedRun(project, config)
    # not in $TMPDIR, which may lack the space for the arrays
    with TemporaryDirectory(prefix=".reproduce-", dir=project) as scratch:
        before, again = Path(scratch, "recorded"), Path(scratch, "again")
        recorded.check_out(before)
        _link_project(project, again)
        start = start_of(config)
        if start is not None:
            link_start(project, again, start)
        for stage in recorded.stages:
            _run_stage(stage, config, again)
        folders = [folder / ARTIFACTS / name for folder in (before, again)]
        causes = recorded.causes(*(folder / "train" / "speed.json" for folder in folders))
        if start is not None and "prepare" in causes:
            networks = {manifest(of / "prepare")["inputs"].get("start_from") for of in folders}
            if len(networks) > 1:
                causes["prepare"].append(f"data: the model in {start} is another one")
        results: list[Reproduction] = []
        for stage in recorded.stages:
            comparison = compare(stage, *(folder / stage for folder in folders))
            inherited = [
                f"inputs: {result.stage} is not identical"
                for result in results
                if result.stage in stages.READS[stage] and not result.comparison.is_identical
            ]
            all_causes = () if comparison.is_identical else (*inherited, *causes[stage])
            results.append(Reproduction(stage, comparison, all_causes))
    return results


def is_reproduced(results: Sequence[Reproduction]) -> bool:
    """Whether each stage is identical or within tolerance."""
    return all(result.comparison.is_reproduced for result in results)


def reproduction_lines(results: Sequence[Reproduction]) -> Iterator[str]:
    """A line for each stage, followed by its causes."""
    for result in results:
        yield f"{result.stage:9} {result.comparison.verdict}"
        causes = result.causes
        if not causes and not result.comparison.is_identical:
            causes = ["cause unknown: data, settings, code, versions and hardware are unchanged"]
        for cause in causes[:MAX_CAUSES]:
            yield f"{'':9}   {cause}"
        if len(causes) > MAX_CAUSES:
            yield f"{'':9}   ... and {len(causes) - MAX_CAUSES} more"


def _link_project(project: Path, folder: Path) -> None:
    """Make a folder with links to all files of the project except its results."""
    folder.mkdir()
    for path in project.iterdir():
        if path.name not in UNLINKED and not folder.is_relative_to(path):
            (folder / path.name).symlink_to(path)


def link_start(project: Path, folder: Path, start: Path) -> None:
    """Link the model to start from, if it is in a folder that is not linked."""
    link = folder / start
    if not link.exists() and (project / start).exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to((project / start).resolve())


def _run_stage(stage: str, config: Path, folder: Path) -> None:
    typer.echo(f"reproduce: running {stage}", err=True)
    command = [sys.executable, "-m", "onward", stage, os.path.relpath(config)]
    environment = scratch_environment()
    code = subprocess.run(command, cwd=folder, env=environment, check=False).returncode
    if code:
        error = OnwardError(
            f"reproduce: `onward {stage}` failed with exit code {code}; see its message above"
        )
        error.exit_code = code if code > 0 else 128 - code  # type: ignore[misc]
        raise error
