"""Groups of rows by the values of one column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onward.preprocessing.columns import category_names, meaning, semantic_type
from onward.schema import Field, SemanticType
from onward.tasks.metrics import Array

MAX_BINS = 10  # of a number, with equal numbers of rows
MAX_UNBINNED_VALUES = 10  # distinct values of a number that need no bins
MAX_PERIODS = 24  # days, months or years at most; of more, the next longer period is used
MISSING_GROUP = "(missing)"
NO_DECIMALS_FROM = 10_000  # from here on numbers have thousands separators and no decimals

Show = Callable[[float], str]


@dataclass(frozen=True)
class Groups:
    """Assignment of rows to groups: numbers and dates in order, categories by size."""

    names: tuple[str, ...]
    codes: Array
    """``(rows,)``: indices into names, or -1 for a row in no group."""

    @property
    def sizes(self) -> Array:
        """Number of rows in each group."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))


def group_rows(field: Field, values: pl.Series, least: int) -> Groups:
    """The groups of a column with at least so many rows; missing values form a group."""
    groups = GROUPINGS[semantic_type(field)](meaning(field, values), least)
    return _drop_small(groups, least)


def format_number(value: float) -> str:
    """A number with thousands separators or four significant digits.

    Example:
        >>> [format_number(value) for value in (2019.0, 0.123456, -1234567.8)]
        ['2019', '0.1235', '-1,234,568']
    """
    if abs(value) >= NO_DECIMALS_FROM:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == round(value) else f"{value:.4g}"


def _texts(values: pl.Series, least: int) -> Groups:
    names = category_names(values).replace("", None)
    counts = names.drop_nulls().alias("value").value_counts(name="rows")
    ordered = counts.sort("rows", "value", descending=[True, False])["value"].to_list()
    return _by_name(names, ordered)


def _no_groups(values: pl.Series, least: int) -> Groups:
    return Groups((), np.full(len(values), -1))


def _dates(dates: pl.Series, least: int) -> Groups:
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        periods = dates.dt.strftime(form)
        distinct = periods.drop_nulls().unique().sort().to_list()
        if len(distinct) <= MAX_PERIODS:
            indices = periods.replace_strict(
                distinct, range(len(distinct)), return_dtype=pl.Float64
            )
            names: dict[float, str] = dict(enumerate(distinct))
            groups = _numbers(indices, least, names.__getitem__, MAX_PERIODS)
            if len(groups.names) > 2:  # including missing
                return groups
    days = dates.dt.epoch("d").cast(pl.Float64)
    return _numbers(days, least, lambda day: str(np.datetime64(int(day), "D")))


def _by_name(values: pl.Series, names: Sequence[str]) -> Groups:
    """Groups by name, and one for missing values."""
    codes = values.replace_strict(
        list(names), list(range(len(names))), default=None, return_dtype=pl.Int64
    )
    return Groups((*names, MISSING_GROUP), codes.fill_null(len(names)).to_numpy())


def _numbers(
    values: pl.Series, least: int, show: Show = format_number, distinct: int = MAX_UNBINNED_VALUES
) -> Groups:
    present = values.drop_nulls().to_numpy()
    inner = _edges(present, least, distinct)
    codes = np.searchsorted(inner, values.fill_null(0).to_numpy())
    names = _bin_names(present, np.searchsorted(inner, present), len(inner) + 1, show)
    codes = np.where(values.is_null().to_numpy(), len(names), codes)
    return Groups((*names, MISSING_GROUP), codes)


GROUPINGS: dict[SemanticType, Callable[[pl.Series, int], Groups]] = {
    "number": _numbers,
    "category": _texts,
    "date": _dates,
    "none": _no_groups,
}


def _edges(values: Array, least: int, distinct: int) -> Array:
    """The upper edges of all bins but the last; each is a value of the column."""
    edges = np.unique(values)[:-1]
    if len(edges) >= distinct:
        bins = max(1, min(MAX_BINS, len(values) // max(least, 1)))
        shares = np.arange(1, bins) / bins
        edges = np.unique(np.quantile(values, shares, method="inverted_cdf"))
    while len(edges):  # equal values share a bin, so the next may be too small
        sizes = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
        smallest = int(sizes.argmin())
        if sizes[smallest] >= least:
            break
        before = sizes[smallest - 1] if smallest else np.inf
        after = sizes[smallest + 1] if smallest < len(edges) else np.inf
        edges = np.delete(edges, smallest - 1 if before < after else smallest)
    return edges


def _bin_names(values: Array, codes: Array, bins: int, show: Show) -> list[str]:
    names = []
    for index in range(bins):
        inside = values[codes == index]
        ends = dict.fromkeys((show(inside.min()), show(inside.max()))) if len(inside) else ["none"]
        names.append(" to ".join(ends))
    return names


def _drop_small(groups: Groups, least: int) -> Groups:
    large = np.flatnonzero(groups.sizes >= max(least, 1))
    new_codes = np.full(len(groups.names) + 1, -1)  # the last entry is for rows in no group
    new_codes[large] = np.arange(len(large))
    return Groups(tuple(groups.names[code] for code in large), new_codes[groups.codes])
