"""The target column."""

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

SHOWN_CLASSES = 5  # classes to name in a message


class TargetSettings(Settings):
    """The target column and its values.

    ``classes``: in the order of their codes; the second of two is the positive one.
    ``missing``: texts for missing values, in addition to the empty text.
    ``spellings``: other spellings of each class.
    """

    name: str
    kind: Kind
    classes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    spellings: Spellings = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_classes(self) -> Self:
        self.task.check_classes(self.classes)
        strange = sorted(self.spellings.keys() - set(self.classes))
        if strange:
            raise ValueError(f"spellings: {strange[0]!r} is not one of the classes")
        refuse_two_meanings(self.spellings, (*self.classes, *self.missing))
        return self

    @property
    def task(self) -> Task:
        """The usual task for this kind of target."""
        return usual_task(self.target())

    def canonical(self) -> pl.Expr:
        """The column in its canonical form: one text for each class, null for missing."""
        if self.task.is_number:
            return pl.col(self.name)
        meanings = {**dict.fromkeys(self.missing), **meaning_of(self.spellings)}
        return pl.col(self.name).replace(list(meanings), list(meanings.values()))

    def changes(self) -> dict[str, pl.Expr]:
        """Changes by `canonical`: a description, and a mask of the changed values."""
        meanings = {
            "counts as missing": self.missing,
            "another spelling": meaning_of(self.spellings),
        }
        column = pl.col(self.name)
        is_text = not self.task.is_number
        return {w: column.is_in(list(texts)) for w, texts in meanings.items() if texts and is_text}

    def rules(self, *, must_be_there: bool) -> list[Rule]:
        """Rules that the value is one of the classes and, if required, not missing."""
        rules, column = [], pl.col(self.name)
        if must_be_there:
            remedy = "Remove these rows, or set `without_target: drop` in prepare.rows"
            rules.append(Rule((self.name,), column.is_null(), "a missing target", remedy))
        if self.classes:
            names = ", ".join(map(repr, self.classes[:SHOWN_CLASSES]))
            names += ", ..." if len(self.classes) > SHOWN_CLASSES else ""
            remedy = f"Declared classes: {names}. Correct the table, `classes` or `spellings`"
            unknown = ~column.is_in(self.classes)
            rules.append(Rule((self.name,), unknown, "an undeclared class", remedy))
        return rules

    def target(self) -> Target:
        """The target of the schema."""
        return Target(self.name, self.kind, self.classes)


def encode_targets(target: Target, values: pl.Series) -> np.ndarray:
    """Encode targets for training: int64 codes of classes, or float64 numbers.

    Args:
        target: the target column.
        values: String for classes, Float64 for numbers; all rows, which satisfy the rules.

    Raises:
        DataError: if all values are equal, or a class is absent.
    """
    where = f"target {target.name!r}"
    if values.n_unique() < 2:
        raise DataError(
            f"{where}: all {len(values)} rows have the value {values[0]!r}, so there is nothing to"
            " predict. Choose another target, or add the missing rows"
        )
    absent = sorted(set(target.classes).difference(values.unique() if target.classes else ()))
    if absent:
        raise DataError(
            f"{where}: no row has the class {absent[0]!r}. Correct the table, or `classes`"
        )
    return usual_task(target).encode(values)


def refuse_unlearnable(target: Target, training: np.ndarray) -> None:
    """Refuse training rows that cannot be learned from.

    Raises:
        DataError: if a class is absent, or all numbers are equal.
    """
    where = f"target {target.name!r}"
    if usual_task(target).is_number and len(np.unique(training)) < 2:
        raise DataError(
            f"{where}: all {len(training)} training rows have the value {training[0]:g}, so there"
            " is nothing to learn. Change prepare.split"
        )
    absent = [name for code, name in enumerate(target.classes) if code not in training]
    if absent:
        raise DataError(
            f"{where}: none of the {len(training)} training rows has the class {absent[0]!r}."
            " Change prepare.split, or remove the class and its rows"
        )
