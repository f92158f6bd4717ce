"""The rows of several splits together."""

from collections.abc import Sequence

import numpy as np

from onward.artifacts.prepared import Arrays, Prepared
from onward.training.batches import Rows

LEARNED_SPLITS = ("train", "validation")


def learned_rows(prepared: Prepared) -> Rows:
    """All training rows, then all validation rows."""
    return joined_rows(prepared, LEARNED_SPLITS)


def joined_rows(prepared: Prepared, splits: Sequence[str]) -> Rows:
    """The rows of several splits, one after the other."""
    parts = [prepared.arrays(split) for split in splits]
    weights = [part.weights for part in parts if part.weights is not None]
    whole = Arrays(
        {name: np.concatenate([p.features[name] for p in parts]) for name in parts[0].features},
        np.concatenate([part.targets for part in parts]),
        np.concatenate(weights) if weights else None,
    )
    return Rows.of(whole)
