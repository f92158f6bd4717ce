"""Parts of a table in which two models differ."""

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
    """Of a mean as high in some slice, if there were no difference: p-value by Holm."""


def slices(pair: Pair) -> list[Slice]:
    """Each slice, by the columns of the second model, those with the highest difference first.

    Plug-in types that are not imported have none.
    """
    first, second = pair.losses
    differences = first - second
    found = [
        (field.name, name, of_slice)
        for field in pair.columns
        if field.type in Column.members
        for groups in [group_rows(field, pair.rows[1][field.name], MIN_SLICE_ROWS)]
        for name, of_slice in zip(
            groups.names, differences_by_code(differences, groups.codes), strict=True
        )
    ]
    chances = worse_chances([of_slice for _, _, of_slice in found])
    parts = [Slice(*part, float(chance)) for part, chance in zip(found, chances, strict=True)]
    return sorted(parts, key=lambda part: -part.difference.mean)


def worse_chances(differences: list[PairedDifference]) -> Array:
    """For each slice the p-value that it is worse, corrected for their number."""
    return holm(np.array([of_slice.chance() for of_slice in differences]))


def differences_by_code(differences: Array, codes: Array) -> Iterator[PairedDifference]:
    """Of each group of rows; code -1 is of none."""
    inside = codes >= 0
    kept, values = codes[inside], differences[inside]
    rows = np.bincount(kept)
    means = np.bincount(kept, values) / np.maximum(rows, 1)
    squares = np.bincount(kept, (values - means[kept]) ** 2)
    deviations = np.sqrt(squares / np.maximum(rows - 1, 1))
    for part in zip(means.tolist(), deviations.tolist(), rows.tolist(), strict=True):
        yield PairedDifference(*part)
