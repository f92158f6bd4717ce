"""The column that is predicted."""

from typing import Self

import numpy as np
import polars as pl
from pydantic import model_validator

from onward.errors import DataError
from onward.family import Settings
from onward.schema import Kind, Target

SHOWN = 5  # classes in a message


class TargetSettings(Settings):
    """``classes`` by their codes; the second of two is the positive one."""

    name: str
    kind: Kind
    classes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _has_the_classes_of_its_kind(self) -> Self:
        if self.kind == "number" and self.classes:
            raise ValueError("classes are for `kind: classes`; remove them")
        if self.kind == "classes" and len(set(self.classes)) < 2:
            raise ValueError("kind: classes needs `classes: [...]` with two or more values")
        if len(set(self.classes)) < len(self.classes):
            raise ValueError("classes has a value twice")
        return self

    def target(self) -> Target:
        """What the schema says of it."""
        return Target(self.name, self.kind, self.classes)


def encoded(target: Target, values: pl.Series) -> np.ndarray:
    """The targets as the network learns them: int64 codes of classes, or float64 numbers.

    Args:
        target: which column.
        values: String for classes, Float64 for a number; all rows of the table.

    Raises:
        DataError: if values are missing or unknown, or there is nothing to tell apart.
    """
    where = f"target {target.name!r}"
    if missing := values.null_count():
        row = int(values.is_null().arg_max() or 0) + 1
        raise DataError(
            f"{where}: {missing} of {len(values)} rows have no value, the first is row {row}."
            " Remove these rows: nothing can be learned from them"
        )
    if values.n_unique() < 2:
        raise DataError(
            f"{where}: all {len(values)} rows have the value {values[0]!r}; there is nothing to"
            " predict. Choose another target, or look for the rows that are missing"
        )
    return _numbers(where, values) if target.kind == "number" else _codes(where, target, values)


def refuse_unlearnable(target: Target, training: np.ndarray) -> None:
    """Look at the targets of the training rows alone.

    Raises:
        DataError: if they lack a class, or are all the same number.
    """
    where = f"target {target.name!r}"
    if target.kind == "number" and len(np.unique(training)) < 2:
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


def _numbers(where: str, values: pl.Series) -> np.ndarray:
    numbers = values.to_numpy()
    if not np.isfinite(numbers).all():
        row = int((~np.isfinite(numbers)).argmax())
        raise DataError(f"{where}: row {row + 1} has {numbers[row]}. Correct it, or remove the row")
    return numbers.astype(np.float64)


def _codes(where: str, target: Target, values: pl.Series) -> np.ndarray:
    codes = values.replace_strict(
        list(target.classes), list(range(len(target.classes))), default=None, return_dtype=pl.Int64
    )
    unknown = values.filter(codes.is_null())
    if len(unknown):
        row = int(codes.is_null().arg_max() or 0) + 1
        shown = ", ".join(map(repr, target.classes[:SHOWN]))
        raise DataError(
            f"{where}: {len(unknown)} of {len(values)} rows have a class that is not declared; the"
            f" first is {unknown[0]!r} in row {row}. Declared are {shown}"
            f"{', ...' if len(target.classes) > SHOWN else ''}. Correct the table, or `classes`"
        )
    absent = sorted(set(target.classes) - set(values.unique()))
    if absent:
        raise DataError(
            f"{where}: no row has the class {absent[0]!r}. Correct the table, or `classes`"
        )
    return codes.to_numpy()
