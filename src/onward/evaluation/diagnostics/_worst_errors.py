"""The held-out rows that are predicted worst."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from onward.evaluation.diagnostics._held_out import HeldOut
from onward.tasks.metrics import Array

EACH = 10  # rows of one kind of error: of a true and a predicted class, or too high, or too low
MOST = 30  # rows in all
COLUMNS = 30  # of a row, the most important ones
LETTERS = 120  # of a text; the rest is cut off


def worst(held_out: HeldOut, ordered: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The surest wrong predictions, or the largest residuals, as raw values.

    Args:
        held_out: the rows.
        ordered: the columns, the most important first.

    Returns:
        ``worst``: ``place`` among the errors, ``row`` of the table, from 1, ``actual``,
        ``predicted``, and ``certainty`` (the probability of the predicted class) and
        ``probability`` (of the true one), or ``residual``. ``worst_values``: ``place``,
        ``column``, ``value``. A class that is predicted right is no error, however unsure.
    """
    target, predictions, task = held_out.target, held_out.predictions, held_out.task
    wrong, kinds = task.errors(target, predictions)
    chosen = _chosen(task.losses(target, predictions), kinds, wrong)
    part = held_out.where(chosen)
    described = task.describe(part.target, part.predictions)
    places = {"place": np.arange(1, len(chosen) + 1), "row": part.row_numbers}
    return {
        "worst": pl.DataFrame({**places, **described}),
        "worst_values": _values(part.rows.select(ordered[:COLUMNS])),
    }


def _chosen(loss: Array, kinds: Array, wrong: Array) -> Array:
    """Places of the rows with the highest losses, but not too many of one kind."""
    table = pl.DataFrame({"row": np.arange(len(loss)), "loss": loss, "kind": kinds}).filter(wrong)
    ordered = table.sort("loss", descending=True, maintain_order=True)
    place = pl.int_range(pl.len()).over("kind")
    return ordered.filter(place < EACH).head(MOST)["row"].to_numpy()


def _values(rows: pl.DataFrame) -> pl.DataFrame:
    cells = [
        (place, column, _written(value))
        for place, row in enumerate(rows.iter_rows(named=True), 1)
        for column, value in row.items()
    ]
    return pl.DataFrame(
        cells, {"place": pl.Int64, "column": pl.String, "value": pl.String}, orient="row"
    )


def _written(value: object) -> str | None:
    text = f"{value:.15g}" if isinstance(value, float) else str(value)
    if value is None or text == "nan":
        return None
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}…"
