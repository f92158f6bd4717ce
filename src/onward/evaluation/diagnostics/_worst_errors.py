"""The test rows with the worst predictions."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from onward.evaluation.diagnostics._held_out import HeldOut
from onward.tasks.metrics import Array

ROWS_PER_KIND = 10  # of error: a pair of true and predicted class, too high, or too low
MAX_WORST_ROWS = 30  # rows in total
MAX_WORST_COLUMNS = 30  # of a row; the most important ones
MAX_LETTERS = 120  # of a text; longer texts are truncated


def worst(held_out: HeldOut, ordered: Sequence[str]) -> dict[str, pl.DataFrame]:
    """The most confident wrong predictions, or the largest residuals, with raw values.

    Args:
        held_out: the test set with its predictions.
        ordered: the columns, the most important first.

    Returns:
        ``worst``: ``place`` among the errors, ``row`` of the table, from 1, ``actual``,
        ``predicted``, and ``certainty`` (the probability of the predicted class) and
        ``probability`` (of the true one), or ``residual``. ``worst_values``: ``place``,
        ``column``, ``value``. A correctly predicted class is not an error, whatever its
        probability.
    """
    target, predictions, task = held_out.target, held_out.predictions, held_out.task
    wrong, kinds = task.errors(target, predictions)
    chosen = _worst_rows(task.losses(target, predictions), kinds, wrong)
    part = held_out.where(chosen)
    described = task.describe(part.target, part.predictions)
    rows = {"place": np.arange(1, len(chosen) + 1), "row": part.row_numbers}
    return {
        "worst": pl.DataFrame({**rows, **described}),
        "worst_values": _values(part.rows.select(ordered[:MAX_WORST_COLUMNS])),
    }


def _worst_rows(loss: Array, kinds: Array, wrong: Array) -> Array:
    """Indices of the rows with the highest losses, with a limit per kind of error."""
    table = pl.DataFrame({"row": np.arange(len(loss)), "loss": loss, "kind": kinds}).filter(wrong)
    ordered = table.sort("loss", descending=True, maintain_order=True)
    rank = pl.int_range(pl.len()).over("kind")
    return ordered.filter(rank < ROWS_PER_KIND).head(MAX_WORST_ROWS)["row"].to_numpy()


def _values(rows: pl.DataFrame) -> pl.DataFrame:
    cells = [
        (rank, column, _text(value))
        for rank, row in enumerate(rows.iter_rows(named=True), 1)
        for column, value in row.items()
    ]
    return pl.DataFrame(
        cells, {"place": pl.Int64, "column": pl.String, "value": pl.String}, orient="row"
    )


def _text(value: object) -> str | None:
    text = f"{value:.15g}" if isinstance(value, float) else str(value)
    if value is None or text == "nan":
        return None
    return text if len(text) <= MAX_LETTERS else f"{text[:MAX_LETTERS]}…"
