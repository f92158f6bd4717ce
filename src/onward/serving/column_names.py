"""Which columns a model needs, and which it was given."""

import difflib
from collections.abc import Collection, Iterable
from typing import Any

from onward.errors import DataError


def refuse_lacking(wanted: Collection[str], given: Iterable[Any]) -> None:
    """Compare the columns of a table with those of a model; others than these are ignored.

    Raises:
        DataError: if one is missing, with the column of the table that is probably meant.
    """
    given = [str(name) for name in given]
    lacking = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    for name in lacking:
        if similar := difflib.get_close_matches(name, unknown, 1):
            raise DataError(
                f"column {name!r} is missing, and {similar[0]!r} is not one of the model's. Did you"
                f" mean {name!r}? Rename the column"
            )
    if lacking:
        raise DataError(
            f"column {lacking[0]!r} is missing, one of {len(lacking)} of {len(wanted)} that are."
            " Give it, with None where a value is not known"
        )
