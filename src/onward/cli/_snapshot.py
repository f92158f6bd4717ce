"""Snapshots of databases, lakes and APIs."""

import json
from datetime import UTC, datetime
from pathlib import Path

from onward.artifacts.process import lock
from onward.artifacts.publishing import publishing
from onward.artifacts.replacing import replacing
from onward.cli._source import source_of
from onward.table.sources import collect


def take(config: Path, folder: Path) -> int:
    """Write a snapshot to the folder and its time beside it; return the number of rows.

    Raises:
        ConfigError: if the source of the config is a file.
    """
    source = source_of(config)
    with lock(folder), publishing(folder) as work:
        rows = collect(source, work)
    with replacing(folder.with_name(f"{folder.name}.taken.json")) as new:
        time = datetime.now(UTC).isoformat(timespec="seconds")
        new.write_text(json.dumps({"taken": time, "rows": rows}) + "\n")
    return rows
