"""The contract of a table: what its columns, its target and the checks ask of each row."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import polars as pl

from onward.errors import ConfigError
from onward.preprocessing.columns import Column, converted
from onward.rules import Rule, at
from onward.schema import Field
from onward.settings.family import Settings
from onward.table.checks import Check
from onward.table.sources import FAULT, UNREAD
from onward.table.target import TargetSettings

NO_NUMBER = "no number, or one too large: whole ones of 2^53 and more may be identifiers"
ODD_NUMBERS = [None, float("nan"), float("inf"), -1.5, 0.0, 1e300]
ODD_TEXTS = [None, "", "abc", "-1", "é(", "1e999"]
Choice = Literal["keep", "refuse", "drop"]


class RowRules(Settings):
    """What becomes of rows.

    ``invalid``: rows that break the contract stop us, or are set aside in a file of their own.
    ``without_target``: rows without a value of the target stop us, or are dropped.
    ``duplicates``: rows that repeat an earlier one, target included.
    ``conflicts``: rows that are equal but for their class. All of them are dropped, if any.
    """

    invalid: Literal["refuse", "set_aside"] = "refuse"
    without_target: Literal["refuse", "drop"] = "refuse"
    duplicates: Choice = "keep"
    conflicts: Choice = "keep"


class Contract:
    """What a table must keep to be learned from, or, if it has no target, to be predicted."""

    def __init__(
        self,
        columns: Sequence[Column],
        target: TargetSettings,
        checks: Sequence[Check],
        rows: RowRules,
        others: Sequence[str],
        weights: str | None,
    ) -> None:
        self.columns, self.target, self.checks = columns, target, checks
        self.rows, self.others, self.weights = rows, others, weights

    @property
    def fields(self) -> tuple[Field, ...]:
        """The columns that are predicted from."""
        return tuple(column.field for column in self.columns)

    def needed(self, *, training: bool) -> list[Field]:
        """All columns that are read: with target, weights and split, or only those to predict."""
        fields = list(self.fields)
        if training:
            target = self.target
            fields.append(Field(target.name, "target", target.task.wire, target.missing))
            if self.weights is not None:
                fields.append(Field(self.weights, "weights", "number"))
        names = [name for check in self._checks(training=training) for name in check.columns]
        known = {field.name for field in fields}
        if training:
            names += self.others
        others = (name for name in dict.fromkeys(names) if name not in known)
        return fields + [Field(name, "other", "text") for name in others]

    def rules(self, *, training: bool) -> list[Rule]:
        """Of each column, of the target if rows are learned from, and of the checks.

        Raises:
            ConfigError: if a check cannot be computed from these columns.
        """
        found = [rule for column in self.columns for rule in column.rules()]
        if training:
            found += self.target.rules(must_be_there=self.rows.without_target == "refuse")
            found += [] if self.weights is None else _rules_of_weights(self.weights)
        known = {field.name: field for field in self.needed(training=training)}
        rules = [check.rule() for check in self._checks(training=training)]
        for rule in rules:
            _refuse_no_condition(rule, known)
        return found + [_of_numbers(rule, known) for rule in rules]

    def _checks(self, *, training: bool) -> list[Check]:
        """Those that look at columns which rows to predict have, too; or all of them."""
        learned = {self.target.name, self.weights}
        return [check for check in self.checks if training or not learned & {*check.columns}]

    def readable(self, *, training: bool) -> list[Rule]:
        """That each value can be read: what `Table.inspected` says of it."""
        return [
            Rule(
                (field.name,),
                pl.col(FAULT + field.name),
                NO_NUMBER if field.wire == "number" else "NUL in their text",
                f"Correct the file, or {UNREAD}" if field.wire == "number" else "Remove it",
            )
            for field in self.needed(training=training)
        ]

    def changes(self, rows: pl.LazyFrame) -> list[dict[str, Any]]:
        """Values that come to mean something else, counted by column; the file does the same."""
        changing: tuple[Column | TargetSettings, ...] = (*self.columns, self.target)
        made = [(each.name, what, e) for each in changing for what, e in each.changes().items()]
        if not made:
            return []
        sums = [found.sum().alias(str(place)) for place, (_, _, found) in enumerate(made)]
        counts = rows.select(sums).collect(engine="streaming").row(0)
        return [
            {"column": name, "what": what, "count": count}
            for (name, what, _), count in zip(made, counts, strict=True)
            if count
        ]

    def cleaned(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """The same rows, the target under its canonical names."""
        return frame.with_columns(self.target.cleaned())


def _of_numbers(rule: Rule, known: Mapping[str, Field]) -> Rule:
    """The same rule, of the numbers that quantities mean."""
    fields = [known[name] for name in rule.columns]
    if not any(field.units for field in fields):
        return rule

    def judged(rows: pl.DataFrame) -> list[Rule]:
        meant = converted(rows, fields)
        if rule.judged is not None:
            return rule.judged(meant)
        broken = meant.select(rule.broken.fill_null(value=False)).to_series().to_numpy()
        return [replace(rule, broken=at(np.flatnonzero(broken)))]

    return replace(rule, broken=pl.lit(value=True), judged=judged)


def _refuse_no_condition(rule: Rule, known: Mapping[str, Field]) -> None:
    """Try a rule of a check on odd values: what compares a text with a number fails only then."""
    odd = {name: ODD_NUMBERS if known[name].is_numeric else ODD_TEXTS for name in rule.columns}
    try:
        [dtype] = pl.DataFrame(odd).select(rule.broken.alias("broken")).dtypes
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        problem = str(error).partition("\n")[0]
        raise ConfigError(
            f"the check for {rule.what} cannot be computed: {problem}. Columns of numbers are"
            " float64 here, all else is text"
        ) from error
    if dtype != pl.Boolean:
        raise ConfigError(f"the check for {rule.what} is no condition: it gives {dtype}")


def _rules_of_weights(name: str) -> list[Rule]:
    remedy = "Each row needs a weight of 0 or more, as prepare.weights says: correct the table"
    return [
        Rule((name,), pl.col(name).is_null(), "no weight", remedy),
        Rule((name,), pl.col(name) < 0, "a weight below 0", remedy),
    ]
