"""Read the columns of any kind of table. numpy and the standard library only."""

import importlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any

import numpy as np

from onward.errors import DataError
from onward.wording import format_count

Values = list[Any] | np.ndarray[Any, Any]
"""A column: a list, or an array with a first axis of rows."""

FACES = ("__arrow_c_stream__", "__dataframe__")  # protocols of frames, of Arrow and of pandas
NATIVE = {"pandas", "polars", "pyarrow"}  # their frames give a column by its name, as an array


def columns_of(rows: Any, names: Sequence[str]) -> dict[str, Values]:
    """The requested columns of a table that exist, in the requested order.

    Args:
        rows: a dict of columns, a list of dicts, or a frame; see `Predictor`.
        names: of the requested columns; an empty list means all.

    Raises:
        DataError: if it is not one of these, or ragged.

    Example:
        >>> columns_of([{"age": 39, "id": 1}, {"age": 50, "id": 2}], ["age"])
        {'age': [39, 50]}
    """
    if isinstance(rows, Mapping):
        columns = {name: _values(name, rows[name]) for name in names if name in rows}
    elif isinstance(rows, Sequence) and not isinstance(rows, str | bytes):
        columns = _transposed(rows, names)
    else:
        columns = _of_frame(rows, names)
    _check_lengths(columns)
    return columns


def names_of(rows: Any) -> list[Any]:
    """The names of all columns of a table."""
    if isinstance(rows, Mapping):
        return list(rows)
    if isinstance(rows, Sequence):
        return list(rows[0]) if rows else []
    frame = _native(rows)
    return list(frame.column_names if hasattr(frame, "column_names") else frame.columns)


def _values(name: str, column: Any) -> Values:
    if type(column) is list:
        return column
    if isinstance(column, np.ma.MaskedArray):
        pairs = zip(np.ma.getdata(column), np.ma.getmaskarray(column), strict=True)
        return [None if is_hidden else value for value, is_hidden in pairs]
    # numpy has no zones, and would move the dates to UTC; and it makes floats of whole numbers
    # beside a missing row
    if _has_zone(column) or _has_missing_rows(column):
        return list(column.to_pylist() if hasattr(column, "to_pylist") else column.to_list())
    array = np.array(column, object) if isinstance(column, Sequence) else np.asarray(column)
    if array.ndim == 0:
        raise DataError(
            f"column {name!r} is {repr(column)[:80]}; expected a list of values. If it is one"
            " row, give a list of one dict: predictor([row])"
        )
    return array


def _has_zone(column: Any) -> bool:
    """Whether a dtype of polars or pyarrow has a time zone."""
    polars_type, arrow_type = getattr(column, "dtype", None), getattr(column, "type", None)
    return bool(getattr(polars_type, "time_zone", None) or getattr(arrow_type, "tz", None))


def _has_missing_rows(column: Any) -> bool:
    """Whether a column of arrays of polars has missing ones."""
    is_array = hasattr(getattr(column, "dtype", None), "is_nested") and column.dtype.is_nested()
    return bool(is_array and column.null_count())


def _transposed(rows: Sequence[Any], names: Sequence[str]) -> dict[str, Values]:
    for index, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise DataError(
                f"row {index} is {repr(row)[:80]}; expected a dict. Give each row as a dict"
                " from column to value, or give a dict of columns"
            )
    if rows and len(names) > 1:
        with suppress(KeyError):
            values = zip(*map(itemgetter(*names), rows), strict=True)
            return dict(zip(names, map(list, values), strict=True))
    columns: dict[str, Values] = {}
    for name in names:
        try:
            columns[name] = [row[name] for row in rows]
        except KeyError:
            _refuse_ragged(rows, name)
    return columns


def _refuse_ragged(rows: Sequence[Mapping[str, Any]], name: str) -> None:
    """Raise if some of the rows have the column."""
    for index, row in enumerate(rows):
        if (name in row) != (name in rows[0]):
            raise DataError(
                f"column {name!r} is only in one of the rows 0 and {index}. Give all rows the same"
                " columns, and None where a value is missing"
            )


def _of_frame(frame: Any, names: Sequence[str]) -> dict[str, Values]:
    frame = _native(frame)
    try:
        given = list(frame.column_names if hasattr(frame, "column_names") else frame.columns)
        twice = [name for name in names if given.count(name) > 1]
        if twice:
            raise DataError(f"column {twice[0]!r} occurs {given.count(twice[0])} times. Rename one")
        return {name: _values(name, frame[name]) for name in names if name in given}
    except (AttributeError, TypeError) as error:
        raise _no_table(frame) from error


def _native(frame: Any) -> Any:
    """A frame whose columns can be read directly."""
    if not any(hasattr(frame, face) for face in FACES):
        raise _no_table(frame)
    is_native = type(frame).__module__.partition(".")[0] in NATIVE
    return frame if is_native else _arrow(frame)


def _arrow(frame: Any) -> Any:
    """A table of pyarrow, for other frames."""
    try:
        pyarrow = importlib.import_module("pyarrow")
        if hasattr(frame, "__arrow_c_stream__"):
            return pyarrow.table(frame)
        return importlib.import_module("pyarrow.interchange").from_dataframe(frame)
    except ImportError as error:
        raise DataError(
            f"a table of the type {type(frame).__name__} needs pyarrow. Install it, or give a dict"
            " of columns"
        ) from error


def _no_table(frame: Any) -> DataError:
    return DataError(
        f"{type(frame).__name__} is not a table. Give a dict of columns, a list of dicts, or a"
        " frame of pandas, polars or pyarrow (if it is lazy, collect it first)"
    )


def _check_lengths(columns: Mapping[str, Values]) -> None:
    if len({*map(len, columns.values())}) <= 1:
        return
    first = next(iter(columns))
    for name, values in columns.items():
        if len(values) != len(columns[first]):
            raise DataError(
                f"column {first!r} has {format_count(len(columns[first]), 'value')} and column"
                f" {name!r} has {len(values)}. Give one value for each row, and None where it"
                " is missing"
            )
