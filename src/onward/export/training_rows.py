"""A filter that recognizes the rows that a model was trained on."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import polars as pl

from onward.artifacts.prepared import Prepared
from onward.table.row_filter import RowFilter, row_hashes
from onward.training.joined_rows import LEARNED_SPLITS

CHUNK = 100_000  # rows held at once


def training_rows(prepared: Prepared, splits: Sequence[str] = LEARNED_SPLITS) -> dict[str, Any]:
    """A filter of the training and validation rows, and the number of test rows in it.

    Test rows that it knows repeat others by chance: a table whose rows are known more often than
    that was trained on.

    Args:
        prepared: the rows.
        splits: that the model has learned from. Test rows are added after they were counted.
    """
    schema = prepared.schema()
    names = [*(field.name for field in schema.columns), schema.target.name]
    learned = [prepared.fitting_rows().select(names), prepared.rows("validation").select(names)]
    rows = sum(frame.select(pl.len()).collect().item() for frame in learned)
    known = RowFilter.of((part for frame in learned for part in _hashes(frame)), rows)
    test = np.concatenate([*_hashes(prepared.rows("test").select(names)), np.empty(0, np.uint64)])
    checked = known.checks(test)
    noted = {"rows": int(checked.sum()), "known": int(known.knows(test).sum())}
    if "test" in splits:
        parts = (part for frame in learned for part in _hashes(frame))
        known = RowFilter.of(chain(parts, [test]), rows + len(test))
    return {**known.dump(), "test": noted}


def _hashes(frame: pl.LazyFrame) -> Iterator[np.ndarray]:
    rows = frame.select(pl.len()).collect().item()
    for start in range(0, rows, CHUNK):
        yield row_hashes(frame.slice(start, CHUNK).collect())
