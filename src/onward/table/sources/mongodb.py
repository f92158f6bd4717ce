"""Documents of MongoDB."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from onward.table.remote.batches import Batches
from onward.table.remote.credentials import (
    Public,
    Variable,
    parameters_of,
    refusal,
    refuse_others,
    value_of,
)
from onward.table.remote.mongodb import Find, document_rows
from onward.table.remote.rows import parts_of, row_batches
from onward.table.sources._snapshot import Snapshot

Name = Annotated[str, StringConstraints(min_length=1)]
ADDRESS = r"mongodb(\+srv)?://[^/?]+/[^/?]+(\?.*)?"
PARAMETERS = {
    *("appName", "authMechanism", "authSource", "connectTimeoutMS", "directConnection"),
    *("readPreference", "replicaSet", "retryReads", "retryWrites", "serverSelectionTimeoutMS"),
    *("socketTimeoutMS", "timeoutMS", "tls", "tlsCAFile", "tlsCertificateKeyFile", "w"),
}
"""Of an address, spelt so."""
MECHANISMS = ("SCRAM-SHA-1", "SCRAM-SHA-256", "MONGODB-X509")
"""Of a login. Others send tokens of this machine to the server, such as MONGODB-OIDC."""


def _address(database: str) -> str:
    if not re.fullmatch(ADDRESS, database):
        raise refusal("not an address of a MongoDB database. Write it as mongodb://host:27017/shop")
    refuse_others(database, PARAMETERS)
    for name, value in parameters_of(database):
        if name == "authMechanism" and value not in MECHANISMS:
            raise refusal(f"this `authMechanism` is not allowed. Use {', '.join(MECHANISMS)}")
    return database


class MongoDb(Snapshot):
    """The documents of a collection of MongoDB, of which `onward collect` takes a snapshot."""

    class Config(Snapshot.Config):
        """``filter`` is that of MongoDB's find; without ``fields``, documents have all of theirs.

        ``user`` and ``password`` are names of environment variables.
        """

        type: Literal["mongodb"] = "mongodb"
        database: Annotated[Public, AfterValidator(_address)]
        collection: Name
        filter: dict[str, Any] = Field(default_factory=dict)
        fields: tuple[Name, ...] = ()
        user: Variable | None = None
        password: Variable | None = None

    config: Config
    content = ("database", "collection", "filter", "fields")

    @classmethod
    def batches(cls, config: Config, folder: Path) -> Batches:
        """The documents that the filter finds."""
        find = Find(
            config.database,
            config.collection,
            config.filter,
            config.fields,
            value_of(config.user),
            value_of(config.password),
        )
        return row_batches(config.database, parts_of(document_rows(find)), folder)
