"""The difference of two models in slices of a table."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from onward.evaluation.diagnostics import MIN_SLICE_ROWS, group_rows
from onward.evaluation.promotion.pair import Pair
from onward.evaluation.promotion.paired_difference import PairedDifference, holm
from onward.preprocessing.columns import Column
from onward.tasks import Array


@dataclass(frozen=True)
class Slice:
    """Rows with one value, or one range of values, of a column."""

    column: str
    name: str
    difference: PairedDifference
    chance: float
    """One-sided p-value, adjusted for the number of slices by Holm's method."""


def slices(pair: Pair) -> list[Slice]:
    """All slices by the columns of the second model, the worst first.

    Columns of plug-in types that are not imported are left out.
    """
    first, second = pair.losses
    differences = first - second
    differences_by_slice = [
        (field.name, name, of_slice)
        for field in pair.columns
        if field.type in Column.members
        for groups in [group_rows(field, pair.rows[1][field.name], MIN_SLICE_ROWS)]
        for name, of_slice in zip(
            groups.names, differences_by_code(differences, groups.codes), strict=True
        )
    ]
    chances = worse_chances([of_slice for _, _, of_slice in differences_by_slice])
    parts = [
        Slice(*part, float(chance))
        for part, chance in zip(differences_by_slice, chances, strict=True)
    ]
    return sorted(parts, key=lambda part: -part.difference.mean)


def worse_chances(differences: list[PairedDifference]) -> Array:
    """One-sided p-values that the slices are worse, adjusted for their number."""
    return holm(np.array([of_slice.chance() for of_slice in differences]))


def differences_by_code(differences: Array, codes: Array) -> Iterator[PairedDifference]:
    """The difference in each group of rows; rows with code -1 are in no group."""
    inside = codes >= 0
    codes, values = codes[inside], differences[inside]
    rows = np.bincount(codes)
    means = np.bincount(codes, values) / np.maximum(rows, 1)
    squares = np.bincount(codes, (values - means[codes]) ** 2)
    deviations = np.sqrt(squares / np.maximum(rows - 1, 1))
    for part in zip(means.tolist(), deviations.tolist(), rows.tolist(), strict=True):
        yield PairedDifference(*part)
