"""Which rules a table breaks, and where."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from onward.errors import DataError
from onward.rules import Rule
from onward.table.sources import RAW

SHOWN = 5  # rows of a finding
ROW = "onward/row"  # no name of a column, which are checked for it


@dataclass(frozen=True)
class Finding:
    """A rule that rows break."""

    rule: Rule
    count: int
    """Rows that break it."""
    rows: int
    """All rows."""
    first: tuple[int, ...]
    """The first rows that break it, from 1."""
    examples: tuple[Any, ...]
    """Their values; of several columns, each by its name."""

    @property
    def columns(self) -> str:
        """Their names."""
        return ", ".join(map(repr, self.rule.columns))


def find(frame: pl.LazyFrame, rules: Sequence[Rule]) -> list[Finding]:
    """The rules that rows of the frame break, after one pass over it, and one over its first rows.

    Args:
        frame: columns in wire form; those named by `RAW` are shown instead, where there are any.
        rules: of a contract.
    """
    rules = settled(frame, rules)
    broken = [rule.broken.fill_null(value=False) for rule in rules]
    counts = [each.sum().alias(str(place)) for place, each in enumerate(broken)]
    query = frame.select(pl.len().alias("rows"), *counts)
    rows, *found = query.collect(engine="streaming").row(0)
    return [
        _finding(frame, rule, each, count, rows)
        for rule, each, count in zip(rules, broken, found, strict=True)
        if count
    ]


def settled(frame: pl.LazyFrame, rules: Sequence[Rule]) -> list[Rule]:
    """The rules in the words of polars alone."""
    return [each for rule in rules for each in rule.settled(frame)]


def _finding(frame: pl.LazyFrame, rule: Rule, broken: pl.Expr, count: int, rows: int) -> Finding:
    known = set(frame.collect_schema().names())
    shown = [
        pl.col(RAW + name if RAW + name in known else name).alias(name) for name in rule.columns
    ]
    marked = frame.select(*shown, broken.alias(RAW)).with_row_index(ROW, 1)
    first = marked.filter(RAW).drop(RAW).head(SHOWN).collect(engine="streaming")
    places = tuple(first.drop_in_place(ROW).to_list())
    if len(rule.columns) == 1:
        return Finding(rule, count, rows, places, tuple(first.to_series().to_list()))
    return Finding(rule, count, rows, places, tuple(first.to_dicts()))


def refuse_findings(where: str, findings: Sequence[Finding], place: Callable[[int], str]) -> None:
    """Stop at the findings, if there are any.

    Raises:
        DataError: a line for each.
    """
    if findings:
        raise DataError("\n".join(f"{where}: {said(each, place)}" for each in findings))


def said(finding: Finding, place: Callable[[int], str]) -> str:
    """The finding as a sentence, and what to do."""
    few = len(finding.rule.columns) == 1
    example = finding.examples[0]
    what = "" if example is None else f"{shown(example)} "
    return (
        f"{'column' if few else 'columns'} {finding.columns}: {finding.count} of {finding.rows}"
        f" rows have {finding.rule.what}; the first is {what}in {place(finding.first[0])}."
        f" {finding.rule.remedy}"
    )


def shown(example: Any) -> str:
    """A value, or those of several columns."""
    if isinstance(example, dict):
        return ", ".join(f"{name}: {value!r}" for name, value in example.items())
    return "nothing" if example is None else repr(example)
