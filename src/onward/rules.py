"""Rules for the rows of a table."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Rule:
    """Something that each row of a good table keeps."""

    columns: tuple[str, ...]
    """That it looks at."""
    broken: pl.Expr
    """Whether a row breaks it, from columns in wire form; null is no. With `confirmed` or `judged`,
    whether it may do so."""
    what: str
    """Completes "these rows have ..."."""
    remedy: str
    confirmed: Callable[[pl.Series], pl.Series] | None = None
    """The values that break the rule, for conditions that polars cannot express."""
    judged: Callable[[pl.DataFrame], "list[Rule]"] | None = None
    """Of all values of the columns, the rules that rows break: for what is known only then."""

    def settle(self, rows: pl.LazyFrame) -> "list[Rule]":
        """The same for these rows, in the words of polars alone.

        Functions of ours inside a query could wait for each other forever.
        """
        if self.judged is not None:
            values = rows.select(self.columns).collect(engine="streaming")
            parts = self.judged(values) or [replace(self, broken=pl.lit(value=False), judged=None)]
            return [replace(rule, broken=rule.broken & self.broken) for rule in parts]
        if self.confirmed is None:
            return [self]
        [name] = self.columns
        doubtful = rows.filter(self.broken).select(pl.col(name).unique())
        candidates = doubtful.collect(engine="streaming").to_series()
        wrong = candidates.filter(self.confirmed(candidates))
        broken = self.broken & pl.col(name).is_in(wrong.implode())
        return [replace(self, broken=broken, confirmed=None)]


def at(indices: np.ndarray) -> pl.Expr:
    """Whether a row is one of these, counted from 0."""
    return pl.int_range(pl.len()).is_in(pl.Series(indices, dtype=pl.Int64).implode())
