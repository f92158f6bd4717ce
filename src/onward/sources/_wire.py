"""How values of any type in a file become one of the two wires."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from onward.errors import DataError
from onward.schema import Field

ROUNDED = 2**53  # from here on, different whole numbers can be the same float64


@dataclass(frozen=True)
class Reading:
    """A column on its way out of a file."""

    name: str
    raw: pl.Expr
    """As in the file."""
    value: pl.Expr
    """On the wire; null is missing."""
    wrong: pl.Expr
    """Whether a value cannot go there."""
    remedy: str


def reading(where: str, field: Field, dtype: pl.DataType) -> Reading:
    """How a column of the type ``dtype`` becomes what ``field`` asks for.

    Raises:
        DataError: if such values have no place there, whatever they are.
    """
    if field.wire == "text":
        return _text(where, field, dtype)
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return _parsed(field)
    if dtype.is_numeric() or isinstance(dtype, pl.Boolean | pl.Null):
        return _number(field, dtype)
    raise DataError(
        f"{where}: column {field.name!r} holds {dtype}, which is no number. Declare it as"
        f" {'datetime' if dtype.is_temporal() else 'what it is'}, or remove it from the config"
    )


def _text(where: str, field: Field, dtype: pl.DataType) -> Reading:
    raw = pl.col(field.name)
    if isinstance(dtype, pl.Datetime):
        zone = {None: "", "UTC": "Z"}.get(dtype.time_zone, "%:z")
        text = raw.dt.strftime(f"%Y-%m-%dT%H:%M:%S%.f{zone}")
    elif isinstance(dtype, pl.Date):
        text = raw.dt.strftime("%Y-%m-%d")
    elif dtype.is_integer() or isinstance(
        dtype, pl.String | pl.Categorical | pl.Enum | pl.Boolean | pl.Null
    ):
        text = raw.cast(pl.String)
    else:
        raise DataError(
            f"{where}: column {field.name!r} holds {dtype}, which can be written in more than one"
            " way, so that it is no text. Declare the column numerical, or store it as text"
        )
    value = pl.when(text != "").then(text)
    return Reading(field.name, raw, value, pl.lit(value=False), "")


def _parsed(field: Field) -> Reading:
    """Numbers written out; blanks around them mean nothing."""
    raw = pl.col(field.name)
    text = raw.cast(pl.String).str.strip_chars()
    number = text.cast(pl.Float64, strict=False)
    absent = text.is_in(["", *(each.strip() for each in field.missing)]) | _is_missing(
        number, field
    )
    # a float64 would round these whole numbers; few texts reach the pattern, so that it is cheap
    large = pl.when(number.abs() >= ROUNDED).then(text).str.contains(r"^[+-]?[0-9]+$")
    wrong = (number.is_null() & text.is_not_null()) | number.is_infinite() | large
    return Reading(
        field.name,
        raw,
        pl.when(~absent).then(number),
        wrong.fill_null(value=False) & ~absent.fill_null(value=False),
        "Correct the file, or add the text to `missing:` of the column, or declare the column"
        " categorical",
    )


def _number(field: Field, dtype: pl.DataType) -> Reading:
    raw = pl.col(field.name)
    number = raw.cast(pl.Float64)
    absent = _is_missing(number, field)
    large = number.abs() >= ROUNDED if dtype.is_integer() else pl.lit(value=False)
    return Reading(
        field.name,
        raw,
        pl.when(~absent).then(number),
        (number.is_infinite() | large).fill_null(value=False) & ~absent.fill_null(value=False),
        "Correct the file, or add the number to `missing:` of the column, or store the column as"
        " text and declare it categorical",
    )


def _is_missing(number: pl.Expr, field: Field) -> pl.Expr:
    return number.is_nan() | number.is_in(list(_numbers(field.missing)))


def _numbers(texts: tuple[str, ...]) -> Iterator[float]:
    for text in texts:
        number = pl.Series([text.strip()]).cast(pl.Float64, strict=False)[0]
        if number is not None:
            yield number
