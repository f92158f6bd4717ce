"""Rows that are there twice, and equal rows with different labels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Repetitions:
    """How often rows repeat each other."""

    duplicates: int
    """Rows that are equal to an earlier one in all columns and the target."""
    conflicts: int
    """Labels beyond the first for rows that are equal in all columns."""


def repetitions(frame: pl.LazyFrame, columns: Sequence[str], target: str) -> Repetitions:
    """Count them, by two numbers of 64 bits for each row, which is all that is held.

    Args:
        frame: columns in wire form.
        columns: from which the target is predicted.
        target: its name.
    """
    keys = frame.select(_key([*columns, target]).alias("all"), _key(columns).alias("inputs"))
    together, inputs = keys.collect(engine="streaming")
    pairs, distinct = _distinct(together.to_numpy()), _distinct(inputs.to_numpy())
    return Repetitions(len(together) - pairs, pairs - distinct)


def _distinct(keys: np.ndarray) -> int:
    # polars would take ten times the memory, and the hashes of `np.unique` forty times as long
    ordered = np.sort(keys)
    return int((ordered[1:] != ordered[:-1]).sum()) + min(1, len(ordered))


def near_duplicates(frame: pl.LazyFrame, columns: Sequence[str], target: str) -> int:
    """Rows equal to an earlier one once case, outer blanks and Unicode forms count for nothing."""
    return repetitions(normalized(frame, columns), columns, target).duplicates


def normalized(frame: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
    """The same rows, without case, outer blanks and Unicode forms in the texts of the columns."""
    text = pl.selectors.string() & pl.selectors.by_name(*columns)
    return frame.with_columns(text.str.normalize("NFKC").str.to_lowercase().str.strip_chars())


def repeated(
    frame: pl.LazyFrame, columns: Sequence[str], target: str, *, conflicts: bool
) -> pl.Series:
    """For each row whether it repeats an earlier one, or if asked for, has one label of several."""
    keys = frame.select(_key(columns).alias("inputs"), _key([target]).alias("label")).collect()
    if not conflicts:
        return ~keys.to_struct().is_first_distinct()
    return keys.select((pl.col("label").n_unique().over("inputs") > 1).alias("found")).to_series()


def _key(names: Sequence[str]) -> pl.Expr:
    """A number for each row that hardly two different rows share; each column counts in its way."""
    return pl.sum_horizontal(pl.col(name).hash(seed) for seed, name in enumerate(names))
