"""A table beside its contract: nothing is refused, all is marked."""

from dataclasses import replace

import polars as pl

from onward.quality.validation._contract import Contract
from onward.quality.validation._findings import ROW, Finding, find, settled
from onward.rules import Rule
from onward.table.sources import FAULT, RAW, Table

BROKEN, WHY = "onward/broken", "onward/why"


class Inspection:
    """What each row of a table breaks.

    Args:
        table: to look at.
        contract: what it is to keep.
        training: whether rows are to be learned from, which need a target.

    Raises:
        DataError: if the file is damaged, or a column is not there or has no such values.
    """

    def __init__(self, table: Table, contract: Contract, *, training: bool) -> None:
        self._names = [field.name for field in contract.needed(training=training)]
        rows = table.inspected(contract.needed(training=training)).with_row_index(ROW, 1)
        self.rows = contract.cleaned(rows) if training else rows
        rules = [
            *contract.readable(training=training),
            *(_where_readable(rule) for rule in contract.rules(training=training)),
        ]
        self.rules = settled(self.rows, rules)

    def findings(self) -> list[Finding]:
        """The rules that rows break."""
        return find(self.rows, self.rules)

    def kept(self) -> pl.LazyFrame:
        """The rows that break no rule, in wire form, with their numbers."""
        return self._marked().filter(~pl.col(BROKEN)).select(ROW, *self._names)

    def set_aside(self) -> pl.LazyFrame:
        """The other rows as they are in the file, with their numbers and reasons."""
        reasons = [
            pl.when(rule.broken).then(pl.lit(f"{', '.join(rule.columns)}: {rule.what}"))
            for rule in self.rules
        ]
        said = pl.concat_str(reasons, separator="; ", ignore_nulls=True)
        return (
            self._marked()
            .with_columns(said.alias(WHY))
            .filter(BROKEN)
            .select(
                *(ROW, WHY),
                *(pl.col(RAW + name).alias(name) for name in self._names),
            )
        )

    def _marked(self) -> pl.LazyFrame:
        """Marked before any row is gone: some rules look at all rows."""
        broken = [rule.broken.fill_null(value=False) for rule in self.rules]
        return self.rows.with_columns(pl.any_horizontal(broken).alias(BROKEN))


def _where_readable(rule: Rule) -> Rule:
    """A value that cannot be read breaks that rule, and no other."""
    unread = pl.any_horizontal(pl.col(FAULT + name) for name in rule.columns)
    return replace(rule, broken=rule.broken & ~unread.fill_null(value=False))
