"""Inspection of a table: broken rules are marked, not refused."""

import json
from dataclasses import replace

import polars as pl

from onward.quality.validation._contract import Contract
from onward.quality.validation._findings import ROW, Finding, find, settle
from onward.rules import Rule
from onward.table.sources import FAULT, RAW, Table

BROKEN, WHY = "onward/broken", "onward/why"


class Inspection:
    """The broken rules of each row of a table.

    Args:
        table: the table to inspect.
        contract: the rules.
        training: whether the table is for training and needs a target.

    Raises:
        DataError: if the file is damaged, or a column is missing or has values of a wrong type.
    """

    def __init__(self, table: Table, contract: Contract, *, training: bool) -> None:
        self._names = [field.name for field in contract.required_fields(training=training)]
        rows = table.scan_with_faults(contract.required_fields(training=training)).with_row_index(
            ROW, 1
        )
        self.rows = contract.canonical(rows) if training else rows
        rules = [
            *contract.readable(training=training),
            *(_only_readable(rule) for rule in contract.rules(training=training)),
        ]
        self.rules = settle(self.rows, rules)

    def findings(self) -> list[Finding]:
        """The broken rules."""
        return find(self.rows, self.rules)

    def valid_rows(self) -> pl.LazyFrame:
        """The valid rows, in wire form, with their numbers."""
        return self._with_mark().filter(~pl.col(BROKEN)).select(ROW, *self._names)

    def invalid_rows(self) -> pl.LazyFrame:
        """The invalid rows as in the file, with their numbers and reasons; lists as text."""
        reasons = [
            pl.when(rule.broken).then(pl.lit(f"{', '.join(rule.columns)}: {rule.what}"))
            for rule in self.rules
        ]
        reason = pl.concat_str(reasons, separator="; ", ignore_nulls=True)
        return (
            self._with_mark()
            .with_columns(reason.alias(WHY))
            .filter(BROKEN)
            .select(
                *(ROW, WHY),
                *(self._raw(name).alias(name) for name in self._names),
            )
        )

    def _raw(self, name: str) -> pl.Expr:
        """The values of a column in the file, as CSV can have them."""
        raw = pl.col(RAW + name)
        is_nested = self.rows.collect_schema()[RAW + name].is_nested()
        return raw.map_batches(_lists_as_text, pl.String, is_elementwise=True) if is_nested else raw

    def _with_mark(self) -> pl.LazyFrame:
        """All rows with the mark; nothing is filtered before, as some rules need all rows."""
        broken = [rule.broken.fill_null(value=False) for rule in self.rules]
        return self.rows.with_columns(pl.any_horizontal(broken).alias(BROKEN))


def _lists_as_text(values: pl.Series) -> pl.Series:
    texts = [None if value is None else json.dumps(value) for value in values.to_list()]
    return pl.Series(values.name, texts, pl.String)


def _only_readable(rule: Rule) -> Rule:
    """The rule on readable values only: an unreadable value is one finding, not several."""
    unread = pl.any_horizontal(pl.col(FAULT + name) for name in rule.columns)
    return replace(rule, broken=rule.broken & ~unread.fill_null(value=False))
