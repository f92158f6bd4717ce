"""What the values of a column look like, in a few numbers: for people, and to notice drift."""

from typing import Any

import numpy as np
import polars as pl

BINS = 20
OUTER = (0.005, 0.995)  # quantiles where the outer bins end inside; they take all beyond
MOST = 20  # values listed of a column of text


def profile(values: pl.Series) -> dict[str, Any]:
    """Missing share, distinct values, and how they are spread.

    Args:
        values: Float64 or String; null is missing.

    Returns:
        ``missing`` and ``distinct``; of numbers ``min``, ``max``, ``mean`` and a ``histogram``
        whose outer bins also count all values beyond them; of text the ``top`` values with
        their counts.
    """
    if values.dtype == pl.Float64:
        values = values.fill_nan(None)
    present = values.drop_nulls()
    found: dict[str, Any] = {
        "missing": values.null_count() / len(values) if len(values) else 0.0,
        "distinct": present.n_unique(),
    }
    if values.dtype != pl.Float64:
        counts = present.alias("value").value_counts(name="rows")
        top = counts.sort("rows", "value", descending=[True, False]).head(MOST)
        return {**found, "top": [list(row) for row in top.iter_rows()]}
    finite = present.filter(present.is_finite()).to_numpy()
    return {**found, **(_spread(finite) if len(finite) else {})}


def reference(found: dict[str, Any], rows: int) -> dict[str, Any]:
    """The same as shares, for the metadata of a model."""
    if "top" in found:
        shares = [count / rows for _, count in found["top"]]
        other = max(0.0, 1 - found["missing"] - sum(shares))
        values = [value for value, _ in found["top"]]
        return {"missing": found["missing"], "values": values, "shares": shares, "other": other}
    histogram = found.get("histogram", {"edges": [], "counts": []})
    shares = [count / rows for count in histogram["counts"]]
    return {"missing": found["missing"], "edges": histogram["edges"], "shares": shares}


def _spread(finite: np.ndarray) -> dict[str, Any]:
    low, high = np.quantile(finite, OUTER)
    if low == high:
        low, high = float(finite.min()), float(finite.max())
    counts, edges = np.histogram(finite.clip(low, high), BINS, (low, high))
    with np.errstate(over="ignore"):  # the mean of values near the largest float64
        mean = float(finite.mean())
    return {
        "min": float(finite.min()),
        "max": float(finite.max()),
        "mean": mean if np.isfinite(mean) else None,
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }
