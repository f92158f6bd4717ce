"""What must hold for each row of a table: a part of its contract."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import polars as pl


@dataclass(frozen=True)
class Rule:
    """Something that each row of a good table keeps."""

    columns: tuple[str, ...]
    """That it looks at."""
    broken: pl.Expr
    """Whether a row breaks it, from columns in wire form; null is no. With `confirmed`, whether it
    may do so."""
    what: str
    """Completes "these rows have ..."."""
    remedy: str
    confirmed: Callable[[pl.Series], pl.Series] | None = None
    """Of values that may break it, which do so: for what polars cannot say itself."""

    def settled(self, rows: pl.LazyFrame) -> "Rule":
        """The same rule, for these rows in the words of polars alone.

        Functions of ours inside a query could wait for each other forever.
        """
        if self.confirmed is None:
            return self
        [name] = self.columns
        doubtful = rows.filter(self.broken).select(pl.col(name).unique())
        values = doubtful.collect(engine="streaming").to_series()
        wrong = values.filter(self.confirmed(values))
        broken = self.broken & pl.col(name).is_in(wrong.implode())
        return replace(self, broken=broken, confirmed=None)
