"""The numbers behind the charts of an evaluation, as small tables."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl

from onward.metrics import BINS, Array, Predictions, bins_of

POINTS = 200  # of a curve; more cannot be told apart on a screen
PAIRS = 5_000  # rows of a table that `dvc plots` counts by itself
DOTS = 500  # of a scatter plot
CLASSES = 25  # of a confusion matrix; the rarest beyond are one
OTHERS = "(other classes)"
BANDS = 10  # of rows ordered by their prediction

Curve = Callable[[Sequence[str], Array, Predictions, np.random.Generator], pl.DataFrame]


def roc(_: Sequence[str], target: Array, predictions: Predictions, __: object) -> pl.DataFrame:
    """False and true positive rate at each threshold."""
    hits, misses = _counts(target, predictions)
    rates = {
        "false_positive_rate": misses / max(misses[-1], 1),
        "true_positive_rate": hits / max(hits[-1], 1),
    }
    return _thinned(pl.DataFrame(rates))


def pr(_: Sequence[str], target: Array, predictions: Predictions, __: object) -> pl.DataFrame:
    """Recall and precision at each threshold; the first point is that of the surest rows."""
    hits, misses = (counts[1:] for counts in _counts(target, predictions))
    return _thinned(
        pl.DataFrame({"recall": hits / max(hits[-1], 1), "precision": hits / (hits + misses)})
    )


def calibration(
    _: Sequence[str], target: Array, predictions: Predictions, __: object
) -> pl.DataFrame:
    """Mean probability and frequency of what happened, in bins of the probability.

    With two classes that of the second; with more that of the class that was predicted.
    """
    probabilities = predictions["probabilities"].astype(np.float64)
    happened, probability = target == 1, probabilities[:, 1]
    if probabilities.shape[1] > 2:
        happened, probability = target == predictions["label"], probabilities.max(1)
    bins = bins_of(probability)
    rows = np.bincount(bins, minlength=BINS)
    filled = rows > 0
    sums = {
        "probability": np.bincount(bins, probability, BINS),
        "frequency": np.bincount(bins, happened, BINS),
    }
    means = {name: (values[filled] / rows[filled]).round(6) for name, values in sums.items()}
    return pl.DataFrame({**means, "rows": rows[filled]})


def confusion(
    classes: Sequence[str], target: Array, predictions: Predictions, _: object
) -> pl.DataFrame:
    """Rows of each pair of true and predicted class, the commonest classes first."""
    label = predictions["label"]
    common = np.argsort(-np.bincount(target, minlength=len(classes)), kind="stable")
    names = dict.fromkeys(range(len(classes)), OTHERS)
    kept = common[: CLASSES if len(classes) > CLASSES else None]
    names |= {int(code): classes[code] for code in kept}
    order = list(dict.fromkeys([*(names[int(code)] for code in kept), *names.values()]))
    place = np.array([order.index(names[code]) for code in range(len(classes))])
    counts = np.zeros((len(order), len(order)), np.int64)
    np.add.at(counts, (place[target], place[label]), 1)
    size = len(order)
    return pl.DataFrame(
        {
            "actual": np.repeat(np.array(order, object), size).tolist(),
            "predicted": order * size,
            "rows": counts.ravel(),
        }
    )


def labels(
    classes: Sequence[str], target: Array, predictions: Predictions, random: np.random.Generator
) -> pl.DataFrame:
    """True and predicted class of some rows, for the confusion matrix of ``dvc plots``."""
    names = np.array(classes, object)
    rows = _some(len(target), PAIRS, random)
    pairs = {"actual": target[rows], "predicted": predictions["label"][rows]}
    return pl.DataFrame({name: names[codes].tolist() for name, codes in pairs.items()})


def by_class(
    classes: Sequence[str], target: Array, predictions: Predictions, _: object
) -> pl.DataFrame:
    """Rows, precision, recall and F1 of each class; null where there is nothing to divide by."""
    label, size = predictions["label"], len(classes)
    true, predicted = np.bincount(target, minlength=size), np.bincount(label, minlength=size)
    right = np.bincount(target[target == label], minlength=size)
    table = pl.DataFrame({"class": list(classes), "rows": true})
    parts = {"precision": (right, predicted), "recall": (right, true)}
    parts["f1"] = (2 * right, true + predicted)
    return table.with_columns(
        pl.Series(name, np.divide(part, whole, out=np.full(size, np.nan), where=whole > 0))
        .round(6)
        .fill_nan(None)
        for name, (part, whole) in parts.items()
    )


def residuals(
    _: Sequence[str], target: Array, predictions: Predictions, random: np.random.Generator
) -> pl.DataFrame:
    """Truth, prediction and their difference, of some rows in the order of the prediction."""
    rows = _some(len(target), DOTS, random)
    table = pl.DataFrame(
        {
            "actual": target[rows],
            "predicted": predictions["value"][rows],
            "residual": (target - predictions["value"])[rows],
        }
    )
    return table.sort("predicted", maintain_order=True)


def bands(_: Sequence[str], target: Array, predictions: Predictions, __: object) -> pl.DataFrame:
    """Means of prediction, truth, error and coverage, of rows from low to high predictions."""
    order = np.argsort(predictions["value"], kind="stable")
    parts = [part for part in np.array_split(order, BANDS) if len(part)]
    inside = (predictions["lower"] <= target) & (target <= predictions["upper"])
    per_row = {
        "predicted": predictions["value"],
        "actual": target,
        "absolute_error": np.abs(target - predictions["value"]),
        "coverage": inside,
    }
    means = {
        name: [float(values[part].mean()) for part in parts] for name, values in per_row.items()
    }
    return pl.DataFrame({**means, "rows": [len(part) for part in parts]})


CURVES: Mapping[str, Mapping[str, Curve]] = {
    "binary": {
        "roc": roc,
        "pr": pr,
        "calibration": calibration,
        "confusion": confusion,
        "labels": labels,
        "classes": by_class,
    },
    "multiclass": {
        "calibration": calibration,
        "confusion": confusion,
        "labels": labels,
        "classes": by_class,
    },
    "regression": {"residuals": residuals, "bands": bands},
}
"""By task; the name is that of the file."""


def _counts(target: Array, predictions: Predictions) -> tuple[Array, Array]:
    """True and false positives, when all rows down to each distinct probability are positive."""
    probability = predictions["probabilities"][:, 1]
    order = np.argsort(-probability, kind="stable")
    ends = np.flatnonzero(np.diff(probability[order], append=-np.inf))
    hits = np.cumsum(target[order] == 1)[ends]
    return np.r_[0, hits], np.r_[0, ends + 1 - hits]


def _thinned(table: pl.DataFrame) -> pl.DataFrame:
    places = np.unique(np.linspace(0, len(table) - 1, POINTS).round().astype(np.int64))
    return table[places].with_columns(pl.all().round(6))


def _some(rows: int, most: int, random: np.random.Generator) -> Array:
    return np.sort(random.permutation(rows)[:most])
