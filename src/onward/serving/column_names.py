"""Check that a table has the columns of a model."""

from collections.abc import Collection, Iterable
from typing import Any

from onward.errors import DataError, closest


def refuse_lacking(wanted: Collection[str], given: Iterable[Any]) -> None:
    """Refuse tables without a column of the model; other columns are ignored.

    Raises:
        DataError: if one is missing, suggesting a column with a similar name.
    """
    given = [str(name) for name in given]
    lacking = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    for name in lacking:
        if similar := closest(name, unknown):
            raise DataError(
                f"column {name!r} is missing, and {similar!r} is not one of the model's. Did you"
                f" mean {name!r}? Rename the column"
            )
    if lacking:
        raise DataError(
            f"column {lacking[0]!r} is missing ({len(lacking)} of {len(wanted)} columns)."
            " Add it, with None (in JSON null) for missing values"
        )
