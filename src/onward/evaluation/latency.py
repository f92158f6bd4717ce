"""How long an exported file takes, on one thread."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

CALLS = 1_000  # of one row; the 99th percentile then rests on ten of them
WARM_UP = 50  # calls, not counted
ROWS = 10_000  # in a large call
CELLS = 1_000_000  # values in a large call; of a wide table it has fewer rows
REPEATS = 3  # of the large call; the fastest counts, the others were disturbed


def latency(predict: Callable[[Any], object], rows: pl.DataFrame) -> dict[str, float]:
    """Microseconds for a row alone, and rows a second when there are many.

    Args:
        predict: a `Predictor`.
        rows: the columns it reads, one row or more; repeated as often as is needed.
    """
    many = max(1, min(ROWS, CELLS // len(rows.columns)))
    singles = rows[np.arange(WARM_UP + CALLS) % len(rows)].to_dicts()
    columns = rows[np.arange(many) % len(rows)].to_dict(as_series=False)
    single_s = [_seconds(predict, [row]) for row in singles][WARM_UP:]
    many_s = min(_seconds(predict, columns) for _ in range(REPEATS))
    return {
        "single_row_p50_us": round(float(np.quantile(single_s, 0.5)) * 1e6, 1),
        "single_row_p99_us": round(float(np.quantile(single_s, 0.99)) * 1e6, 1),
        "rows_per_s": round(many / many_s),
    }


def _seconds(predict: Callable[[Any], object], rows: Any) -> float:
    start = time.perf_counter()
    predict(rows)
    return time.perf_counter() - start
