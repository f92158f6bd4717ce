"""What the values of a column look like, in a few numbers: for people, and to notice drift."""

from typing import Any, Literal

import numpy as np
import polars as pl

BINS = 20
OUTER = (0.005, 0.995)  # quantiles where the outer bins end inside; they take all beyond
NARROWEST = 1e-9  # of the size of the values; what is closer has no bins between
LARGEST = 1e150  # whose square is still a float64
FAR = 3.0  # times the distance of the quartiles beyond them; Tukey 1977 calls these far out
DAY = 86_400  # seconds
MOST = 20  # values listed of a column of text


def profile(values: pl.Series) -> dict[str, Any]:
    """Missing share, distinct values, and how they are spread.

    Args:
        values: Float64, String or Datetime; null is missing.

    Returns:
        ``missing`` and ``distinct``; of numbers ``min``, ``max``, ``mean``, how many are
        ``outliers``, and a ``histogram`` whose outer bins also count all values beyond them; of
        dates ``min``, ``max`` and ``histogram`` in ISO-8601, where a bin ends before the next
        begins, on a whole day if all do, else on a second; of text the ``top`` values with their
        counts.
    """
    if values.dtype == pl.Float64:
        values = values.fill_nan(None)
    present = values.drop_nulls()
    missing = values.null_count() / len(values) if len(values) else 0.0
    if isinstance(values.dtype, pl.Datetime):
        return {"missing": missing, "distinct": present.n_unique(), **_of_dates(present)}
    if values.dtype != pl.Float64:
        counts = present.alias("value").value_counts(name="rows")
        return {"missing": missing, "distinct": len(counts), "top": _top(counts)}
    finite = present.filter(present.is_finite()).to_numpy()
    spread = _spread(finite) if len(finite) else {}
    return {"missing": missing, "distinct": present.n_unique(), **spread}


def reference(found: dict[str, Any], rows: int) -> dict[str, Any]:
    """The same as shares, for the metadata of a model."""
    if "top" in found:
        shares = [count / rows for _, count in found["top"]]
        other = max(0.0, 1 - found["missing"] - sum(shares))
        values = [value for value, _ in found["top"]]
        return {"missing": found["missing"], "values": values, "shares": shares, "other": other}
    histogram = found.get("histogram", {"edges": [], "counts": []})
    shares = [count / rows for count in histogram["counts"]]
    ends: dict[str, Any] = {name: found[name] for name in ("min", "max") if name in found}
    return {"missing": found["missing"], "edges": histogram["edges"], "shares": shares, **ends}


def _top(counts: pl.DataFrame) -> list[list[Any]]:
    """The most frequent values; those equally frequent by their order, so that two runs agree."""
    if not len(counts):
        return []
    least = counts["rows"].top_k(MOST).min()
    frequent = counts.filter(pl.col("rows") > least)
    last = counts.filter(pl.col("rows") == least).bottom_k(MOST - len(frequent), by="value")
    top = pl.concat([frequent, last]).sort("rows", "value", descending=[True, False])
    return [list(row) for row in top.iter_rows()]


def _spread(finite: np.ndarray) -> dict[str, Any]:
    low, high = float(finite.min()), float(finite.max())
    size = max(abs(low), abs(high), LARGEST) / LARGEST
    small = finite / size  # sums and differences of the largest numbers would overflow
    quantiles = np.quantile(small, [*OUTER, 0.25, 0.75])
    inner, (first, third) = quantiles[:2], quantiles[2:]
    reach = FAR * (third - first)
    outliers = int(((small < first - reach) | (small > third + reach)).sum()) if reach else 0
    if _is_narrow(inner):
        inner = np.array([low / size, high / size])
    if _is_narrow(inner):
        counts, edges = np.array([len(small)]), inner
    else:
        counts, edges = np.histogram(small.clip(*inner), BINS, tuple(inner))
    histogram = {"edges": (edges * size).tolist(), "counts": counts.tolist()}
    mean = float(small.mean()) * size
    return {"min": low, "max": high, "mean": mean, "outliers": outliers, "histogram": histogram}


def _of_dates(present: pl.Series) -> dict[str, Any]:
    if not len(present):
        return {}
    seconds = present.dt.epoch("s").to_numpy()
    unit: Literal["s", "D"] = "s" if (seconds % DAY).any() else "D"
    ticks = seconds if unit == "s" else seconds // DAY
    low, high = (int(end) for end in np.quantile(ticks, OUTER).round())
    if low == high:
        low, high = int(ticks.min()), int(ticks.max())
    edges = _whole(low, high)
    counts, _ = np.histogram(ticks.clip(low, high), edges)
    histogram = {"edges": [_written(edge, unit) for edge in edges], "counts": counts.tolist()}
    ends = (_written(end, unit) for end in (ticks.min(), ticks.max()))
    return {**dict(zip(("min", "max"), ends, strict=True)), "histogram": histogram}


def _whole(low: int, high: int) -> np.ndarray:
    """Edges of bins that all have as many days or seconds; the last one is beyond the end."""
    span = high + 1 - low
    least = -(-span // BINS)
    widths = np.arange(least, min(2 * least, least + BINS) + 1)
    width = widths[(-span % widths).argmin()]  # which fills the last bin best
    return np.append(np.arange(low, high + 1, width), high + 1)


def _written(tick: int, unit: Literal["s", "D"]) -> str:
    return str(np.datetime64(int(tick), unit))


def _is_narrow(ends: np.ndarray) -> bool:
    return bool(np.ptp(ends) <= NARROWEST * np.abs(ends).max())
