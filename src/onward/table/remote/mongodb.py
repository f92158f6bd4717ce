"""Documents of MongoDB."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from operator import methodcaller
from typing import Any

from onward.errors import DataError
from onward.table.remote import batches as sizes
from onward.table.remote.batches import refuse_missing
from onward.table.remote.credentials import hidden
from onward.table.remote.documents import flat

TIMEOUT = 15_000  # milliseconds until a server has to answer
READ_TIMEOUT = 600_000  # milliseconds until it has to find documents
CONVERTED: dict[str, Callable[[Any], Any]] = {
    "Decimal128": methodcaller("to_decimal"),
    "ObjectId": str,
}
"""By the name of the driver's type."""
MODULES = ("pymongo", "bson", "dns", "gridfs")


@dataclass(frozen=True)
class Find:
    """Documents of a collection."""

    database: str
    collection: str
    filter: dict[str, Any]
    """In MongoDB's extended JSON, where ``{"$date": ...}`` is a time."""
    fields: tuple[str, ...]
    """All, if empty."""
    user: str | None = None
    password: str | None = field(default=None, repr=False)


def document_rows(find: Find) -> Iterator[dict[str, Any]]:
    """The documents in the order of ``_id``, with the parts of objects as values of their own.

    Raises:
        ConfigError: if the driver is not installed.
        DataError: if the server cannot be reached, or does not understand the filter.
    """
    refuse_missing(find.database, "mongodb", "pymongo")
    try:
        yield from _documents(find)
    except Exception as error:
        is_of_driver = type(error).__module__.partition(".")[0] in MODULES
        # of an address, and of an answer that is none of MongoDB
        if not is_of_driver and not isinstance(error, ValueError | KeyError):
            raise
        reason = str(error).partition(" (configured timeouts")[0].partition(", full error:")[0]
        message = f"{find.database}: {reason}. Correct `database`, `user`, `password` or `filter`"
        raise DataError(hidden(message, find.password)) from error


def _documents(find: Find) -> Iterator[dict[str, Any]]:
    pymongo: Any = import_module("pymongo")
    options = {"tz_aware": True, "serverSelectionTimeoutMS": TIMEOUT, "appname": "onward"}
    if "sockettimeoutms" not in find.database.lower():
        options["socketTimeoutMS"] = READ_TIMEOUT
    login = {"username": find.user, "password": find.password}
    options |= {name: value for name, value in login.items() if value}
    projection = dict.fromkeys(find.fields, True)
    if projection and "_id" not in projection:
        projection["_id"] = False
    with pymongo.MongoClient(find.database, **options) as client:
        cursor = client.get_default_database()[find.collection].find(
            _filter(find), projection or None, batch_size=sizes.BATCH
        )
        with cursor.sort("_id", 1) as documents:
            for document in documents:
                yield flat(find.database, {name: _plain(v) for name, v in document.items()})


def _filter(find: Find) -> Any:
    json_util: Any = import_module("bson.json_util")
    try:
        return json_util.loads(json.dumps(find.filter))
    except (ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{find.database}: `filter` is not MongoDB's extended JSON ({error}). Write a time as"
            " {$date: '2024-01-31T00:00:00Z'}"
        ) from error


def _plain(value: Any) -> Any:
    """The value in a type of Python's own."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    convert = CONVERTED.get(type(value).__name__)
    return convert(value) if convert else value
