"""The rows of a table that two model files were not trained on."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special

from onward.errors import ArtifactError, DataError
from onward.serving.predictor import Predictor
from onward.table.row_filter import RowFilter, row_hashes
from onward.tasks import Array
from onward.wording import format_count

LEAST = 50  # remaining rows
CHANCE = 1e-3  # p-value of the number of known rows, if the table were new
CERTAINTY = 0.99  # of the upper bound of the share of known rows among new ones
REPETITIVE = 0.1  # share of new rows that repeat training rows; above it the others are biased


@dataclass(frozen=True)
class TrainedRows:
    """Which rows of a table a model file was trained on."""

    is_known: Array
    """``(rows,)`` bool; all false if there are no more than expected by chance."""
    note: str
    """A line for the output; may be empty."""


def trained_rows(predictor: Predictor, rows: pl.DataFrame, title: str) -> TrainedRows:
    """Look each row up in the filter of a file.

    Some new rows are known as well: they repeat a training row, or the filter errs. The share of
    known test rows tells how many. If there are significantly more, the table has training rows.

    Args:
        predictor: the file.
        rows: its columns and the target, as `Table.scan` returns them.
        title: name of the model in messages.

    Raises:
        ArtifactError: if the filter is damaged.
        DataError: if there are training rows that cannot be identified.
    """
    noted = predictor.metadata.get("training_rows")
    nothing = np.zeros(len(rows), bool)
    if noted is None:
        note = f"{title} has no filter of its training rows, so they cannot be recognized"
        return TrainedRows(nothing, note)
    try:
        known_rows = RowFilter.load(noted)
    except ValueError as error:
        raise ArtifactError(f"{predictor.path}: {error}. Export it again") from error
    names = [*(field.name for field in predictor.schema.columns), predictor.schema.target.name]
    hashes = row_hashes(rows.select(names))
    is_known, test = known_rows.knows(hashes), noted["test"]
    checked, known = int(known_rows.checks(hashes).sum()), int(is_known.sum())
    equal, usual = format_count(known, "row"), _highest_share(test["known"], test["rows"])
    if special.bdtrc(known - 1, checked, usual) >= CHANCE or not known:
        note = f"{equal} equal to training rows of {title}, no more than expected by chance"
        return TrainedRows(nothing, note if known else "")
    if known_rows.every > 1 or usual > REPETITIVE:
        raise DataError(
            f"{title} was trained on rows of this table ({known:,} of {checked:,} rows checked),"
            " and its file cannot identify all of them. Use rows that are newer than its training"
        )
    return TrainedRows(is_known, f"{equal} left out, on which {title} was trained")


def refuse_few(where: str, left: int, rows: int) -> None:
    """Raise if too few rows remain.

    Raises:
        DataError: with their number.
    """
    if left < LEAST:
        raise DataError(
            f"{where}: {left} of {rows} rows have a target and are new to both models; {LEAST} are"
            " needed. Use rows that are newer than both models"
        )


def _highest_share(known: int, rows: int) -> float:
    """The upper end of the Clopper-Pearson interval."""
    return float(special.betaincinv(known + 1, max(rows - known, 1), CERTAINTY))
