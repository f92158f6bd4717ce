"""The decision rule of a model file as text."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def describe_rule(note: Mapping[str, Any], classes: Sequence[str]) -> list[list[str]]:
    """Names and values of the rule, and its effect on the validation and test sets.

    Args:
        note: the note ``decision`` of a model file.
        classes: by their codes.
    """
    gains = np.array(note["gains"])
    if note["threshold"] is not None:
        rule = f"{classes[1]!r} from a probability of {note['threshold']:.4g} on, not from 0.5"
    elif (gains == np.diag(gains.diagonal())).all():
        factors = zip(classes, gains.diagonal(), strict=True)
        products = ", ".join(f"{name!r} x {factor:.3g}" for name, factor in factors)
        rule = f"the class with the largest of the probabilities times factors: {products}"
    else:
        rule = "the class whose expected cost is the lowest"
    values = [
        [f"{note['metric']} on {split} rows", "{before:.4g}, now {after:.4g}".format(**note[split])]
        for split in ("validation", "test")
    ]
    return [["label", rule], ["chosen for", note["metric"]], *values]
