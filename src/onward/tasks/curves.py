"""Data of the evaluation charts, as small tables."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from onward.tasks.metrics import BINS, Array, Predictions, bins_of

POINTS = 200  # of a curve; more cannot be told apart on a screen
PAIRS = 5_000  # rows of a table that `dvc plots` counts by itself
DOTS = 500  # of a scatter plot
CLASSES = 25  # of a confusion matrix; the rarest beyond are one
OTHERS = "(other classes)"
NORMAL = 1.959964  # standard deviations to each side of the mean hold 95 %
STEPS = 101  # of thresholds from 0 to 1; as many again lie where the rows are
BANDS = 10  # of rows ordered by their prediction


def roc(_: Sequence[str], target: Array, predictions: Predictions, __: object) -> pl.DataFrame:
    """False and true positive rate at each threshold."""
    hits, misses = _counts(target, predictions)
    rates = {
        "false_positive_rate": misses / max(misses[-1], 1),
        "true_positive_rate": hits / max(hits[-1], 1),
    }
    return _thin(pl.DataFrame(rates))


def pr(_: Sequence[str], target: Array, predictions: Predictions, __: object) -> pl.DataFrame:
    """Recall and precision at each threshold, from the highest threshold down."""
    hits, misses = (counts[1:] for counts in _counts(target, predictions))
    return _thin(
        pl.DataFrame({"recall": hits / max(hits[-1], 1), "precision": hits / (hits + misses)})
    )


def threshold(
    _: Sequence[str], target: Array, predictions: Predictions, __: object
) -> pl.DataFrame:
    """Metrics by the threshold on the probability of the second class.

    Null if undefined, such as the precision when no row is selected.
    """
    probability = np.sort(predictions["probabilities"][:, 1].astype(np.float64))
    hit = np.sort(predictions["probabilities"][target == 1, 1].astype(np.float64))
    indices = np.linspace(0, len(probability) - 1, STEPS).round().astype(np.int64)
    thresholds = np.unique(np.r_[np.linspace(0, 1, STEPS), probability[indices]].round(6))
    rows, positives = len(probability), len(hit)
    selected = rows - np.searchsorted(probability.round(6), thresholds)
    hits = positives - np.searchsorted(hit.round(6), thresholds)
    misses = selected - hits
    recall, fall_out = _shares(hits, positives), _shares(misses, rows - positives)
    rates = {
        "precision": _shares(hits, selected),
        "recall": recall,
        "f1": _shares(2 * hits, selected + positives),
        "balanced_accuracy": (recall + 1 - fall_out) / 2,
        "selected": selected / rows,
    }
    return pl.DataFrame({"threshold": thresholds, **rates}).with_columns(
        pl.exclude("threshold").round(6).fill_nan(None)
    )


def gain(_: Sequence[str], target: Array, predictions: Predictions, __: object) -> pl.DataFrame:
    """Recall of the second class among the highest-ranked rows."""
    share, recall = _surest(target, predictions)
    table = pl.DataFrame({"share": np.r_[0, share], "gain": np.r_[0, recall]})
    return _thin(table.with_columns(pl.all().fill_nan(None)))


def lift(_: Sequence[str], target: Array, predictions: Predictions, __: object) -> pl.DataFrame:
    """The frequency of the second class among the highest-ranked rows, relative to all rows.

    Starts at the first row, as lift is undefined for no rows, and `dvc plots` draws null as 0.
    """
    share, recall = _surest(target, predictions)
    table = pl.DataFrame({"share": share, "lift": recall / share})
    return _thin(table.with_columns(pl.all().fill_nan(None)))


def _surest(target: Array, predictions: Predictions) -> tuple[Array, Array]:
    """Share of the rows, by descending probability, and recall of the second class in them."""
    hits, misses = (counts[1:] for counts in _counts(target, predictions))
    return (hits + misses) / len(target), _shares(hits, hits[-1])


def calibration(
    _: Sequence[str], target: Array, predictions: Predictions, __: object
) -> pl.DataFrame:
    """Mean probability, and observed frequency with its interval, in bins of the probability.

    The probability is that of the second of two classes, or of the predicted class.
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
    lower, upper = interval_of_share(means["frequency"], rows[filled])
    return pl.DataFrame({**means, "lower": lower, "upper": upper, "rows": rows[filled]})


def interval_of_share(share: Array, rows: Array) -> tuple[Array, Array]:
    """The ends of the 95 % Wilson interval of a share, also valid near 0 and 1.

    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".
    """
    odds = NORMAL**2 / rows
    middle = (share + odds / 2) / (1 + odds)
    half = NORMAL * np.sqrt(share * (1 - share) / rows + odds / (4 * rows)) / (1 + odds)
    return (middle - half).clip(0, share).round(6), (middle + half).clip(share, 1).round(6)


def confusion(
    classes: Sequence[str], target: Array, predictions: Predictions, _: object
) -> pl.DataFrame:
    """Number of rows by true and predicted class, the most frequent classes first."""
    label = predictions["label"]
    common = np.argsort(-np.bincount(target, minlength=len(classes)), kind="stable")
    names = dict.fromkeys(range(len(classes)), OTHERS)
    codes = common[: CLASSES if len(classes) > CLASSES else None]
    names |= {int(code): classes[code] for code in codes}
    order = list(dict.fromkeys([*(names[int(code)] for code in codes), *names.values()]))
    positions = np.array([order.index(names[code]) for code in range(len(classes))])
    counts = np.zeros((len(order), len(order)), np.int64)
    np.add.at(counts, (positions[target], positions[label]), 1)
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
    """True and predicted class of a sample, for the confusion matrix of ``dvc plots``."""
    names = np.array(classes, object)
    rows = _some(len(target), PAIRS, random)
    pairs = {"actual": target[rows], "predicted": predictions["label"][rows]}
    return pl.DataFrame({name: names[codes].tolist() for name, codes in pairs.items()})


def by_class(
    classes: Sequence[str], target: Array, predictions: Predictions, _: object
) -> pl.DataFrame:
    """Rows, precision, recall and F1 of each class; null if undefined."""
    label, size = predictions["label"], len(classes)
    true, predicted = np.bincount(target, minlength=size), np.bincount(label, minlength=size)
    right = np.bincount(target[target == label], minlength=size)
    table = pl.DataFrame({"class": list(classes), "rows": true})
    parts = {"precision": (right, predicted), "recall": (right, true)}
    parts["f1"] = (2 * right, true + predicted)
    return table.with_columns(
        pl.Series(name, _shares(part, whole)).round(6).fill_nan(None)
        for name, (part, whole) in parts.items()
    )


def residuals(
    _: Sequence[str], target: Array, predictions: Predictions, random: np.random.Generator
) -> pl.DataFrame:
    """Target, prediction and residual of a sample, sorted by prediction."""
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
    """Mean prediction, target, error and coverage in bands of the prediction."""
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


def _shares(part: Array, whole: Array | int) -> Array:
    whole = np.broadcast_to(whole, part.shape)
    return np.asarray(np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0))


def _counts(target: Array, predictions: Predictions) -> tuple[Array, Array]:
    """True and false positives at each distinct probability as the threshold."""
    probability = predictions["probabilities"][:, 1]
    order = np.argsort(-probability, kind="stable")
    ends = np.flatnonzero(np.diff(probability[order], append=-np.inf))
    hits = np.cumsum(target[order] == 1)[ends]
    return np.r_[0, hits], np.r_[0, ends + 1 - hits]


def _thin(table: pl.DataFrame) -> pl.DataFrame:
    indices = np.unique(np.linspace(0, len(table) - 1, POINTS).round().astype(np.int64))
    return table[indices].with_columns(pl.all().round(6))


def _some(rows: int, most: int, random: np.random.Generator) -> Array:
    return np.sort(random.permutation(rows)[:most])
