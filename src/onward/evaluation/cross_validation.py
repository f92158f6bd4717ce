"""Cross-validation: models trained and tested on different folds of the table."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.special import stdtrit

from onward.evaluation.bootstrap import json_number
from onward.evaluation.retraining import HeldOutPredictions, RetrainedModels
from onward.table.splits import Part
from onward.tasks.metrics import Array, Metric

FOLDS_COVERAGE = 0.95  # of the confidence interval


@dataclass(frozen=True)
class Summary:
    """A metric over the folds; NaN if too few folds define it."""

    mean: float
    deviation: float
    """Standard deviation over the folds."""
    lower: float
    upper: float
    pooled: float
    """The metric over the rows of all folds together."""

    def document(self) -> dict[str, float | None]:
        """The summary as a JSON document."""
        return {name: json_number(value) for name, value in asdict(self).items()}


def folds(count: int) -> dict[str, Part]:
    """The part of the rows for each fold, by name."""
    return {f"fold {fold} of {count}": Part(fold=fold, folds=count) for fold in range(1, count + 1)}


def cross_validation(
    models: RetrainedModels, count: int, metrics: Mapping[str, Metric]
) -> dict[str, Any]:
    """The metrics of each fold, and their summary."""
    outcomes = models.run(folds(count))
    of_folds = [
        {
            name: metric(fold.target, fold.predictions, fold.weights)
            for name, metric in metrics.items()
        }
        for fold in outcomes
    ]
    summaries = {
        name: _summary(metric, np.array([f[name] for f in of_folds]), outcomes).document()
        for name, metric in metrics.items()
    }
    return {
        "folds": [
            {
                "training": o.training,
                "validation": o.validation,
                "test": len(o.target),
                "metrics": {name: json_number(value) for name, value in m.items()},
            }
            for o, m in zip(outcomes, of_folds, strict=True)
        ],
        "metrics": summaries,
    }


def table(document: Mapping[str, Any], main: str) -> pl.DataFrame:
    """The main metric, one row per fold; empty without folds."""
    of_folds = document.get("folds", [])
    columns = {
        "fold": list(range(1, len(of_folds) + 1)),
        **{part: [fold[part] for fold in of_folds] for part in ("training", "validation", "test")},
        "value": [fold["metrics"][main] for fold in of_folds],
    }
    whole = {name: pl.Int64 for name in columns if name != "value"}
    return pl.DataFrame(columns, schema={**whole, "value": pl.Float64})


def _summary(metric: Metric, values: Array, folds: Sequence[HeldOutPredictions]) -> Summary:
    """Summarize one metric over the folds.

    The pooled value mixes predictions of different models. It is the better estimate for F1, the
    mean for AUC: Forman and Scholz 2010, "Apples-to-apples in cross-validation studies".
    """
    names = folds[0].predictions
    weights: list[Any] = [fold.weights for fold in folds]
    pooled = metric(
        np.concatenate([fold.target for fold in folds]),
        {name: np.concatenate([fold.predictions[name] for fold in folds]) for name in names},
        None if weights[0] is None else np.concatenate(weights),
    )
    ratios = [len(fold.target) / (fold.training + fold.validation) for fold in folds]
    defined = values[np.isfinite(values)]
    if len(defined) < 2:
        mean = float(defined[0]) if len(defined) else math.nan
        return Summary(mean, math.nan, math.nan, math.nan, pooled)
    lower, upper = np.clip(interval(defined, float(np.mean(ratios))), metric.least, metric.most)
    deviation = float(defined.std(ddof=1))
    return Summary(float(defined.mean()), deviation, float(lower), float(upper), pooled)


def interval(values: Array, ratio: float) -> Array:
    """The ends of a 95 % interval of the mean, from Student's t with a corrected variance.

    Folds are not independent samples: their training rows overlap. An interval from their standard
    deviation alone is too narrow, and no unbiased correction exists (Bengio and Grandvalet 2004,
    "No Unbiased Estimator of the Variance of K-Fold Cross-Validation").

    Source: Nadeau and Bengio 2003, "Inference for the Generalization Error", equation 9: the
    variance of the mean is (1 / folds + tested / learned) times that of the folds.
    Differs: the equation is for repeated random splits; for folds it is a common approximation.

    Args:
        values: one per fold; at least two.
        ratio: test rows of a fold divided by its training and validation rows.

    Example:
        >>> interval(np.array([0.8, 0.9]), 1.0).round(2)
        array([-0.25,  1.95])
    """
    count = len(values)
    error = values.std(ddof=1) * math.sqrt(1 / count + ratio)
    reach = stdtrit(count - 1, (1 + FOLDS_COVERAGE) / 2) * error
    ends: Array = values.mean() + np.array([-reach, reach])
    return ends
