"""Distinct values, counts and missing values of a column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onward.quality.type_inference._marks import odd_words, sentinels, written_marks
from onward.table.sources import numbers_in
from onward.table.spellings import meaning_of

MAX_QUOTED = 60  # letters of a value in a reason


@dataclass(frozen=True)
class ColumnSummary:
    """The distinct values of a column, and the texts that stand for missing values."""

    name: str
    column: pl.Series
    """All rows, as text."""
    values: pl.Series
    """The distinct values that are not missing."""
    counts: pl.Series
    """Number of rows of each."""
    missing: tuple[str, ...]
    """Texts that stand for a missing value, besides the empty one."""
    decimal: str
    """The decimal mark of the file."""
    training_share: float = 1.0
    """Share of the rows that will be training rows."""

    @property
    def rows(self) -> int:
        """Number of all rows."""
        return len(self.column)

    @property
    def present(self) -> int:
        """Number of rows with a value."""
        return int(self.counts.sum())

    @property
    def distinct(self) -> int:
        """The number of distinct values."""
        return len(self.values)

    @cached_property
    def first(self) -> str:
        """The first value that is not missing."""
        is_there = self.column.is_not_null() & ~self.column.is_in(["", *self.missing])
        return str(self.column[int(is_there.arg_max() or 0)])

    @cached_property
    def numbers(self) -> pl.Series:
        """Each distinct value as a number; null if it is not a number."""
        return numbers_in(self.values)

    @cached_property
    def known(self) -> NDArray[np.float64]:
        """The distinct numbers; numpy takes less time for few values than polars."""
        return self.numbers.drop_nulls().to_numpy()

    @cached_property
    def number_share(self) -> float:
        """Share of numbers among the rows with a value."""
        return self.share(self.numbers.is_not_null())

    @cached_property
    def is_whole(self) -> bool:
        """Whether all numbers are whole."""
        return bool((self.known == np.floor(self.known)).all())

    @cached_property
    def recurring(self) -> float:
        """Share of the rows whose value occurs in another row: are values of new rows known?

        Source: Good 1953, "The population frequencies of species": the share of the species seen
        once estimates how much of the population is still unseen.
        """
        return self.share(self.counts > 1)

    @cached_property
    def words(self) -> float:
        """Mean number of words in a value."""
        words = self.values.str.count_matches(r"\S+")
        return int((words * self.counts).sum()) / max(1, self.present)

    def share(self, is_chosen: pl.Series) -> float:
        """Share of the chosen distinct values among the rows with a value."""
        return int(self.counts.filter(is_chosen).sum()) / max(1, self.present)

    def rows_of(self, values: pl.Series) -> int:
        """Number of rows with one of the values."""
        return int(self.counts.filter(self.values.is_in(values.implode())).sum())

    def row(self, value: str) -> int:
        """The first row with the value, from 1."""
        return int((self.column == value).arg_max() or 0) + 1

    def ends(self) -> tuple[float, float]:
        """The lowest and the highest number."""
        return float(self.known.min()), float(self.known.max())

    def without(self, marks: Sequence[str]) -> "ColumnSummary":
        """The same with these texts as missing values."""
        if not len(marks):
            return self
        is_kept = ~self.values.is_in(list(marks))
        missing = tuple(sorted({*self.missing, *marks}))
        values, counts = self.values.filter(is_kept), self.counts.filter(is_kept)
        return replace(self, values=values, counts=counts, missing=missing)

    def merged(self, spellings: Mapping[str, Sequence[str]]) -> "ColumnSummary":
        """The same with one text for each value, in place of its spellings."""
        if not spellings:
            return self
        meanings = meaning_of(spellings)
        frame = pl.DataFrame({"value": self.values.replace(meanings), "rows": self.counts})
        rows = frame.group_by("value", maintain_order=True).agg(pl.sum("rows"))
        column = self.column.replace(meanings)
        return replace(self, column=column, values=rows["value"], counts=rows["rows"])

    def exceptions(self, odd: pl.Series, kind: str) -> str:
        """The kind of most values, and the exceptions, with the row of the first."""
        count, first = self.rows_of(odd), self.first_of(odd)
        texts = "1 text," if count == 1 else f"{count:,} texts such as"
        return f"{kind}, except {texts} {quote(first)} in row {self.row(first):,}"

    def first_of(self, odd: pl.Series) -> str:
        """The value that occurs first."""
        return str(self.column[int(self.column.is_in(odd.implode()).arg_max() or 0)])


def quote(text: str) -> str:
    """The text in quotes, shortened, on one line."""
    return repr(text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED - 3]}...")


def summarize(
    column: pl.Series,
    decimal: str = ".",
    training_share: float = 1.0,
    *,
    is_target: bool = False,
) -> ColumnSummary:
    """Summarize a column of a file with this decimal mark."""
    texts = column.cast(pl.String)
    counts = texts.alias("value").drop_nulls().value_counts(name="rows")
    counts = counts.filter(counts["value"] != "")
    summary = ColumnSummary(column.name, texts, counts["value"], counts["rows"], (), decimal)
    summary = replace(summary, training_share=training_share)
    summary = summary.without(written_marks(summary.values, is_target=is_target).to_list())
    words = odd_words(summary.values, summary.counts, summary.numbers.is_not_null())
    summary = summary.without(words.to_list())
    return summary.without(sentinels(summary.values).to_list())
