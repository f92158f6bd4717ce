"""Taking a snapshot of a database."""

import json
from datetime import UTC, datetime
from pathlib import Path

from onward.artifacts.process import locked
from onward.artifacts.publishing import publishing, replacing
from onward.cli._source import source_of
from onward.errors import ConfigError
from onward.table.sources.sql import Sql, collect


def take(config: Path, folder: Path) -> int:
    """Write the snapshot to the folder, and beside it when it was taken; the number of rows.

    Raises:
        ConfigError: if the source of the config is no database.
    """
    source = source_of(config)
    if not isinstance(source, Sql.Config):
        raise ConfigError(
            f"{config}: prepare.source: there is nothing to collect, since it is no database."
            " Only the type sql has a query"
        )
    with locked(folder), publishing(folder) as work:
        rows = collect(source, work)
    with replacing(folder.with_name(f"{folder.name}.taken.json")) as new:
        taken = datetime.now(UTC).isoformat(timespec="seconds")
        new.write_text(json.dumps({"taken": taken, "rows": rows}) + "\n")
    return rows
