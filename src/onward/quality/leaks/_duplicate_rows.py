"""Held-out rows that duplicate training rows."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from onward.quality.validation import normalize_texts

MAX_COMPARED_CELLS = 6_000_000  # compared values: 200,000 rows of 30 columns
KEY, WITNESS = "onward/key", "onward/witness"  # reserved: columns cannot have these names


def duplicate_share(
    rows: pl.LazyFrame, is_train: np.ndarray, columns: Sequence[str], witness: str
) -> float:
    """The share of held-out rows that duplicate a training row, other than by chance.

    In a table of few categories equal rows are common and harmless. So only duplicates with a
    witness are counted: a value that no other training row has, except equal rows. Case, outer
    blanks and Unicode forms are ignored.

    Args:
        rows: columns in wire form.
        is_train: mask of the training rows.
        columns: to compare, including the target.
        witness: the column with the most distinct values.
    """
    every = -(-len(is_train) * len(columns) // MAX_COMPARED_CELLS)
    plain = normalize_texts(rows.select(columns), [witness])
    marked = pl.concat([plain, pl.LazyFrame({KEY: is_train})], how="horizontal")
    # rows with equal witnesses are all sampled, or none of them
    is_chosen = (pl.col(witness).hash() % every == 0) & pl.col(witness).is_not_null()
    chosen = normalize_texts(marked.filter(is_chosen), columns)
    hashes = [pl.col(name).hash(seed) for seed, name in enumerate(columns)]
    keys = chosen.select(
        pl.sum_horizontal(hashes).alias("row"), pl.col(witness).hash().alias(WITNESS), KEY
    ).collect(engine="streaming")
    equal = pl.col(KEY).sum().over("row")
    witnesses = pl.col(KEY).sum().over(WITNESS)
    held_out = keys.select(((equal > 0) & (witnesses == equal) & ~pl.col(KEY)).sum())
    duplicate_mask: int = held_out.item()
    return duplicate_mask / max(1, int((~keys[KEY]).sum()))
