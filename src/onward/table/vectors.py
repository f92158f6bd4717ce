"""Rows of several values as polars holds them: Arrays of the shape that their wire says."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from onward.wires import Wire


@dataclass(frozen=True)
class Vectors:
    """A column of lists or arrays, as rows of a wire."""

    values: pl.Series
    """Of the type `array_type`; null is missing, and where a mask is true."""
    has_other_shape: pl.Series
    """Rows of another length."""
    has_bad_element: pl.Series
    """Rows with an element that the wire cannot hold: infinite, out of its range, or missing among
    whole numbers."""


def array_type(wire: Wire) -> pl.Array:
    """The type of a column of this wire."""
    return pl.Array(_element_type(wire), wire.shape)


def row_size(rows: pl.DataFrame) -> int:
    """Values in a row, those of arrays counted."""
    shapes = (dtype.shape if isinstance(dtype, pl.Array) else () for dtype in rows.dtypes)
    return sum(map(math.prod, shapes))


def can_hold(dtype: pl.DataType, wire: Wire) -> bool:
    """Whether values of this type can be rows of the wire."""
    for _ in wire.shape:
        if not isinstance(dtype, pl.List | pl.Array):
            return dtype == pl.Null
        dtype = dtype.inner  # type: ignore[assignment]
    is_number = dtype.is_numeric() if wire.element.dtype.kind == "f" else dtype.is_integer()
    return is_number or dtype == pl.Null


def vectors(column: pl.Series, wire: Wire) -> Vectors:
    """Convert a column of a type that `can_hold` allows.

    A missing element is NaN; a row of nothing but NaN is missing.
    """
    has_shape = _has_shape(column, wire.shape)
    elements = column.filter(has_shape)
    for _ in wire.shape:
        elements = elements.explode()
    numbers, is_good = _numbers(elements, wire)
    is_whole = is_good.reshape(-1, wire.size).all(axis=1)
    is_there = has_shape.copy()
    is_there[has_shape] = is_whole
    rows = wire.missing(len(column))
    rows[is_there] = numbers.reshape(-1, *wire.shape)[is_whole]
    is_null = ~is_there | wire.is_missing(rows) if rows.dtype.kind == "f" else ~is_there
    return Vectors(
        pl.Series(column.name, rows, array_type(wire)).set(pl.Series(is_null), None),
        column.is_not_null() & ~pl.Series(has_shape),
        pl.Series(has_shape & ~is_there),
    )


def _has_shape(column: pl.Series, shape: tuple[int, ...]) -> np.ndarray:
    """Which rows have this shape, ``(rows,)``."""
    if not shape:
        return np.ones(len(column), bool)
    if column.dtype == pl.Null:
        return np.zeros(len(column), bool)
    lists = column.arr.to_list() if isinstance(column.dtype, pl.Array) else column
    mask: np.ndarray = (lists.list.len() == shape[0]).fill_null(value=False).to_numpy().copy()
    inside = _has_shape(lists.filter(mask).explode(), shape[1:])
    mask[mask] = inside.reshape(-1, shape[0]).all(axis=1)
    return mask


def _numbers(elements: pl.Series, wire: Wire) -> tuple[np.ndarray, np.ndarray]:
    """Elements of the wire, and which of them are valid, each ``(elements,)``."""
    cast = elements.cast(_element_type(wire), strict=False)
    numbers = cast.fill_null(wire.element.missing).to_numpy()
    is_float = numbers.dtype.kind == "f"
    return numbers, ~np.isinf(numbers) if is_float else cast.is_not_null().to_numpy()


def _element_type(wire: Wire) -> pl.DataType:
    return pl.Series(wire.missing(1).ravel()).dtype
