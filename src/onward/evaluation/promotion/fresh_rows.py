"""Rows of a table that neither of two model files was trained on."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy import special

from onward.errors import ArtifactError, DataError
from onward.serving.predictor import Predictor
from onward.table.row_filter import RowFilter, row_hashes
from onward.tasks import Array

LEAST = 50  # rows that remain
CHANCE = 1e-3  # of as many known rows, if the table were new
CERTAINTY = 0.99  # that the share of known rows among new ones is not above what is assumed
REPETITIVE = 0.1  # share of new rows that repeat training rows; beyond, the others are no sample


@dataclass(frozen=True)
class TrainedRows:
    """Which rows of a table a model file was trained on."""

    is_known: Array
    """``(rows,)`` bool; all false if there are no more than chance brings."""
    note: str
    """What people are told; empty if there is nothing to tell."""


def trained_rows(predictor: Predictor, rows: pl.DataFrame, title: str) -> TrainedRows:
    """Look each row up in the filter of a file.

    Some new rows are known, too: they repeat a training row, or the filter errs. The test rows of
    the training tell how many. Only if there are more of them was the table trained on.

    Args:
        predictor: the file.
        rows: its columns and the target, as `Table.scan` returns them.
        title: of the model, for messages.

    Raises:
        ArtifactError: if the filter is damaged.
        DataError: if there are training rows that cannot be told from others.
    """
    noted = predictor.metadata.get("training_rows")
    nothing = np.zeros(len(rows), bool)
    if noted is None:
        note = f"rows that {title} was trained on are not recognised: an older version wrote it"
        return TrainedRows(nothing, note)
    try:
        known_rows = RowFilter.load(noted)
    except ValueError as error:
        raise ArtifactError(f"{predictor.path}: {error}. Export it again") from error
    names = [*(field.name for field in predictor.schema.columns), predictor.schema.target.name]
    hashes = row_hashes(rows.select(names))
    is_known, test = known_rows.knows(hashes), noted["test"]
    checked, known = int(known_rows.checks(hashes).sum()), int(is_known.sum())
    usual = _highest_share(test["known"], test["rows"])
    if special.bdtrc(known - 1, checked, usual) >= CHANCE or not known:
        note = f"{known:,} rows equal training rows of {title}, no more than by chance"
        return TrainedRows(nothing, note if known else "")
    if known_rows.every > 1 or usual > REPETITIVE:
        raise DataError(
            f"{title} was trained on {known:,} of the {checked:,} rows of the table that it can"
            " check, and the others cannot be told apart. Take rows that are newer than its"
            " training"
        )
    return TrainedRows(is_known, f"{known:,} rows left out: {title} was trained on them")


def refuse_few(where: str, left: int, rows: int) -> None:
    """Look at how many rows remain.

    Raises:
        DataError: if there are too few.
    """
    if left < LEAST:
        raise DataError(
            f"{where}: {left} of {rows} rows have a target and were not trained on by either model,"
            f" and {LEAST} are needed. Take rows that are newer than both models"
        )


def _highest_share(known: int, rows: int) -> float:
    """Upper end of the interval of Clopper and Pearson."""
    return float(special.betaincinv(known + 1, max(rows - known, 1), CERTAINTY))
