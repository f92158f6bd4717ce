"""Duplicate rows, and equal rows with different classes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Repetitions:
    """Counts of duplicates and conflicts."""

    duplicates: int
    """Rows equal to an earlier one in all columns and the target."""
    conflicts: int
    """Classes beyond the first of rows with equal columns."""


def repetitions(frame: pl.LazyFrame, columns: Sequence[str], target: str) -> Repetitions:
    """Count duplicates and conflicts by two 64-bit hashes per row, which bound the memory.

    Args:
        frame: columns in wire form.
        columns: the inputs of the model.
        target: name of the target.
    """
    keys = frame.select(_key([*columns, target]).alias("all"), _key(columns).alias("inputs"))
    rows, inputs = keys.collect(engine="streaming")
    pairs, distinct = _distinct(rows.to_numpy()), _distinct(inputs.to_numpy())
    return Repetitions(len(rows) - pairs, pairs - distinct)


def _distinct(keys: np.ndarray) -> int:
    # `n_unique` of polars takes ten times the memory, `np.unique` forty times as long
    ordered = np.sort(keys)
    return int((ordered[1:] != ordered[:-1]).sum()) + min(1, len(ordered))


def near_duplicates(frame: pl.LazyFrame, columns: Sequence[str], target: str) -> int:
    """The number of duplicates, ignoring case, outer blanks and Unicode forms."""
    return repetitions(normalize_texts(frame, columns), columns, target).duplicates


def normalize_texts(frame: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
    """The same rows, with texts normalized in case, outer blanks and Unicode form."""
    text = pl.selectors.string() & pl.selectors.by_name(*columns)
    return frame.with_columns(
        text.map_batches(_normalize, return_dtype=pl.String, is_elementwise=True)
    )


def _normalize(texts: pl.Series) -> pl.Series:
    is_ascii = texts.str.len_bytes() == texts.str.len_chars()
    if not is_ascii.all():  # of ASCII the form is the same, and finding that out takes long
        texts = texts.str.normalize("NFKC")
    return texts.str.to_lowercase().str.strip_chars()


def duplicate_mask(
    frame: pl.LazyFrame, columns: Sequence[str], target: str, *, conflicts: bool
) -> pl.Series:
    """A mask of duplicates of earlier rows, or of all rows with conflicting classes."""
    keys = frame.select(_key(columns).alias("inputs"), _key([target]).alias("label")).collect()
    if not conflicts:
        return ~keys.to_struct().is_first_distinct()
    return keys.select((pl.col("label").n_unique().over("inputs") > 1).alias("found")).to_series()


def _key(names: Sequence[str]) -> pl.Expr:
    """A hash of each row; each column is hashed with its own seed."""
    return pl.sum_horizontal(pl.col(name).hash(seed) for seed, name in enumerate(names))
