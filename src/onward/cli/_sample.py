"""Some of the rows of a finished ``prepare``, with which all later stages run."""

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

ROWS = {"train": 120, "validation": 40, "test": 40}
"""And one for each class beyond."""


def sample(folder: Path, few: Path) -> None:
    """Write ``few``: the same columns, learned from all rows, with some rows of each split.

    Since the columns are those of the whole table, none of them can lack values here that it has
    there.
    """
    prepared, rows = Prepared(folder), {}
    notes = {name: note for name, note in manifest(folder).items() if name != "files"}
    with publishing(few, **notes) as work:
        for split in SPLITS:
            arrays = prepared.arrays(split)
            some = chosen(arrays.targets, ROWS[split])
            rows[split] = len(some)
            for block, values in arrays.features.items():
                np.save(block_file(work, split, block), values[some])
            np.save(target_file(work, split), arrays.targets[some])
            if arrays.weights is not None:
                np.save(weights_file(work, split), arrays.weights[some])
            np.save(row_numbers_file(work, split), prepared.row_numbers(split)[some])
            if (derived := prepared.derived(split)).collect_schema():
                _rows(derived, some).sink_parquet(derived_file(work, split))
            _rows(prepared.rows(split), some).sink_parquet(work / f"{split}.parquet")
        (work / f"{LEARNED}.parquet").hardlink_to(folder / "train.parquet")
        report = prepared.profiles() | {"rows": rows}
        (work / "data.json").write_text(json.dumps(report, ensure_ascii=False))
        written = (MANIFEST, "data.json", *(f"{split}." for split in SPLITS))
        for path in folder.iterdir():
            if not path.name.startswith(written):
                (work / path.name).hardlink_to(path)


def chosen(targets: np.ndarray, count: int) -> np.ndarray:
    """The places of so many rows, spread evenly, and of one more for each class that they have.

    Of numbers the smallest and the largest are there, so that they differ if any do.
    """
    if targets.dtype == np.int64:
        _, kept = np.unique(targets, return_index=True)
    else:
        kept = np.array([targets.argmin(), targets.argmax()])
    spread = np.linspace(0, len(targets) - 1, count).astype(np.int64)
    return np.unique(np.concatenate([kept, spread]))


def _rows(table: pl.LazyFrame, places: np.ndarray) -> pl.LazyFrame:
    numbered = table.with_row_index(ROW)
    return numbered.filter(pl.col(ROW).is_in(places.tolist())).drop(ROW)
