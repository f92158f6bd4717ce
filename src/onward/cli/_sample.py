"""A sample of the rows of a finished ``prepare``, for the later stages of a dry run."""

import json
from pathlib import Path

import numpy as np
import polars as pl

from onward.artifacts.prepared import (
    LEARNED,
    Prepared,
    block_file,
    derived_file,
    row_numbers_file,
    target_file,
    weights_file,
)
from onward.artifacts.publishing import MANIFEST, manifest, publishing
from onward.quality.validation import ROW
from onward.table.splits import SPLITS

SAMPLED_ROWS = {"train": 120, "validation": 40, "test": 40}
"""Rows by split, plus one for each class."""


def sample(folder: Path, few: Path) -> None:
    """Write a folder ``few`` with some rows of each split, and the columns fitted on all rows.

    So the sample cannot lack categories or values that the columns need.
    """
    prepared, rows = Prepared(folder), {}
    notes = {name: note for name, note in manifest(folder).items() if name != "files"}
    with publishing(few, **notes) as work:
        for split in SPLITS:
            arrays = prepared.arrays(split)
            indices = choose_rows(arrays.targets, SAMPLED_ROWS[split])
            rows[split] = len(indices)
            for block, values in arrays.features.items():
                np.save(block_file(work, split, block), values[indices])
            np.save(target_file(work, split), arrays.targets[indices])
            if arrays.weights is not None:
                np.save(weights_file(work, split), arrays.weights[indices])
            np.save(row_numbers_file(work, split), prepared.row_numbers(split)[indices])
            if (derived := prepared.derived(split)).collect_schema():
                _rows(derived, indices).sink_parquet(derived_file(work, split))
            _rows(prepared.rows(split), indices).sink_parquet(work / f"{split}.parquet")
        (work / f"{LEARNED}.parquet").hardlink_to(folder / "train.parquet")
        report = prepared.profiles() | {"rows": rows}
        (work / "data.json").write_text(json.dumps(report, ensure_ascii=False))
        written = (MANIFEST, "data.json", *(f"{split}." for split in SPLITS))
        for path in folder.iterdir():
            if not path.name.startswith(written):
                (work / path.name).hardlink_to(path)


def choose_rows(targets: np.ndarray, count: int) -> np.ndarray:
    """Indices of so many evenly spaced rows, and of one more row for each class.

    For numerical targets the smallest and the largest are included, so that targets differ.
    """
    if targets.dtype == np.int64:
        _, required = np.unique(targets, return_index=True)
    else:
        required = np.array([targets.argmin(), targets.argmax()])
    spread = np.linspace(0, len(targets) - 1, count).astype(np.int64)
    return np.unique(np.concatenate([required, spread]))


def _rows(table: pl.LazyFrame, indices: np.ndarray) -> pl.LazyFrame:
    numbered = table.with_row_index(ROW)
    return numbered.filter(pl.col(ROW).is_in(indices.tolist())).drop(ROW)
