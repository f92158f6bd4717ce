"""Whether fetched results are those of the config and the table here."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onward.artifacts.publishing import manifest, refuse_stale, sha256
from onward.cli._source import source_of, start_of
from onward.errors import ArtifactError
from onward.settings.config import import_plugins, section

REMEDY = "Restore what has changed here and fetch again, or start the run again"


def refuse_other_results(config: Path, folder: Path) -> None:
    """Check the results of a stage before DVC records them as those of the files here.

    Args:
        config: the config here.
        folder: of the fetched stage.

    Raises:
        ArtifactError: if the stage has not run, or ran with other settings, another table or other
            results of earlier stages.
    """
    notes = manifest(folder)
    if _settings(config, folder.name, notes) != notes.get("given", notes.get("settings", {})):
        raise ArtifactError(f"{folder}: made with other settings than those of {config}. {REMEDY}")
    if folder.name == "prepare":
        _refuse_other_files(config, folder, notes["inputs"])
    refuse_stale(folder)
    for name, known in notes["files"].items():
        path = folder / name
        if not path.is_file() or sha256(path) != known:  # fetched while the stage was published
            raise ArtifactError(f"{path}: missing or incomplete. Fetch again")


def _settings(config: Path, stage: str, notes: Mapping[str, Any]) -> Any:
    """The section of the config here, as the stage would note it."""
    import_plugins(config)
    settings = section(config, stage, importlib.import_module(f"onward.stages.{stage}").Settings)
    # `train` completes its settings by the table, and also notes those of the config
    return settings.model_dump(mode="json", exclude_unset="given" in notes)


def _refuse_other_files(config: Path, folder: Path, inputs: Mapping[str, str]) -> None:
    """Compare the table, and the network that training starts from, with those of the run."""
    paths, start = {"data": source_of(config).path}, start_of(config)
    if start is not None:
        paths["start_from"] = start / "train" / "network.pt"
    for name, path in paths.items():
        if not path.exists() or sha256(path) != inputs.get(name):
            raise ArtifactError(f"{folder}: made from another {path} than the one here. {REMEDY}")
