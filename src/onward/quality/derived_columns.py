"""The derived columns of a table, in files beside its rows while ``prepare`` works."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from onward.artifacts.prepared import derived_file
from onward.errors import DataError
from onward.preprocessing.columns import Column
from onward.preprocessing.derivations import Derivation
from onward.preprocessing.out_of_fold import Deriving
from onward.quality.leaks import DERIVED, Leak, LeakRules, search_derived
from onward.quality.validation import find, refuse_findings
from onward.schema import Field, Target
from onward.table.column_profile import profile
from onward.table.splits import SPLITS

FOLDER = "derived"


def refuse_taken(derivations: Sequence[Derivation], names: Sequence[str]) -> None:
    """A derived column must not hide one of the table.

    Raises:
        DataError: if one does.
    """
    for derivation in derivations:
        if derivation.name in names:
            raise DataError(
                f"derive: {derivation.name!r} is a column of the table, too. Choose another name"
            )


def derive(deriving: Deriving, targets: Sequence[np.ndarray], target: Target, work: Path) -> None:
    """Learn from the training rows, and write the derived columns of each split.

    Args:
        deriving: the derivations.
        targets: for each split those of its rows, encoded.
        target: what they are.
        work: where the raw rows of each split are, and the derived columns come to be.

    Raises:
        DataError: if there is nothing to learn.
    """
    deriving.fit(rows_of(work, "train"), targets[0], target)
    for split in SPLITS:
        raw, folder = rows_of(work, split), work / FOLDER / split
        folder.mkdir(parents=True)
        for place, chunk in enumerate(deriving.derived(raw, are_training=split == "train")):
            chunk.write_parquet(folder / f"{place:09}.parquet", compression="lz4")


def rows_of(work: Path, split: str) -> pl.LazyFrame:
    """The raw rows of a split, with the derived columns once they are there."""
    raw, folder = pl.scan_parquet(work / f"{split}.parquet"), work / FOLDER / split
    if not folder.exists():
        return raw
    return pl.concat([raw, pl.scan_parquet(folder)], how="horizontal")


def keep(work: Path) -> None:
    """Put those of a split into one file, once they have been encoded."""
    for folder in (work / FOLDER).glob("*"):
        pl.scan_parquet(folder).sink_parquet(derived_file(work, folder.name), compression="lz4")
    shutil.rmtree(work / FOLDER, ignore_errors=True)


def refuse_broken(columns: Sequence[Column], work: Path) -> None:
    """Look whether derived columns keep what the config asks of them.

    Raises:
        DataError: if they do not.
    """
    rules = [rule for column in columns for rule in column.rules()]

    def place(split: str, row: int) -> str:
        return f"row {row} of the {split} rows"

    for split in SPLITS:
        findings = find(pl.scan_parquet(work / FOLDER / split), rules)
        refuse_findings("derived", findings, partial(place, split))


def leaks_of(
    derivations: Sequence[Derivation], targets: Sequence[np.ndarray], rules: LeakRules, work: Path
) -> list[Leak]:
    """Which derived columns tell the target."""
    splits = np.repeat(np.arange(len(SPLITS)), [len(part) for part in targets])
    rows = pl.concat([pl.scan_parquet(work / FOLDER / split) for split in SPLITS])
    fields = [Field(each.name, DERIVED, each.wire) for each in derivations]
    return search_derived(rows, splits == 0, np.concatenate(targets), fields, rules)


def described(derivations: Sequence[Derivation], train: pl.LazyFrame) -> list[dict[str, Any]]:
    """How each derived column is made, and what its values are like."""
    return [
        {
            "name": each.name,
            "type": each.config.type,
            "made": each.made,
            "reads": list(each.reads),
            **profile(train.select(each.name).collect().to_series()),
        }
        for each in derivations
    ]
