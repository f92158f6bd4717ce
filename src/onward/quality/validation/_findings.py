"""Broken rules of a table, with the first rows that break them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from onward.errors import DataError
from onward.rules import Rule
from onward.table.sources import RAW

EXAMPLE_ROWS = 5  # example rows of a finding
ROW = "onward/row"  # reserved: columns cannot have this name


@dataclass(frozen=True)
class Finding:
    """A rule that some rows break."""

    rule: Rule
    count: int
    """Number of rows that break it."""
    rows: int
    """Number of all rows."""
    first: tuple[int, ...]
    """The first rows that break it, from 1."""
    examples: tuple[Any, ...]
    """Their values; a dict by column for rules of several columns."""

    @property
    def columns(self) -> str:
        """Names of the columns of the rule."""
        return ", ".join(map(repr, self.rule.columns))


def find(frame: pl.LazyFrame, rules: Sequence[Rule]) -> list[Finding]:
    """The broken rules, found in one pass over the frame, with examples from a second one.

    Args:
        frame: columns in wire form; raw columns, marked by `RAW`, provide the examples if present.
        rules: of a contract.
    """
    rules = settle(frame, rules)
    broken = [rule.broken.fill_null(value=False) for rule in rules]
    counts = [is_broken.sum().alias(str(index)) for index, is_broken in enumerate(broken)]
    query = frame.select(pl.len().alias("rows"), *counts)
    rows, *num_broken = query.collect(engine="streaming").row(0)
    return [
        _finding(frame, rule, is_broken, count, rows)
        for rule, is_broken, count in zip(rules, broken, num_broken, strict=True)
        if count
    ]


def settle(frame: pl.LazyFrame, rules: Sequence[Rule]) -> list[Rule]:
    """The rules as polars expressions alone."""
    return [settled_rule for rule in rules for settled_rule in rule.settle(frame)]


def _finding(frame: pl.LazyFrame, rule: Rule, broken: pl.Expr, count: int, rows: int) -> Finding:
    names = set(frame.collect_schema().names())
    format_example = [
        pl.col(RAW + name if RAW + name in names else name).alias(name) for name in rule.columns
    ]
    marked = frame.select(*format_example, broken.alias(RAW)).with_row_index(ROW, 1)
    first = marked.filter(RAW).drop(RAW).head(EXAMPLE_ROWS).collect(engine="streaming")
    row_numbers = tuple(first.drop_in_place(ROW).to_list())
    if len(rule.columns) == 1:
        return Finding(rule, count, rows, row_numbers, tuple(first.to_series().to_list()))
    return Finding(rule, count, rows, row_numbers, tuple(first.to_dicts()))


def refuse_findings(
    where: str, findings: Sequence[Finding], position_of: Callable[[int], str]
) -> None:
    """Refuse a table with findings.

    Raises:
        DataError: with a line for each finding.
    """
    if findings:
        raise DataError(
            "\n".join(f"{where}: {format_finding(finding, position_of)}" for finding in findings)
        )


def format_finding(finding: Finding, position_of: Callable[[int], str]) -> str:
    """The finding as a sentence, with the remedy."""
    few = len(finding.rule.columns) == 1
    example = finding.examples[0]
    what = "" if example is None else f"{format_example(example)} "
    return (
        f"{'column' if few else 'columns'} {finding.columns}: {finding.count} of {finding.rows}"
        f" rows have {finding.rule.what}; the first is {what}in {position_of(finding.first[0])}."
        f" {finding.rule.remedy}"
    )


def format_example(example: Any) -> str:
    """A value, or the values of several columns."""
    if isinstance(example, dict):
        return ", ".join(f"{name}: {value!r}" for name, value in example.items())
    return "nothing" if example is None else repr(example)
