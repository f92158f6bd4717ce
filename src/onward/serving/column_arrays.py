"""Convert all columns of some rows at once."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain
from types import NoneType
from typing import Any

import numpy as np

from onward.schema import Field
from onward.serving.input_arrays import PLAIN, Array, are_texts, to_wire
from onward.serving.tabular_inputs import Values

LISTS = frozenset({list})
TEXT = frozenset({str, NoneType})


class ColumnArrays:
    """Computes the arrays of `to_wire` for several columns with one call of numpy.

    A call costs as much as the values of a whole row. Columns with values other than plain numbers,
    texts and None are converted by `to_wire`, which also raises the errors.

    Example:
        >>> arrays = ColumnArrays([Field("age", "numerical", "number")])
        >>> arrays({"age": [39, None]})
        {'age': array([[39.],
               [nan]])}
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self._fields = fields
        self._numbers = [f.name for f in fields if f.wire == "number" and not f.missing]
        self._texts = [f.name for f in fields if f.wire == "text"]

    def __call__(self, columns: Mapping[str, Values], first: int = 0) -> dict[str, Array]:
        """An array for each column that is there, ``(rows, 1)`` or of the shape of its wire.

        Args:
            columns: of equal lengths.
            first: the row of the first values, for messages.

        Raises:
            DataError: naming column, row and value, if one does not fit.
        """
        feed = _plain_numbers(self._numbers, columns) | _plain_texts(self._texts, columns)
        if len(feed) < len(self._fields):
            for field in self._fields:
                if field.name not in feed and field.name in columns:
                    feed[field.name] = to_wire(field, columns[field.name], first)
        return feed


def _plain_numbers(names: Sequence[str], columns: Mapping[str, Values]) -> dict[str, Array]:
    names, values = _lists(names, columns)
    if PLAIN.issuperset(map(type, values)):
        with suppress(ValueError, OverflowError):  # an integer beyond float64
            return _split(names, np.array(values, np.float64))
    return {}


def _plain_texts(names: Sequence[str], columns: Mapping[str, Values]) -> dict[str, Array]:
    names, values = _lists(names, columns)
    if not TEXT.issuperset(map(type, values)):
        names = [name for name in names if TEXT.issuperset(map(type, columns[name]))]
        names, values = _lists(names, columns)
    if None in values:
        values = ["" if text is None else text for text in values]
    if not are_texts(values):  # `to_wire` finds the value
        return {}
    return _split(names, np.array(values, object))


def _lists(names: Sequence[str], columns: Mapping[str, Values]) -> tuple[Sequence[str], list[Any]]:
    """The columns of these names that are lists, and their values one after the other."""
    values: list[Any] = [columns.get(name) for name in names]
    if not LISTS.issuperset(map(type, values)):
        names = [name for name in names if type(columns.get(name)) is list]
        values = [columns[name] for name in names]
    return names, list(chain.from_iterable(values))


def _split(names: Sequence[str], values: Array) -> dict[str, Array]:
    """A column of shape ``(rows, 1)`` for each name."""
    columns = values.reshape(len(names), -1, 1) if names else ()
    return dict(zip(names, columns, strict=True))
