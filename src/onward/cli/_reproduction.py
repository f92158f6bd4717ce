"""The stages of dvc.lock, run again in a scratch folder and compared with what was recorded."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import typer

from onward import stages
from onward.cli._compare_artifacts import TOLERANCE, Comparison, compare
from onward.cli._recorded_run import RecordedRun
from onward.errors import OnwardError
from onward.settings.config import config_name

ARTIFACTS = "artifacts"
UNLINKED = {ARTIFACTS, ".dvc", ".git", "dvc.lock", "dvc.yaml"}
CAUSES_SHOWN = 8  # below a stage


@dataclass(frozen=True)
class Reproduction:
    """One stage: how its results compare, and what has changed since they were recorded."""

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
    # not where $TMPDIR says, which may have no room for the arrays
    with TemporaryDirectory(prefix=".reproduce-", dir=project) as scratch:
        before, again = Path(scratch, "recorded"), Path(scratch, "again")
        recorded.check_out(before)
        _link_project(project, again)
        for stage in recorded.stages:
            _run_stage(stage, config, again)
        folders = [folder / ARTIFACTS / name for folder in (before, again)]
        causes = recorded.causes(*(folder / "train" / "speed.json" for folder in folders))
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
    return all(result.comparison.distance <= TOLERANCE for result in results)


def reproduction_lines(results: Sequence[Reproduction]) -> Iterator[str]:
    """The results for people."""
    for result in results:
        yield f"{result.stage:9} {result.comparison.verdict}"
        causes = result.causes
        if not causes and not result.comparison.is_identical:
            causes = ["no cause found: data, settings, code, versions and hardware are as recorded"]
        for cause in causes[:CAUSES_SHOWN]:
            yield f"{'':9}   {cause}"
        if len(causes) > CAUSES_SHOWN:
            yield f"{'':9}   ... and {len(causes) - CAUSES_SHOWN} more"


def _link_project(project: Path, folder: Path) -> None:
    """A folder in which relative paths lead where they lead in the project, but for results."""
    folder.mkdir()
    for path in project.iterdir():
        if path.name not in UNLINKED and not folder.is_relative_to(path):
            (folder / path.name).symlink_to(path)


def _run_stage(stage: str, config: Path, folder: Path) -> None:
    typer.echo(f"reproduce: runs {stage} again", err=True)
    command = [sys.executable, "-m", "onward", stage, os.path.relpath(config)]
    code = subprocess.run(command, cwd=folder, check=False).returncode
    if code:
        error = OnwardError(f"reproduce: `onward {stage}` ended with {code}; its message is above")
        error.exit_code = code if code > 0 else 128 - code  # type: ignore[misc]
        raise error
