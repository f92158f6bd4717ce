"""Conversion of file values of any type to wire values."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from onward.errors import ConfigError, DataError
from onward.schema import Field
from onward.table.sources._number_format import DIGITS, EXACT_BELOW, PLAIN, Numerals
from onward.table.vectors import Vectors, array_type, can_hold, vectors
from onward.wires import SCALARS, wire_of

TARGET = "target"  # field type of the target
CATEGORICAL = "declare the column categorical"
UNREAD = (
    f"add the text to `missing:` of the column, or {CATEGORICAL}, or a quantity if these are"
    ' numbers with units or a decimal comma (`decimal: ","`)'
)


@dataclass(frozen=True)
class Fault:
    """A possible fault of a value."""

    mask: pl.Expr
    """Mask of the faulty values."""
    what: str
    """Completes "these values are ..."."""
    remedy: str


@dataclass(frozen=True)
class Reading:
    """A column of a file, converted to wire values."""

    name: str
    value: pl.Expr
    """Wire values; null is missing. Valid where no fault is found."""
    doubts: pl.Expr
    """An upper bound of the number of faulty values, cheap to compute."""
    faults: tuple[Fault, ...]


def reading(where: str, field: Field, dtype: pl.DataType, numerals: Numerals = PLAIN) -> Reading:
    """The conversion of a column of type ``dtype`` to the wire of ``field``.

    Raises:
        DataError: if such values have no place there, whatever they are.
    """
    if field.wire not in SCALARS:
        return _rows(where, field, dtype)
    if field.wire == "text":
        return _text(where, field, dtype)
    if _is_text(dtype):
        return _spelled(field, numerals)
    if dtype.is_numeric() or dtype in (pl.Boolean, pl.Null):
        return _number(field, dtype)
    raise DataError(
        f"{where}: column {field.name!r} holds {dtype}, which is not a number. Declare it as"
        f" {'datetime' if dtype in (pl.Date, pl.Datetime) else 'another type'}, or remove it from"
        " the config"
    )


def _rows(where: str, field: Field, dtype: pl.DataType) -> Reading:
    """Several values in a row, from lists and arrays."""
    wire = wire_of(field.wire)
    if not can_hold(dtype, wire):
        raise DataError(
            f"{where}: column {field.name!r} holds {dtype}, and {field.wire} is wanted: lists of"
            f" {wire.words}. Store them so in a Parquet file or in JSON lines"
        )
    if field.missing:
        raise ConfigError(
            f"columns: {field.name!r} has texts in `missing`, and its rows are {wire.words}. Remove"
            " `missing`; a missing row is null"
        )

    def part(get: Callable[[Vectors], pl.Series], returned: pl.DataType) -> pl.Expr:
        return pl.col(field.name).map_batches(
            lambda column: get(vectors(column, wire)), returned, is_elementwise=True
        )

    shape = part(lambda rows: rows.has_other_shape, pl.Boolean())
    elements = part(lambda rows: rows.has_bad_element, pl.Boolean())
    faults = (
        Fault(shape, f"not {wire.words}", "Correct the file; a missing row is null"),
        Fault(
            elements,
            f"{wire.words} with an element that {field.wire} cannot hold",
            "Correct the file",
        ),
    )
    value = part(lambda rows: rows.values, array_type(wire))
    return Reading(field.name, value, (shape | elements).sum(), faults)


def _is_text(dtype: pl.DataType) -> bool:
    return dtype in (pl.String, pl.Categorical, pl.Enum)


def _text(where: str, field: Field, dtype: pl.DataType) -> Reading:
    raw = pl.col(field.name)
    if isinstance(dtype, pl.Datetime):
        zone = {None: "", "UTC": "Z"}.get(dtype.time_zone, "%:z")
        text = raw.dt.strftime(f"%Y-%m-%dT%H:%M:%S%.f{zone}")
    elif dtype == pl.Date:
        text = raw.dt.strftime("%Y-%m-%d")
    elif dtype.is_float():
        return _whole_text(field)
    elif dtype.is_integer() or dtype in (pl.Boolean, pl.Null) or _is_text(dtype):
        text = raw.cast(pl.String)
    else:
        raise DataError(
            f"{where}: column {field.name!r} holds {dtype}, which is not text, since there are"
            " several ways to write it. Declare the column numerical, or categorical with"
            " `values: integer`, or store it as text"
        )
    nul = Fault(text.str.contains("\0", literal=True), "texts with a NUL character", "Remove it")
    return Reading(field.name, pl.when(text != "").then(text), nul.mask.sum(), (nul,))


def _whole_text(field: Field) -> Reading:
    """Floats as the text of whole numbers, since integers with gaps are often stored as floats."""
    number = pl.col(field.name).fill_nan(None)
    is_whole = (number == number.floor()) & (number.abs() < EXACT_BELOW)
    text = pl.when(is_whole).then(number).cast(pl.Int64).cast(pl.String)
    wrong = Fault(
        ~is_whole.fill_null(value=True),
        "not whole numbers, so their text is ambiguous",
        "Declare the column numerical, or store it as text",
    )
    return Reading(field.name, text, wrong.mask.sum(), (wrong,))


def _spelled(field: Field, numerals: Numerals) -> Reading:
    """Numbers in texts, ignoring surrounding blanks."""
    text = pl.col(field.name).cast(pl.String).str.strip_chars()
    plain = numerals.plain(text)
    number = plain.cast(pl.Float64, strict=False)
    if field.type == "boolean":
        is_true = text.str.to_lowercase().replace_strict(
            ["true", "false"], [1.0, 0.0], default=None, return_dtype=pl.Float64
        )
        number = pl.coalesce(number, is_true)
    absent = _is_missing(number, field) | text.is_in(["", *map(str.strip, field.missing)])
    present = ~absent.fill_null(value=False)
    # few texts reach the pattern, so it is cheap
    digits = pl.when(number.abs() >= EXACT_BELOW).then(plain).str.contains(DIGITS)
    none = Fault(
        present & text.is_not_null() & (number.is_null() | number.is_infinite()),
        "not finite numbers",
        "Correct the file, or remove these rows"
        if field.type == TARGET
        else f"Correct the file, or before training {UNREAD}",
    )
    return Reading(
        field.name,
        pl.when(~_is_missing(number, field)).then(number),
        (text != "").sum() - (number.abs() < EXACT_BELOW).sum(),
        (none, _rounding_fault(present & digits)),
    )


def _number(field: Field, dtype: pl.DataType) -> Reading:
    number = pl.col(field.name).cast(pl.Float64)
    present = ~_is_missing(number, field).fill_null(value=False)
    infinite = Fault(
        present & number.is_infinite(),
        "infinite",
        "Correct the file, or add 'inf' or '-inf' to `missing:` of the column",
    )
    faults = [infinite]
    if dtype.is_integer():
        faults.append(_rounding_fault(present & (number.abs() >= EXACT_BELOW)))
    return Reading(
        field.name,
        pl.when(~_is_missing(number, field)).then(number),
        (number.abs() >= EXACT_BELOW).sum(),
        tuple(faults),
    )


def _rounding_fault(mask: pl.Expr) -> Fault:
    return Fault(
        mask,
        "whole numbers of 2^53 and more, which a float64 would round",
        f"If they are identifiers, {CATEGORICAL}; else store them as floating-point numbers",
    )


def _is_missing(number: pl.Expr, field: Field) -> pl.Expr:
    meant = list(_numbers(field.missing))
    return number.is_nan() | number.is_in(meant) if meant else number.is_nan()


def _numbers(texts: tuple[str, ...]) -> Iterator[float]:
    """Mask of numbers that are declared missing: "-9" also matches -9.0."""
    for text in texts:
        number = pl.Series([text.strip()]).cast(pl.Float64, strict=False)[0]
        if number is not None:
            yield number
