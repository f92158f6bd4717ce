"""What there is to see in a column of text or of numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import polars as pl

from onward.quality.type_inference._marks import odd_words, sentinels, written_marks
from onward.table.sources import numbers_in

SHOWN = 60  # letters of a value in a reason


@dataclass(frozen=True)
class Sight:
    """The values of a column, and those that only say that there is none."""

    name: str
    column: pl.Series
    """All rows, as text."""
    values: pl.Series
    """The distinct values that are not missing."""
    counts: pl.Series
    """The rows of each."""
    missing: tuple[str, ...]
    """Texts that mean the value is missing, beside the empty one."""
    decimal: str
    """The decimal mark of the file."""

    @property
    def rows(self) -> int:
        """All of them."""
        return len(self.column)

    @property
    def present(self) -> int:
        """The rows with a value."""
        return int(self.counts.sum())

    @property
    def distinct(self) -> int:
        """The number of distinct values."""
        return len(self.values)

    @cached_property
    def first(self) -> str:
        """The value of the first row that has one."""
        is_there = self.column.is_not_null() & ~self.column.is_in(["", *self.missing])
        return str(self.column[int(is_there.arg_max() or 0)])

    @cached_property
    def numbers(self) -> pl.Series:
        """The number in each distinct value, null where there is none."""
        return numbers_in(self.values)

    @cached_property
    def number_share(self) -> float:
        """The share of rows with a number among those with a value."""
        return self.share(self.numbers.is_not_null())

    @cached_property
    def is_whole(self) -> bool:
        """Whether all numbers are whole."""
        return bool((self.numbers == self.numbers.floor()).fill_null(value=True).all())

    @cached_property
    def recurring(self) -> float:
        """Share of the rows whose value is in another row too: will new rows bring known values?

        Source: Good 1953, "The population frequencies of species": the share of the species seen
        once estimates how much of the population is still unseen.
        """
        return self.share(self.counts > 1)

    @cached_property
    def words(self) -> float:
        """Words in a value, on average."""
        words = self.values.str.count_matches(r"\S+")
        return int((words * self.counts).sum()) / max(1, self.present)

    def share(self, chosen: pl.Series) -> float:
        """Of the rows with a value those that have one of the chosen values."""
        return int(self.counts.filter(chosen).sum()) / max(1, self.present)

    def rows_of(self, values: pl.Series) -> int:
        """How many rows have one of the values."""
        return int(self.counts.filter(self.values.is_in(values.implode())).sum())

    def row(self, value: str) -> int:
        """The first row with the value, from 1."""
        return int((self.column == value).arg_max() or 0) + 1

    def ends(self) -> tuple[float, float]:
        """The lowest and the highest number."""
        values = self.numbers.drop_nulls().to_numpy()
        return float(values.min()), float(values.max())

    def without(self, marks: Sequence[str]) -> "Sight":
        """The same, once these texts count as missing."""
        if not len(marks):
            return self
        is_kept = ~self.values.is_in(list(marks))
        missing = tuple(sorted({*self.missing, *marks}))
        values, counts = self.values.filter(is_kept), self.counts.filter(is_kept)
        return replace(self, values=values, counts=counts, missing=missing)

    def exceptions(self, odd: pl.Series, kind: str) -> str:
        """The values that are not of the kind that the others are, with the row of the first."""
        count, first = self.rows_of(odd), self.first_of(odd)
        texts = "1 text," if count == 1 else f"{count:,} texts such as"
        return f"{kind}, but for {texts} {shown(first)} in row {self.row(first):,}"

    def first_of(self, odd: pl.Series) -> str:
        """Of some values the one in the first row."""
        return str(self.column[int(self.column.is_in(odd.implode()).arg_max() or 0)])


def shown(text: str) -> str:
    """The text in quotes, short and on one line."""
    return repr(text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}...")


def look(column: pl.Series, decimal: str = ".", *, is_target: bool = False) -> Sight:
    """See what there is in a column of a file with this decimal mark."""
    texts = column.cast(pl.String)
    found = texts.alias("value").drop_nulls().value_counts(name="rows")
    found = found.filter(found["value"] != "")
    sight = Sight(column.name, texts, found["value"], found["rows"], (), decimal)
    sight = sight.without(written_marks(sight.values, is_target=is_target).to_list())
    words = odd_words(sight.values, sight.counts, sight.numbers.is_not_null())
    sight = sight.without(words.to_list())
    return sight.without(sentinels(sight.values).to_list())
