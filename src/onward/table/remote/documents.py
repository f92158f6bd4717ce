"""Objects of JSON and of document databases as rows, and their parts by name."""

from collections.abc import Iterator, Mapping
from typing import Any

from onward.errors import DataError

DEEPEST = 50  # objects in objects
ABSENT = object()


def flat(where: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """A value for each leaf: the parts of an object in it are called ``object.part``.

    Raises:
        DataError: if two have the same name, or objects lie too deep in each other.

    Example:
        >>> flat("orders", {"id": 1, "customer": {"city": "Köln", "tags": ["a"]}})
        {'id': 1, 'customer.city': 'Köln', 'customer.tags': ['a']}
    """
    row: dict[str, Any] = {}
    for name, value in _leaves(where, record, "", 0):
        if name in row:
            raise DataError(
                f"{where}: a record has two values called {name!r}, one of them in an object."
                " Rename one of them"
            )
        row[name] = value
    return row


def _leaves(
    where: str, record: Mapping[str, Any], prefix: str, depth: int
) -> Iterator[tuple[str, Any]]:
    if depth > DEEPEST:
        raise DataError(f"{where}: a record has objects in objects, more than {DEEPEST} deep")
    for key, value in record.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            yield from _leaves(where, value, f"{name}.", depth + 1)
        else:
            yield name, None if value == {} else value


def part(document: Any, path: str) -> Any:
    """The value at a path such as ``meta.next``; `ABSENT` if there is none.

    A key that itself has a dot is found first.

    Example:
        >>> part({"meta": {"next": 2}}, "meta.next"), part({"@odata.next": 3}, "@odata.next")
        (2, 3)
    """
    if not path:
        return document
    if not isinstance(document, dict):
        return ABSENT
    if path in document:
        return document[path]
    key, dot, rest = path.partition(".")
    return part(document[key], rest) if dot and key in document else ABSENT
