"""Whether the prepared rows are those of the config and the table as they are now."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from onward.artifacts.publishing import MANIFEST, manifest, sha256
from onward.errors import ConfigError
from onward.quality.prepare_settings import PrepareSettings
from onward.settings.config import section


def changed_inputs(config: Path, folder: Path) -> list[str]:
    """What has changed since `prepare` ran, in words; DVC runs it again, a single command does not.

    Args:
        config: whose section `prepare` counts.
        folder: of the results of the config.
    """
    prepared = folder / "prepare"
    if not (prepared / MANIFEST).is_file():
        return []
    notes = manifest(prepared)
    return [*_changed_section(config, notes["settings"]), *_changed_table(prepared, notes)]


def _changed_section(config: Path, noted: Any) -> Iterator[str]:
    name = f"the section prepare of {config}"
    try:
        now = section(config, "prepare", PrepareSettings)
    except ConfigError:  # what it says when `prepare` runs
        yield name
        return
    try:  # also of an earlier version, which had fewer settings
        before = PrepareSettings.model_validate_json(json.dumps(noted))
    except ValidationError:
        return
    if before != now:
        yield name


def _changed_table(prepared: Path, notes: Any) -> Iterator[str]:
    """The table; it is not read unless it was written after the rows."""
    path = Path(notes["settings"]["source"]["path"])
    if not path.exists():  # the rows are here, and that is enough
        return
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    newest = max((file.stat().st_mtime for file in files), default=0.0)
    if newest > (prepared / MANIFEST).stat().st_mtime and sha256(path) != notes["inputs"]["data"]:
        yield str(path)
