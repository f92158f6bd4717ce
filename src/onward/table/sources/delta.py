"""Tables of Delta Lake."""

from pathlib import Path
from typing import Literal

from pydantic import NonNegativeInt

from onward.table.remote.batches import Batches
from onward.table.remote.credentials import Public
from onward.table.remote.lakes import delta_batches
from onward.table.sources._snapshot import Snapshot


class Delta(Snapshot):
    """A table of Delta Lake, of which `onward collect` takes a snapshot."""

    class Config(Snapshot.Config):
        """``table`` is its folder or address, such as ``s3://bucket/orders``.

        ``version`` is the number of a version; null for the latest.
        """

        type: Literal["delta"] = "delta"
        table: Public
        version: NonNegativeInt | None = None

    config: Config
    content = ("table", "version")

    @classmethod
    def batches(cls, config: Config, folder: Path) -> Batches:
        """The rows of the version."""
        return delta_batches(config.table, config.version)
