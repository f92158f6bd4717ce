"""What was trained again, as text."""

from collections.abc import Mapping
from typing import Any

ROWS = {"train": "training", "validation": "validation", "test": "test"}


def describe_refit(metrics: Mapping[str, Any]) -> str:
    """A sentence on a second training, with held-out rows; empty if there was none.

    Args:
        metrics: the note ``metrics`` of a model file.

    Example:
        >>> describe_refit({"refit": {"splits": "train + validation", "rows": 85, "steps": 640}})
        'The weights are from a second training, on all training and validation rows (85 rows, \
640 steps). All metrics are those of the first one, on training rows only.'
    """
    about = metrics.get("refit")
    if about is None:
        return ""
    *names, last = [ROWS[split] for split in about["splits"].split(" + ")]
    return (
        f"The weights are from a second training, on all {', '.join(names)} and {last} rows"
        f" ({about['rows']:,} rows, {about['steps']:,} steps). All metrics are those of the first"
        " one, on training rows only."
    )
