"""Intervals of shares."""

import numpy as np


def wilson(count: float, rows: float, deviations: float = 1.959964) -> tuple[float, float]:
    """The Wilson interval of a share, which is also valid for small ones.

    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference".

    Args:
        count: number of rows in the share.
        rows: number of all rows.
        deviations: standard deviations to each side; 1.96 for 95 %.

    Example:
        >>> [round(end, 4) for end in wilson(1, 100)]
        [0.0018, 0.0545]
    """
    if rows <= 0:
        return 0.0, 1.0
    share, square = count / rows, deviations**2
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    reach = deviations * np.sqrt(share * (1 - share) / rows + square / (4 * rows**2))
    reach /= 1 + square / rows
    return float(max(0.0, middle - reach)), float(min(1.0, middle + reach))
