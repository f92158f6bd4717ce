"""The data report: columns, target and weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from onward.preprocessing.columns import Column, meaning, semantic_type
from onward.preprocessing.derivations import Derivation
from onward.quality.splitting import SplitRows
from onward.schema import Target
from onward.serving.column_settings import unit_of
from onward.table.column_profile import profile
from onward.table.splits import SPLITS
from onward.tasks import usual_task
from onward.wires import SCALARS, wire_of


def about_column(column: Column, values: pl.Series) -> dict[str, Any]:
    """Type, unit or shape of a column, and the distribution of its values.

    Args:
        column: of the table, or a derived one.
        values: of the training rows, in wire form.
    """
    about = {"name": column.name, "type": column.config.type}
    if column.wire not in SCALARS:
        about["shape"] = wire_of(column.wire).words
    if unit := unit_of(column.field):
        about["unit"] = unit
    values = meaning(column.field, values)
    if semantic_type(column.field) == "category" and values.dtype == pl.Float64:
        values = values.cast(pl.Int64)  # codes have no range and no outliers
    return about | profile(values)


def about_derived(derivations: Sequence[Derivation], train: pl.LazyFrame) -> list[dict[str, Any]]:
    """Description of each derived column, and the distribution of its values."""
    return [
        {
            "name": derivation.name,
            "type": derivation.config.type,
            "made": derivation.made,
            "reads": list(derivation.reads),
            **profile(train.select(derivation.name).collect().to_series()),
        }
        for derivation in derivations
    ]


def about_target(target: Target, split: SplitRows) -> dict[str, Any]:
    """The distribution of a numerical target in the training rows, or class counts by split."""
    about = {"name": target.name, "kind": target.kind}
    if usual_task(target).is_number:
        return {**about, **profile(pl.Series(split.targets_of("train")))}
    counts = {
        name: np.bincount(split.targets_of(name), minlength=len(target.classes)).tolist()
        for name in SPLITS
    }
    classes = {
        label: {name: counts[name][code] for name in SPLITS}
        for code, label in enumerate(target.classes)
    }
    return {**about, "classes": classes}


def about_weights(name: str, train: np.ndarray) -> dict[str, Any]:
    """The range of the weights, and the effective sample size.

    Source: Kish 1965, "Survey Sampling", section 8.2.

    Args:
        name: of the weight column.
        train: weights of the training rows.
    """
    effective = float(train.sum() ** 2 / (train**2).sum())
    ends = {"min": float(train.min()), "max": float(train.max())}
    return {"name": name, **ends, "equal_rows": effective}
