"""Intervals around predictions of numbers, from the errors of rows that were not learned from."""

import numpy as np

from onward.tasks.metrics import Array


def radius(errors: Array, coverage: float, weights: Array | None = None) -> float:
    """How far from a prediction the truth of a new row lies, in the given share of rows.

    Source: Lei et al. 2018, "Distribution-Free Predictive Inference for Regression", algorithm 2;
    with weights, Tibshirani et al. 2019, "Conformal Prediction Under Covariate Shift", lemma 1.
    Differs: a new row is taken to have the mean weight; where the rows are too few for the
    coverage, the largest error stands for infinity.

    Args:
        errors: absolute ones, ``(rows,)``.
        coverage: the share.
        weights: of the rows; None where they count alike.

    Example:
        >>> radius(np.arange(1.0, 10.0), 0.9)
        9.0
    """
    order = np.argsort(errors, kind="stable")
    cumulated = np.cumsum(np.ones(len(errors)) if weights is None else weights[order])
    wanted = coverage * (cumulated[-1] + cumulated[-1] / len(errors))
    index = int(np.searchsorted(cumulated, wanted))
    return float(errors[order][min(index, len(errors) - 1)])
