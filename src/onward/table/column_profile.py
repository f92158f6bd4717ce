"""Statistics of the values of a column, for the data report and for drift detection."""

from typing import Any, Literal

import numpy as np
import polars as pl

PROFILE_BINS = 20
OUTER_QUANTILES = (0.005, 0.995)  # the inner edges of the outer bins, which are open
NARROWEST_RANGE = 1e-9  # relative range of the values; a smaller one gets a single bin
LARGEST_NUMBER = 1e150  # its square is a finite float64
OUTLIER_REACH = 3.0  # interquartile ranges beyond the quartiles; "far out" in Tukey 1977
SECONDS_PER_DAY = 86_400  # seconds per day
MAX_TOP_VALUES = 20  # most frequent texts to list


def profile(values: pl.Series) -> dict[str, Any]:
    """Missing share, number of distinct values, and their distribution.

    Args:
        values: numbers as Float64, categories as String or Int64, Datetime or Array; null is
            missing.

    Returns:
        ``missing`` and ``distinct``; for numbers ``min``, ``max``, ``mean``, the number of
        ``outliers``, and a ``histogram`` whose outer bins also count all values beyond them; for
        dates ``min``, ``max`` and ``histogram`` in ISO-8601, with edges on whole days if all dates
        are, else on seconds; for categories the ``top`` values with their counts; nothing more for
        rows of several values.
    """
    if values.dtype == pl.Float64:
        values = values.fill_nan(None)
    present = values.drop_nulls()
    missing = values.null_count() / len(values) if len(values) else 0.0
    if isinstance(values.dtype, pl.Datetime):
        return {"missing": missing, "distinct": present.n_unique(), **_date_histogram(present)}
    if values.dtype.is_nested():
        return {"missing": missing, "distinct": present.n_unique()}
    if values.dtype != pl.Float64:
        counts = present.alias("value").value_counts(name="rows")
        return {"missing": missing, "distinct": len(counts), "top": _top(counts)}
    finite = present.filter(present.is_finite()).to_numpy()
    spread = _number_histogram(finite) if len(finite) else {}
    return {"missing": missing, "distinct": present.n_unique(), **spread}


def reference(statistics: dict[str, Any], rows: int) -> dict[str, Any]:
    """The profile as shares, for the metadata of a model."""
    if "top" in statistics:
        shares = [count / rows for _, count in statistics["top"]]
        other = max(0.0, 1 - statistics["missing"] - sum(shares))
        values = [value for value, _ in statistics["top"]]
        return {
            "missing": statistics["missing"],
            "values": values,
            "shares": shares,
            "other": other,
        }
    histogram = statistics.get("histogram", {"edges": [], "counts": []})
    shares = [count / rows for count in histogram["counts"]]
    ends: dict[str, Any] = {name: statistics[name] for name in ("min", "max") if name in statistics}
    return {"missing": statistics["missing"], "edges": histogram["edges"], "shares": shares, **ends}


def _top(counts: pl.DataFrame) -> list[list[Any]]:
    """The most frequent values; ties are sorted, so that the result is deterministic."""
    if not len(counts):
        return []
    least = counts["rows"].top_k(MAX_TOP_VALUES).min()
    frequent = counts.filter(pl.col("rows") > least)
    last = counts.filter(pl.col("rows") == least).bottom_k(
        MAX_TOP_VALUES - len(frequent), by="value"
    )
    top = pl.concat([frequent, last]).sort("rows", "value", descending=[True, False])
    return [list(row) for row in top.iter_rows()]


def _number_histogram(finite: np.ndarray) -> dict[str, Any]:
    low, high = float(finite.min()), float(finite.max())
    size = max(abs(low), abs(high), LARGEST_NUMBER) / LARGEST_NUMBER
    small = finite / size  # without scaling, sums of the largest numbers would overflow
    quantiles = np.quantile(small, [*OUTER_QUANTILES, 0.25, 0.75])
    inner, (first, third) = quantiles[:2], quantiles[2:]
    reach = OUTLIER_REACH * (third - first)
    outliers = int(((small < first - reach) | (small > third + reach)).sum()) if reach else 0
    if _is_narrow(inner):
        inner = np.array([low / size, high / size])
    if _is_narrow(inner):
        counts, edges = np.array([len(small)]), inner
    else:
        counts, edges = np.histogram(small.clip(*inner), PROFILE_BINS, tuple(inner))
    histogram = {"edges": (edges * size).tolist(), "counts": counts.tolist()}
    mean = float(small.mean()) * size
    return {"min": low, "max": high, "mean": mean, "outliers": outliers, "histogram": histogram}


def _date_histogram(present: pl.Series) -> dict[str, Any]:
    if not len(present):
        return {}
    seconds = present.dt.epoch("s").to_numpy()
    unit: Literal["s", "D"] = "s" if (seconds % SECONDS_PER_DAY).any() else "D"
    ticks = seconds if unit == "s" else seconds // SECONDS_PER_DAY
    low, high = (int(end) for end in np.quantile(ticks, OUTER_QUANTILES).round())
    if low == high:
        low, high = int(ticks.min()), int(ticks.max())
    edges = _integer_edges(low, high)
    counts, _ = np.histogram(ticks.clip(low, high), edges)
    histogram = {"edges": [_iso(edge, unit) for edge in edges], "counts": counts.tolist()}
    ends = (_iso(end, unit) for end in (ticks.min(), ticks.max()))
    return {**dict(zip(("min", "max"), ends, strict=True)), "histogram": histogram}


def _integer_edges(low: int, high: int) -> np.ndarray:
    """Edges of bins of equal numbers of days or seconds; the last edge is exclusive."""
    span = high + 1 - low
    least = -(-span // PROFILE_BINS)
    widths = np.arange(least, min(2 * least, least + PROFILE_BINS) + 1)
    width = widths[(-span % widths).argmin()]  # the width that fills the last bin best
    return np.append(np.arange(low, high + 1, width), high + 1)


def _iso(tick: int, unit: Literal["s", "D"]) -> str:
    return str(np.datetime64(int(tick), unit))


def _is_narrow(ends: np.ndarray) -> bool:
    return bool(np.ptp(ends) <= NARROWEST_RANGE * np.abs(ends).max())
