"""The semantic type of a field, from its column type."""

import polars as pl

from onward.preprocessing.columns._base import Column
from onward.schema import Field, SemanticType


def semantic_type(field: Field) -> SemanticType:
    """Whether values are numbers, categories or dates."""
    return _column(field).semantic_type(field)


def meaning(field: Field, values: pl.Series) -> pl.Series:
    """Numbers as Float64, categories as String or Float64, dates as Datetime; null is missing.

    Rows of several values as they are.
    """
    return _column(field).meaning(field, values)


def category_names(values: pl.Series) -> pl.Series:
    """Categories as text; integers without a fraction.

    Example:
        >>> category_names(pl.Series([2.0, None, 10.0])).to_list()
        ['2', None, '10']
    """
    if values.dtype == pl.String:
        return values
    return values.cast(pl.String).str.strip_suffix(".0")


def _column(field: Field) -> type[Column]:
    column: type[Column] = Column.members[field.type]
    return column
