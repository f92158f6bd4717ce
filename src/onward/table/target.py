"""The column that is predicted."""

from typing import Self

import numpy as np
import polars as pl
from pydantic import Field, model_validator

from onward.errors import DataError
from onward.rules import Rule
from onward.schema import Kind, Target
from onward.settings.family import Settings
from onward.table.spellings import Spellings, meaning_of, refuse_two_meanings
from onward.tasks import Task, usual_task

SHOWN = 5  # classes in a message


class TargetSettings(Settings):
    """Which column, and how it is written.

    ``classes``: by their codes; the second of two is the positive one.
    ``missing``: texts that mean there is no value, beside the empty one.
    ``spellings``: for a class the other texts that mean it.
    """

    name: str
    kind: Kind
    classes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    spellings: Spellings = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_the_classes_of_its_kind(self) -> Self:
        self.task.check_classes(self.classes)
        strange = sorted(self.spellings.keys() - set(self.classes))
        if strange:
            raise ValueError(f"spellings: {strange[0]!r} is not among the classes")
        refuse_two_meanings(self.spellings, (*self.classes, *self.missing))
        return self

    @property
    def task(self) -> Task:
        """The usual one."""
        return usual_task(self.target())

    def cleaned(self) -> pl.Expr:
        """The column in its canonical form: one text for each class, null for missing."""
        if self.task.is_number:
            return pl.col(self.name)
        meanings = {**dict.fromkeys(self.missing), **meaning_of(self.spellings)}
        return pl.col(self.name).replace(list(meanings), list(meanings.values()))

    def changes(self) -> dict[str, pl.Expr]:
        """What `cleaned` makes of values, and which values."""
        meanings = {
            "counts as missing": self.missing,
            "another spelling": meaning_of(self.spellings),
        }
        column = pl.col(self.name)
        is_text = not self.task.is_number
        return {w: column.is_in(list(texts)) for w, texts in meanings.items() if texts and is_text}

    def rules(self, *, must_be_there: bool) -> list[Rule]:
        """That there is a value, if it must be, and that it is one of the classes."""
        rules, column = [], pl.col(self.name)
        if must_be_there:
            remedy = "Nothing can be learned from them: remove them, or set `without_target: drop`"
            remedy += " in prepare.rows"
            rules.append(
                Rule((self.name,), column.is_null(), "no value, and it is the target", remedy)
            )
        if self.classes:
            shown = ", ".join(map(repr, self.classes[:SHOWN]))
            shown += ", ..." if len(self.classes) > SHOWN else ""
            remedy = f"Declared are {shown}. Correct the table, `classes` or `spellings`"
            unknown = ~column.is_in(self.classes)
            rules.append(Rule((self.name,), unknown, "a class that is not declared", remedy))
        return rules

    def target(self) -> Target:
        """What the schema says of it."""
        return Target(self.name, self.kind, self.classes)


def encoded(target: Target, values: pl.Series) -> np.ndarray:
    """The targets as the network learns them: int64 codes of classes, or float64 numbers.

    Args:
        target: which column.
        values: String for classes, Float64 for a number; all rows, which keep the rules.

    Raises:
        DataError: if there is nothing to tell apart.
    """
    where = f"target {target.name!r}"
    if values.n_unique() < 2:
        raise DataError(
            f"{where}: all {len(values)} rows have the value {values[0]!r}; there is nothing to"
            " predict. Choose another target, or look for the rows that are missing"
        )
    absent = sorted(set(target.classes).difference(values.unique() if target.classes else ()))
    if absent:
        raise DataError(
            f"{where}: no row has the class {absent[0]!r}. Correct the table, or `classes`"
        )
    return usual_task(target).encode(values)


def refuse_unlearnable(target: Target, training: np.ndarray) -> None:
    """Look at the targets of the training rows alone.

    Raises:
        DataError: if they lack a class, or are all the same number.
    """
    where = f"target {target.name!r}"
    if usual_task(target).is_number and len(np.unique(training)) < 2:
        raise DataError(
            f"{where}: all {len(training)} training rows have the value {training[0]:g}; there is"
            " nothing to learn. Change prepare.split"
        )
    absent = [name for code, name in enumerate(target.classes) if code not in training]
    if absent:
        raise DataError(
            f"{where}: none of the {len(training)} training rows has the class {absent[0]!r}."
            " Change prepare.split, or remove the class and its rows"
        )
