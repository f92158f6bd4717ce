"""Tables of Apache Iceberg."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import NonNegativeInt, StringConstraints

from onward.table.remote.batches import Batches
from onward.table.remote.credentials import Public
from onward.table.remote.lakes import iceberg_batches
from onward.table.sources._snapshot import Snapshot


class Iceberg(Snapshot):
    """A table of Apache Iceberg, of which `onward collect` takes a snapshot."""

    class Config(Snapshot.Config):
        """``table`` is ``namespace.name`` in ``catalog``, a name in pyiceberg's configuration.

        Without a catalog, it is the table's folder or its ``.metadata.json``. ``version`` is the id
        of a snapshot in the table; null for the current one.
        """

        type: Literal["iceberg"] = "iceberg"
        table: Public
        catalog: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")] | None = None
        version: NonNegativeInt | None = None

    config: Config
    content = ("table", "catalog", "version")

    @classmethod
    def batches(cls, config: Config, folder: Path) -> Batches:
        """The rows of the version."""
        return iceberg_batches(config.table, config.catalog, config.version)
