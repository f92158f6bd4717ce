"""Convert all columns of a request at once."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import chain

import numpy as np

from onward.schema import Field
from onward.serving.input_arrays import PLAIN, Array, to_wire
from onward.serving.tabular_inputs import Values

TEXT = frozenset({str})


class ColumnArrays:
    """Computes the arrays of `to_wire` for several columns with one call of numpy.

    A call costs as much as the values of a whole row. Columns with values other than plain numbers
    and texts are converted by `to_wire`, which also raises the errors.

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

    def __call__(self, columns: Mapping[str, Values]) -> dict[str, Array]:
        """An array for each column that is there, ``(rows, 1)`` or of the shape of its wire.

        Raises:
            DataError: naming column, row and value, if one does not fit.
        """
        feed = self._plain_numbers(columns) | self._plain_texts(columns)
        for field in self._fields:
            if field.name not in feed and field.name in columns:
                feed[field.name] = to_wire(field, columns[field.name], 0)
        return feed

    def _plain_numbers(self, columns: Mapping[str, Values]) -> dict[str, Array]:
        names = [name for name in self._numbers if type(columns.get(name)) is list]
        values = [columns[name] for name in names]
        if names and PLAIN.issuperset(map(type, chain.from_iterable(values))):
            with suppress(ValueError, OverflowError):  # an integer beyond float64
                return _split(names, np.array(values, np.float64))
        return {}

    def _plain_texts(self, columns: Mapping[str, Values]) -> dict[str, Array]:
        names = [
            name
            for name in self._texts
            if type(columns.get(name)) is list and TEXT.issuperset(map(type, columns[name]))
        ]
        if not names:
            return {}
        texts = np.empty((len(names), len(columns[names[0]])), object)
        texts[:] = [columns[name] for name in names]
        return _split(names, texts)


def _split(names: Sequence[str], arrays: Array) -> dict[str, Array]:
    """A column of shape ``(rows, 1)`` for each row of ``arrays``."""
    return dict(zip(names, arrays[:, :, None], strict=True))
