"""Held-out rows that are training rows."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from onward.quality.validation import normalized

MOST_CELLS = 6_000_000  # that are compared: 200,000 rows of 30 columns
KEY, WITNESS = "onward/key", "onward/witness"  # no names of columns, which are checked for it


def repeated_share(
    rows: pl.LazyFrame, is_train: np.ndarray, columns: Sequence[str], witness: str
) -> float:
    """The share of held-out rows that repeat a training row, and hardly by chance.

    In a table of few categories equal rows are many and mean nothing. What counts is a pair with a
    witness: a value that no other training row has, but for equal ones. Case, outer blanks and
    Unicode forms make no difference.

    Args:
        rows: columns in wire form.
        is_train: for each row, whether it is for training.
        columns: that must be equal, the target among them.
        witness: the one with the most different values.
    """
    every = -(-len(is_train) * len(columns) // MOST_CELLS)
    plain = normalized(rows.select(columns), [witness])
    marked = pl.concat([plain, pl.LazyFrame({KEY: is_train})], how="horizontal")
    # rows with equal witnesses are all looked at, or none of them
    is_chosen = (pl.col(witness).hash() % every == 0) & pl.col(witness).is_not_null()
    chosen = normalized(marked.filter(is_chosen), columns)
    hashes = [pl.col(name).hash(seed) for seed, name in enumerate(columns)]
    found = chosen.select(
        pl.sum_horizontal(hashes).alias("row"), pl.col(witness).hash().alias(WITNESS), KEY
    ).collect(engine="streaming")
    equal = pl.col(KEY).sum().over("row")
    witnesses = pl.col(KEY).sum().over(WITNESS)
    held_out = found.select(((equal > 0) & (witnesses == equal) & ~pl.col(KEY)).sum())
    repeated: int = held_out.item()
    return repeated / max(1, int((~found[KEY]).sum()))
