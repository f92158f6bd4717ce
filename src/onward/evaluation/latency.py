"""Latency and throughput of an exported file on one thread."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

SINGLE_ROW_CALLS = 1_000  # each of one row; ten of them lie above the 99th percentile
WARM_UP_CALLS = 50  # calls before the measurement
LARGE_CALL_ROWS = 10_000  # of the large call
LARGE_CALL_CELLS = 1_000_000  # values in the large call; a wide table gets fewer rows
LARGE_CALL_REPEATS = 3  # the fastest is reported: other processes disturb the others


def latency(predict: Callable[[Any], object], rows: pl.DataFrame) -> dict[str, float]:
    """Microseconds per single row, and rows per second of a large call.

    Args:
        predict: a `Predictor`.
        rows: the input columns, at least one row; repeated as often as needed.
    """
    many = max(1, min(LARGE_CALL_ROWS, LARGE_CALL_CELLS // len(rows.columns)))
    of_singles = of_single_rows(predict, rows)
    columns = rows[np.arange(many) % len(rows)].to_dict(as_series=False)
    many_s = min(_seconds(predict, columns) for _ in range(LARGE_CALL_REPEATS))
    return {**of_singles, "rows_per_s": round(many / many_s)}


def of_single_rows(predict: Callable[[Any], object], rows: pl.DataFrame) -> dict[str, float]:
    """Microseconds of one row, in half and in 99 of 100 calls; the arguments of `latency`."""
    singles = rows[np.arange(WARM_UP_CALLS + SINGLE_ROW_CALLS) % len(rows)].to_dicts()
    single_s = [_seconds(predict, [row]) for row in singles][WARM_UP_CALLS:]
    return {
        "single_row_p50_us": round(float(np.quantile(single_s, 0.5)) * 1e6, 1),
        "single_row_p99_us": round(float(np.quantile(single_s, 0.99)) * 1e6, 1),
    }


def _seconds(predict: Callable[[Any], object], rows: Any) -> float:
    start = time.perf_counter()
    predict(rows)
    return time.perf_counter() - start
