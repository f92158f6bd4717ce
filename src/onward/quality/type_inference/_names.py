"""Column names that indicate codes and row numbers."""

import re

CODES = frozenset(
    {"id", "ids", "code", "zip", "zipcode", "postcode", "postal", "uid", "uuid", "guid", "sku"}
    | {"isbn", "ean", "iban", "ssn", "vin", "barcode", "serial", "fips", "plz", "rowid"}
)
"""Words anywhere in names of codes."""
LAST = frozenset(
    {"no", "nr", "nbr", "number", "key", "ref", "account", "ticket", "order", "invoice"}
    | {"customer", "store", "shop", "branch", "flight", "line", "route", "tail", "train", "gate"}
    | {"terminal", "station", "sensor", "device", "machine", "channel", "warehouse", "tract"}
    | {"phone", "telephone", "tel"}
)
"""Last words of names of things that are numbered, not counted."""
INDEX = re.compile(
    r"^(unnamed: ?\d+|__index_level_\d+__|level_\d+|index|_?row_?(id|num|nr|no|number|index)?|#)$"
)
"""Names that programs give to row numbers, in lower case."""


def is_index(name: str) -> bool:
    """Whether programs give this name to row numbers."""
    return INDEX.match(name.strip().lower()) is not None


def is_code(name: str) -> bool:
    """Whether numbers with this name are codes.

    Example:
        >>> [is_code(name) for name in ("zip", "StoreCode", "flight_no", "number_of_rooms")]
        [True, True, True, False]
    """
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    parts = [word for word in re.split(r"[\W_]+", words) if word]
    return not CODES.isdisjoint(parts) or (bool(parts) and parts[-1] in LAST)
