"""Diagnostics on the test set: slices, residual patterns, worst errors, dependence, fairness.

All of them need only predictions of the exported file. Their cost is bounded in rows times columns.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from onward.evaluation.diagnostics._dependence import dependence
from onward.evaluation.diagnostics._fairness import fairness
from onward.evaluation.diagnostics._fairness import refuse_unread as refuse_unread
from onward.evaluation.diagnostics._groups import group_rows as group_rows
from onward.evaluation.diagnostics._held_out import HeldOut as HeldOut
from onward.evaluation.diagnostics._residual_patterns import patterns
from onward.evaluation.diagnostics._slices import MIN_SLICE_ROWS as MIN_SLICE_ROWS
from onward.evaluation.diagnostics._slices import slices
from onward.evaluation.diagnostics._worst_errors import worst
from onward.tasks import Predict

MAX_GROUPED_CELLS = 40_000_000  # grouped values, some 10 s; wide tables get fewer rows


def diagnose(
    held_out: HeldOut,
    predict: Predict,
    ordered: Sequence[str],
    sensitive: Sequence[str],
    seed: int,
) -> Mapping[str, pl.DataFrame]:
    """All tables, by name.

    Args:
        held_out: the test set with its predictions.
        predict: predicts with the file.
        ordered: the columns, the most important first.
        sensitive: columns whose groups are compared.
        seed: of all random draws.
    """
    part = held_out.subset(MAX_GROUPED_CELLS // max(len(ordered), 1), np.random.default_rng(seed))
    tables = {
        "slices": slices(part, seed),
        **patterns(part),
        **worst(held_out, ordered),
        **dependence(held_out, predict, ordered, np.random.default_rng(seed)),
    }
    if sensitive:
        tables["fairness"] = fairness(held_out, sensitive, seed)
    return tables
