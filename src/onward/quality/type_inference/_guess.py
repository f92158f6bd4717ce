"""The inferred type of a column."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from onward.quality.type_inference._column_summary import ColumnSummary, quote

Setting = str | int | tuple[str, ...] | dict[str, float]

MIN_COUNT = 10
"""Training rows from which on the mean of a category says more than its noise; an embedding of a
value with fewer memorises them."""
FEWEST_ROWS = 50  # with a value; in a smaller table each value is rare
MENTIONED = 0.1  # share of rows with a rare value from which on a reason tells it
MAX_MARKS = 3  # texts for missing values in a reason


@dataclass(frozen=True)
class Guess:
    """The inferred type and settings of a column."""

    name: str
    type: str
    """A column type; empty if the column is left out."""
    reason: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Texts in the column that stand for a missing value, besides the empty one."""
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values with other probable spellings of them, for a user to confirm."""


def leave_out(name: str, reason: str) -> Guess:
    """Leave out a column that no type reads, or that has no information."""
    return Guess(name, "", reason)


def read_as_category(summary: ColumnSummary, reason: str, **settings: Setting) -> Guess:
    """Read a column as categories; values with few rows share the code of unknown values.

    Whether they do is decided by the rows of the table, as it was when it was measured; `prepare`
    counts training rows, and so does the reason.
    """
    if rows_of_rare_values(summary) == 0:
        return read_as(summary, "categorical", reason, **settings)
    rare = summary.counts.filter(summary.counts * summary.training_share < MIN_COUNT)
    if len(rare) == summary.distinct and "words" not in settings:
        if (summary.counts < MIN_COUNT).all():
            return _all_rare(summary, reason, settings)
        return read_as(summary, "categorical", reason, **settings)
    reason += f"; {len(rare):,} in fewer than {MIN_COUNT} training rows are unknown"
    share = int(rare.sum()) / summary.present
    reason += f", {share:.0%} of the rows" if share >= MENTIONED else ""
    return read_as(summary, "categorical", reason, **settings, min_count=MIN_COUNT)


def _all_rare(summary: ColumnSummary, reason: str, settings: Mapping[str, Setting]) -> Guess:
    """A column for its missing values, if there are enough; otherwise it is left out."""
    reason += f"; each in fewer than {MIN_COUNT} rows"
    if (summary.rows - summary.present) * summary.training_share >= MIN_COUNT:
        reason += ", so only missing values are told from others"
        return read_as(summary, "categorical", reason, **settings, min_count=MIN_COUNT)
    remedy = "".join(f", {name}: {value}" for name, value in settings.items())
    reason += f", too few to learn from; to use it nevertheless: type: categorical{remedy}"
    return leave_out(summary.name, reason)


def rows_of_rare_values(summary: ColumnSummary) -> float:
    """The share of rows, of those with a value, whose category is rare in the table."""
    if summary.present < FEWEST_ROWS:
        return 0.0
    rare = summary.counts.filter(summary.counts < MIN_COUNT)
    return int(rare.sum()) / summary.present


def read_as(summary: ColumnSummary, type_: str, reason: str, **settings: Setting) -> Guess:
    """Read a column as this type; the reason tells the missing values."""
    missing = summary.rows - summary.present
    if missing:
        reason += f"; missing in {missing:,} of {summary.rows:,} rows"
        marks = [mark for mark in summary.missing if mark.strip()]
        if marks:
            more = ", ..." if len(marks) > MAX_MARKS else ""
            reason += f", written {', '.join(map(quote, marks[:MAX_MARKS]))}{more}"
    return Guess(summary.name, type_, reason, settings, summary.missing)
