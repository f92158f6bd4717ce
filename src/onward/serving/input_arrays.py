"""Convert values to the inputs of a model. numpy and the standard library only.

A missing value is NaN or "" there; callers write it as None, NaN, NaT, `pandas.NA` or "".
"""

import re
from contextlib import suppress
from datetime import date
from decimal import Decimal
from functools import cache
from numbers import Number
from types import NoneType
from typing import Any

import numpy as np

from onward.errors import DataError
from onward.schema import Field
from onward.serving.column_settings import decimal_of, units_of
from onward.serving.number_texts import number_of
from onward.serving.tabular_inputs import Values
from onward.wires import Wire, wire_of

Array = np.ndarray[Any, Any]

PLAIN = frozenset({int, float, bool, NoneType, Decimal})  # what numpy makes float64 of rightly
NUMBERS = "fiub"  # the kinds of numpy's types that are numbers
MISSING = frozenset({"NAType", "NaTType"})  # of pandas, which need not be installed
SHORT = 20  # characters, of which at most 18 are behind the point
REFUSED = re.compile("[\0\ud800-\udfff]")
"""NUL, as in tables, and half a character, as of a file read with errors."""
UNITS = {"Y": "D", "M": "D", "W": "D", "h": "s", "m": "s", "ps": "ns", "fs": "ns", "as": "ns"}
"""Units of numpy's dates whose ISO text would be too short or too long for a model."""


def to_wire(field: Field, values: Values, first: int) -> Array:
    """The values of one column, of shape ``(rows, 1)`` or what its wire says.

    Args:
        field: of the model.
        values: of the column.
        first: the row of the first value, for messages.

    Raises:
        DataError: naming column, row and value, if one does not fit.

    Example:
        >>> to_wire(Field("age", "numerical", "number", ("?",)), [39, None, "?"], 0).ravel()
        array([39., nan, nan])
    """
    wire = wire_of(field.wire)
    if field.wire not in CONVERSIONS:
        return _tensors(field, wire, values, first)
    if isinstance(values, np.ndarray) and values.ndim > 1:
        raise DataError(
            f"column {field.name!r} has the shape {values.shape}; expected one value per row."
            " Give it as several columns, or take .ravel() if it is one"
        )
    return CONVERSIONS[field.wire](field, values, first).reshape(-1, *wire.shape)


def _numbers(field: Field, values: Values, first: int) -> Array:
    numbers = _floats(field, values, first)
    for token in _spelled(field.missing):
        numbers[numbers == token] = np.nan
    return numbers


def _floats(field: Field, values: Values, first: int) -> Array:
    if isinstance(values, np.ndarray) and values.dtype.kind in NUMBERS:
        return values.astype(np.float64)
    if PLAIN.issuperset(map(type, values)):
        with suppress(ValueError, OverflowError):  # the rest of this function finds the value
            return np.array(values, np.float64)
    numbers = [_number(field, value, first + index) for index, value in enumerate(values)]
    return np.array(numbers, np.float64)


def _number(field: Field, value: Any, row: int) -> float:
    if _is_missing(value):
        return np.nan
    if isinstance(value, str) and value.strip() in {"", *map(str.strip, field.missing)}:
        return np.nan
    if field.type == "boolean" and str(value).strip().lower() in {"true", "false"}:
        return float(str(value).strip().lower() == "true")
    if isinstance(value, str) and (number := number_of(value)) is not None:
        return number
    if isinstance(value, Number | np.bool_) and not isinstance(value, np.timedelta64):
        with suppress(TypeError, ValueError, OverflowError):  # complex, signaling NaN, 10**400
            return float(value)  # type: ignore[arg-type]
    if isinstance(value, str):
        wanted = "a number, true or false" if field.type == "boolean" else "a number"
        raise _wrong(field, row, f"{repr(value)[:80]} is not {wanted}")
    raise _misfit(field, value, row, "a finite number")


@cache
def _spelled(tokens: tuple[str, ...]) -> list[float]:
    """The numbers among the texts for missing values: -999 is missing like "-999"."""
    numbers = []
    for token in tokens:
        with suppress(ValueError):
            numbers.append(float(token))
    return numbers


def _texts(field: Field, values: Values, first: int) -> Array:
    if field.type == "datetime" and isinstance(values, np.ndarray) and values.dtype.kind == "M":
        values = _iso(values)
    if not {str}.issuperset(map(type, values)):
        values = [
            value if type(value) is str else _text(field, value, first + index)
            for index, value in enumerate(values)
        ]
    if not are_texts(values):
        index = next(index for index, value in enumerate(values) if REFUSED.search(value))
        wanted = "text without NUL and lone surrogates"
        raise _misfit(field, values[index], first + index, wanted)
    texts = np.empty(len(values), object)
    texts[:] = values
    return texts


def are_texts(values: Values) -> bool:
    """Whether a table may have all of them; quicker than a search for `REFUSED`."""
    joined = "".join(values)
    with suppress(UnicodeEncodeError):
        joined.encode()
        return "\0" not in joined
    return False


def _text(field: Field, value: Any, row: int) -> str:
    if isinstance(value, str):
        return str(value)
    if _is_missing(value):
        return ""
    if field.type == "boolean" and isinstance(value, bool | np.bool_):
        return str(bool(value))
    if field.type == "datetime":
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, np.datetime64):
            return _iso(np.array([value]))[0]
        raise _misfit(field, value, row, "a date or its ISO text")
    if "" in units_of(field) and isinstance(value, Number | np.bool_):
        return _spelled_number(field, value, row)
    raise _misfit(field, value, row, "text with a unit" if units_of(field) else "text")


def _spelled_number(field: Field, value: Any, row: int) -> str:
    """A number without its unit; at most 18 digits, as in the file."""
    number = _number(field, value, row)
    if number != number or number in _spelled(field.missing):
        return ""
    text = repr(number)
    text = text if len(text) <= SHORT else f"{number:.16e}"
    return text.replace(".", decimal_of(field))


def _iso(dates: Array) -> list[str]:
    unit = np.datetime_data(dates.dtype)[0]
    texts = np.datetime_as_string(dates.astype(f"datetime64[{UNITS.get(unit, unit)}]"))
    return ["" if text == "NaT" else str(text) for text in texts]


CONVERSIONS = {"number": _numbers, "text": _texts}
"""Of columns with one value in a row."""


def _tensors(field: Field, wire: Wire, values: Values, first: int) -> Array:
    """Of columns with several values in a row."""
    dtype = wire.element.dtype
    if isinstance(values, np.ndarray) and (values.dtype, values.shape[1:]) == (dtype, wire.shape):
        return values
    arrays = wire.missing(len(values))
    for index, value in enumerate(values):
        if not (_is_missing(value) or (isinstance(value, str) and value == "")):
            arrays[index] = _row(field, wire, value, first + index)
    return arrays


def _row(field: Field, wire: Wire, value: Any, row: int) -> Array:
    # lists of several lengths, and numbers beyond the type, are refused below
    with suppress(ValueError, ArithmeticError), np.errstate(over="raise", invalid="raise"):
        given = np.asarray(value)
        if given.dtype == object:  # lists in lists, or with missing elements
            given = np.array(_elements(value, wire))
        if given.shape == wire.shape and given.dtype.kind in NUMBERS:
            array: Array = given.astype(wire.element.dtype)
            if array.dtype.kind == "f" or np.array_equal(array, given):
                return array
    elements = value.tolist() if isinstance(value, np.ndarray) else value  # on one line
    raise _misfit(field, elements, row, f"a row of {field.wire}")


def _elements(value: Any, wire: Wire) -> Any:
    """Lists in place of arrays; a missing element is NaN where numbers may be."""
    if isinstance(value, list | tuple | np.ndarray):
        return [_elements(element, wire) for element in value]
    return np.nan if value is None and wire.element.dtype.kind == "f" else value


def _is_missing(value: Any) -> bool:
    if isinstance(value, float | np.floating | np.datetime64):
        return bool(value != value)
    return value is None or type(value).__name__ in MISSING


def _misfit(field: Field, value: Any, row: int, wanted: str) -> DataError:
    kind = type(value).__name__
    return _wrong(field, row, f"{repr(value)[:80]} is of the type {kind}, expected {wanted}")


def _wrong(field: Field, row: int, problem: str) -> DataError:
    return DataError(
        f"column {field.name!r}, row {row}: {problem}. Correct it, or give None (in JSON null) if"
        " the value is missing"
    )
