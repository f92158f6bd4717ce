"""Rows put into groups by the values of one column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from onward.preprocessing.columns import category_names, meaning, semantic_type
from onward.schema import Field, SemanticType
from onward.tasks.metrics import Array

BINS = 10  # of a number, with equally many rows in each
DISTINCT = 10  # values of a number that need no bins
PERIODS = 24  # days, months or years at most; a date that has more has the next longer ones
MISSING = "(missing)"
LARGE = 10_000  # from here on thousands are set apart, and nobody reads digits behind the point

Show = Callable[[float], str]


@dataclass(frozen=True)
class Groups:
    """Which group each row is in; numbers and dates from low to high, categories by size."""

    names: tuple[str, ...]
    codes: Array
    """``(rows,)``: a place among the names, or -1 for a row that is in none."""

    @property
    def sizes(self) -> Array:
        """Rows of each."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.names))


def grouped(field: Field, values: pl.Series, least: int) -> Groups:
    """The groups of a column that have at least so many rows; a missing value is one, too."""
    groups = GROUPS[semantic_type(field)](meaning(field, values), least)
    return _large(groups, least)


def shown(value: float) -> str:
    """A number as people write it.

    Example:
        >>> shown(2019.0), shown(0.123456), shown(-1234567.8)
        ('2019', '0.1235', '-1,234,568')
    """
    if abs(value) >= LARGE:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value == round(value) else f"{value:.4g}"


def _texts(values: pl.Series, least: int) -> Groups:
    known = category_names(values).replace("", None)
    counts = known.drop_nulls().alias("value").value_counts(name="rows")
    ordered = counts.sort("rows", "value", descending=[True, False])["value"].to_list()
    return _coded(known, ordered)


def _none(values: pl.Series, least: int) -> Groups:
    return Groups((), np.full(len(values), -1))


def _dates(known: pl.Series, least: int) -> Groups:
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        periods = known.dt.strftime(form)
        found = periods.drop_nulls().unique().sort().to_list()
        if len(found) <= PERIODS:
            places = periods.replace_strict(found, range(len(found)), return_dtype=pl.Float64)
            names: dict[float, str] = dict(enumerate(found))
            groups = _numbers(places, least, names.__getitem__, PERIODS)
            if len(groups.names) > 2:  # and what is missing
                return groups
    days = known.dt.epoch("d").cast(pl.Float64)
    return _numbers(days, least, lambda day: str(np.datetime64(int(day), "D")))


def _coded(values: pl.Series, names: Sequence[str]) -> Groups:
    """With one more group for what is missing."""
    codes = values.replace_strict(
        list(names), list(range(len(names))), default=None, return_dtype=pl.Int64
    )
    return Groups((*names, MISSING), codes.fill_null(len(names)).to_numpy())


def _numbers(values: pl.Series, least: int, show: Show = shown, distinct: int = DISTINCT) -> Groups:
    known = values.drop_nulls().to_numpy()
    inner = _edges(known, least, distinct)
    codes = np.searchsorted(inner, values.fill_null(0).to_numpy())
    names = _spans(known, np.searchsorted(inner, known), len(inner) + 1, show)
    codes = np.where(values.is_null().to_numpy(), len(names), codes)
    return Groups((*names, MISSING), codes)


GROUPS: dict[SemanticType, Callable[[pl.Series, int], Groups]] = {
    "number": _numbers,
    "category": _texts,
    "date": _dates,
    "none": _none,
}


def _edges(known: Array, least: int, distinct: int) -> Array:
    """Values of the column, each the highest of its bin but for the last bin."""
    edges = np.unique(known)[:-1]
    if len(edges) >= distinct:
        bins = max(1, min(BINS, len(known) // max(least, 1)))
        places = np.arange(1, bins) / bins
        edges = np.unique(np.quantile(known, places, method="inverted_cdf"))
    while len(edges):  # equal values are in one bin, and may leave too few for the next
        sizes = np.bincount(np.searchsorted(edges, known), minlength=len(edges) + 1)
        smallest = int(sizes.argmin())
        if sizes[smallest] >= least:
            break
        before = sizes[smallest - 1] if smallest else np.inf
        after = sizes[smallest + 1] if smallest < len(edges) else np.inf
        edges = np.delete(edges, smallest - 1 if before < after else smallest)
    return edges


def _spans(known: Array, codes: Array, bins: int, show: Show) -> list[str]:
    names = []
    for place in range(bins):
        inside = known[codes == place]
        ends = dict.fromkeys((show(inside.min()), show(inside.max()))) if len(inside) else ["none"]
        names.append(" to ".join(ends))
    return names


def _large(groups: Groups, least: int) -> Groups:
    kept = np.flatnonzero(groups.sizes >= max(least, 1))
    places = np.full(len(groups.names) + 1, -1)  # the last is that of rows in no group
    places[kept] = np.arange(len(kept))
    return Groups(tuple(groups.names[place] for place in kept), places[groups.codes])
