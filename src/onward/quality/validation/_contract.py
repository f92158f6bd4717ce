"""The contract of a table: the rules of its columns, target and checks for each row."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import polars as pl

from onward.errors import ConfigError
from onward.preprocessing.columns import Column, convert_quantities
from onward.rules import Rule, at
from onward.schema import Field
from onward.serving.column_settings import is_numeric, units_of
from onward.settings.family import Settings
from onward.table.checks import Check
from onward.table.sources import FAULT, UNREAD
from onward.table.target import TargetSettings
from onward.table.vectors import array_type
from onward.wires import SCALARS, wire_of

UNREADABLE = {
    "number": (
        "no valid number (whole numbers from 2^53 on may be identifiers)",
        f"Correct the file, or {UNREAD}",
    ),
    "text": ("a NUL character", "Remove it"),
}
"""What is wrong with values of a wire, and the remedy."""
ODD_NUMBERS = [None, float("nan"), float("inf"), -1.5, 0.0, 1e300]
ODD_TEXTS = [None, "", "abc", "-1", "é(", "1e999"]
Choice = Literal["keep", "refuse", "drop"]


class RowRules(Settings):
    """Handling of problematic rows.

    ``invalid``: rows that break the contract; refuse the table, or set them aside in a file.
    ``without_target``: rows with a missing target.
    ``duplicates``: rows equal to an earlier one, target included; drop removes all but the first.
    ``conflicts``: rows with equal columns and different classes; drop removes all of them.
    """

    invalid: Literal["refuse", "set_aside"] = "refuse"
    without_target: Literal["refuse", "drop"] = "refuse"
    duplicates: Choice = "keep"
    conflicts: Choice = "keep"


class Contract:
    """Rules for a table to train on, or, without a target, to predict."""

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
        """The input columns of the model."""
        return tuple(column.field for column in self.columns)

    def required_fields(self, *, training: bool) -> list[Field]:
        """The columns to read: the inputs, and for training also target, weights and split."""
        fields = list(self.fields)
        if training:
            target = self.target
            fields.append(Field(target.name, "target", target.task.wire, target.missing))
            if self.weights is not None:
                fields.append(Field(self.weights, "weights", "number"))
        names = [name for check in self._checks(training=training) for name in check.columns]
        names_read = {field.name for field in fields}
        if training:
            names += self.others
        other_names = (name for name in dict.fromkeys(names) if name not in names_read)
        return fields + [Field(name, "other", "text") for name in other_names]

    def rules(self, *, training: bool) -> list[Rule]:
        """The rules of the columns, of the checks, and for training of target and weights.

        Raises:
            ConfigError: if a check cannot be computed from these columns.
        """
        column_rules = [rule for column in self.columns for rule in column.rules()]
        if training:
            column_rules += self.target.rules(must_be_there=self.rows.without_target == "refuse")
            column_rules += [] if self.weights is None else _rules_of_weights(self.weights)
        fields = {field.name: field for field in self.required_fields(training=training)}
        check_rules = [check.rule() for check in self._checks(training=training)]
        for rule in check_rules:
            _refuse_no_condition(rule, fields)
        return column_rules + [_on_converted(rule, fields) for rule in check_rules]

    def _checks(self, *, training: bool) -> list[Check]:
        """All checks for training; for prediction those that need neither target nor weights."""
        learned = {self.target.name, self.weights}
        return [check for check in self.checks if training or not learned & {*check.columns}]

    def readable(self, *, training: bool) -> list[Rule]:
        """Rules that each value is readable, by the masks of `Table.scan_with_faults`."""
        return [
            Rule((field.name,), pl.col(FAULT + field.name), *_unreadable(field.wire))
            for field in self.required_fields(training=training)
        ]

    def changes(self, rows: pl.LazyFrame) -> list[dict[str, Any]]:
        """Counts of values that preprocessing and the exported file change, by column."""
        columns: tuple[Column | TargetSettings, ...] = (*self.columns, self.target)
        changes = [
            (column.name, what, expression)
            for column in columns
            for what, expression in column.changes().items()
        ]
        if not changes:
            return []
        sums = [changed.sum().alias(str(index)) for index, (_, _, changed) in enumerate(changes)]
        counts = rows.select(sums).collect(engine="streaming").row(0)
        return [
            {"column": name, "what": what, "count": count}
            for (name, what, _), count in zip(changes, counts, strict=True)
            if count
        ]

    def canonical(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """The same rows, with canonical class names in the target."""
        return frame.with_columns(self.target.canonical())


def _unreadable(wire: str) -> tuple[str, str]:
    """What unreadable values are, and the remedy."""
    several = f"no {wire_of(wire).words}", "Correct the file; a missing row is null"
    return UNREADABLE.get(wire, several)


def _on_converted(rule: Rule, field_by_name: Mapping[str, Field]) -> Rule:
    """The same rule on converted quantities."""
    fields = [field_by_name[name] for name in rule.columns]
    if not any(map(units_of, fields)):
        return rule

    def judged(rows: pl.DataFrame) -> list[Rule]:
        values = convert_quantities(rows, fields)
        if rule.judged is not None:
            return rule.judged(values)
        broken = values.select(rule.broken.fill_null(value=False)).to_series().to_numpy()
        return [replace(rule, broken=at(np.flatnonzero(broken)))]

    return replace(rule, broken=pl.lit(value=True), judged=judged)


def _refuse_no_condition(rule: Rule, field_by_name: Mapping[str, Field]) -> None:
    """Try the rule of a check on odd values, which reveal comparisons of texts with numbers."""
    odd = {name: _odd_values(field_by_name[name]) for name in rule.columns}
    try:
        [dtype] = pl.DataFrame(odd).select(rule.broken.alias("broken")).dtypes
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        problem = str(error).partition("\n")[0]
        raise ConfigError(
            f"checks: the check for {rule.what} cannot be computed: {problem}. Numerical columns"
            " are float64, columns with several values in a row are arrays, all others are text."
            " Correct the check"
        ) from error
    if dtype != pl.Boolean:
        raise ConfigError(
            f"checks: the check for {rule.what} returns {dtype}. Write a condition, which returns"
            " true or false"
        )


def _odd_values(field: Field) -> pl.Series:
    if field.wire not in SCALARS:
        wire = wire_of(field.wire)
        return pl.Series([None] * len(ODD_TEXTS), dtype=array_type(wire))
    return pl.Series(ODD_NUMBERS if is_numeric(field) else ODD_TEXTS)


def _rules_of_weights(name: str) -> list[Rule]:
    remedy = "Each row needs a weight of at least 0 (prepare.weights). Correct the table"
    return [
        Rule((name,), pl.col(name).is_null(), "no weight", remedy),
        Rule((name,), pl.col(name) < 0, "a weight below 0", remedy),
    ]
