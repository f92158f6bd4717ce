"""A run as recorded in dvc.lock: stages, results, settings and dependencies."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from onward import stages
from onward.errors import ArtifactError
from onward.settings.config import config_name
from onward.settings.read_yaml import read_yaml

SCRATCH_SETTINGS = "[core]\n    no_scm = true\n[cache]\n    dir = {cache}\n"


class RecordedRun:
    """The last run of a config.

    Args:
        project: the folder with dvc.lock.
        config: the config of the run.

    Raises:
        ArtifactError: if dvc.lock records no run of the config.
    """

    def __init__(self, project: Path, config: Path) -> None:
        self._project, self._config, self._name = project, config, config_name(config)
        lock = project / "dvc.lock"
        document = read_yaml(lock) if lock.exists() else None  # a kill leaves an empty file
        recorded = document.get("stages") or {} if isinstance(document, dict) else {}
        self._stanzas = {
            stage: recorded[f"{stage}@{self._name}"]
            for stage in stages.ORDER
            if f"{stage}@{self._name}" in recorded
        }
        if not self._stanzas:
            raise ArtifactError(
                f"{lock.name}: no run of {config} is recorded. Run `dvc repro` first, in the folder"
                " of the project"
            )

    @property
    def stages(self) -> Sequence[str]:
        """The recorded stages, in the order of the pipeline."""
        return [*self._stanzas]

    def check_out(self, folder: Path) -> None:
        """Check the recorded results out from DVC's cache.

        Raises:
            ArtifactError: if the cache lacks them.
        """
        cache = self._dvc("cache", "dir").strip()
        (folder / ".dvc").mkdir(parents=True)
        shutil.copy(self._project / ".dvc" / "config", folder / ".dvc")
        (folder / ".dvc" / "config.local").write_text(SCRATCH_SETTINGS.format(cache=cache))
        for name in ("dvc.yaml", "dvc.lock", "configs"):
            (folder / name).symlink_to(self._project / name)
        self._dvc("checkout", "--quiet", *self._targets, folder=folder)

    def causes(self, before: Path, now: Path) -> dict[str, list[str]]:
        """What has changed, by stage: data, settings, seeds, code, versions, hardware.

        Args:
            before: ``speed.json`` of the recorded training.
            now: ``speed.json`` of the new training.
        """
        status = json.loads(self._dvc("status", "--json", *self._targets))
        config = read_yaml(self._config) or {}
        environment = list(_environment_causes(_environment(before), _environment(now)))
        return {
            stage: [
                *self._dependency_causes(status.get(f"{stage}@{self._name}", [])),
                *_settings_causes(stage, self._parameters(stage), config.get(stage)),
                *environment,
            ]
            for stage in self._stanzas
        }

    @property
    def _targets(self) -> list[str]:
        return [f"{stage}@{self._name}" for stage in self._stanzas]

    def _parameters(self, stage: str) -> Any:
        files = self._stanzas[stage].get("params", {}).values()
        return next((values[stage] for values in files if stage in values), None)

    def _dependency_causes(self, changes: Sequence[Any]) -> Iterator[str]:
        for change in changes:
            if not isinstance(change, dict):  # "always changed"
                continue
            for path, state in change.get("changed deps", {}).items():
                if isinstance(state, str) and not path.startswith("artifacts/"):
                    yield f"{self._kind(path)}: {path} is {state}"

    def _kind(self, path: str) -> str:
        file = self._project / path
        has_code = file.suffix == ".py" or next(file.rglob("*.py"), None) is not None
        return "code" if has_code else "data"

    def _dvc(self, *words: str, folder: Path | None = None) -> str:
        process = subprocess.run(
            [sys.executable, "-m", "dvc", *words],
            cwd=folder or self._project,
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            raise ArtifactError(
                f"dvc.lock: `dvc {words[0]}` failed for the recorded results of {self._config}:"
                f" {process.stderr.strip()}. Run `dvc pull` if another machine made them, or"
                " `dvc repro`"
            )
        return process.stdout


def _settings_causes(stage: str, before: Any, now: Any) -> Iterator[str]:
    old, new = dict(_leaves(stage, before)), dict(_leaves(stage, now))
    for name in dict.fromkeys((*old, *new)):
        values = [repr(side[name]) if name in side else "not set" for side in (old, new)]
        if values[0] != values[1]:
            kind = "seed" if name.endswith(".seed") else "settings"
            yield f"{kind}: {name} was {values[0]} and is {values[1]}"


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from _leaves(f"{name}.{key}", part)
    elif value is not None and value != {}:
        yield name, value


def _environment(path: Path) -> Mapping[str, str]:
    """The environment of a training; empty if an older version trained."""
    document = json.loads(path.read_text()) if path.exists() else {}
    return dict(document.get("environment", {}))


def _environment_causes(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    if not before:
        yield "unknown: an older version did not record code, versions and hardware"
    kinds = {"code": "code", "processor": "hardware", "threads": "hardware", "device": "hardware"}
    for name in before:
        if before[name] != now.get(name, before[name]):
            is_code = name == "code"
            change = "has changed" if is_code else f"was {before[name]} and is {now[name]}"
            subject = "the source of onward" if is_code else name
            yield f"{kinds.get(name, 'versions')}: {subject} {change}"
