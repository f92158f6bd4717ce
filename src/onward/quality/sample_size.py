"""What the splits have too few rows for."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from onward.schema import Target

FEW = 50  # rows; one more error in a test set of 50 changes accuracy by 2 points
SHOWN = 5  # classes that are named
USES = {"validation": "calibrated", "test": "tested"}


def shortages(target: Target, targets: Mapping[str, np.ndarray]) -> list[str]:
    """A sentence for whatever cannot be learned, calibrated or tested from so few rows.

    Args:
        target: with its classes, if it has any.
        targets: of each split, codes of classes or numbers.
    """
    return [*_few_rows(targets), *_absent_classes(target, targets)]


def _few_rows(targets: Mapping[str, np.ndarray]) -> Iterator[str]:
    test = len(targets["test"])
    if test < FEW:
        rows = "1 row" if test == 1 else f"{test} rows"
        yield (
            f"The test set has {rows}: its scores are rough, and differences between models can"
            " hardly be significant. Use `evaluate: {cross_validation: 5}`, or bring more rows"
        )


def _absent_classes(target: Target, targets: Mapping[str, np.ndarray]) -> Iterator[str]:
    for split, verb in USES.items():
        present = set(targets[split].tolist())
        absent = [name for code, name in enumerate(target.classes) if code not in present]
        if not absent:
            continue
        names = _listed(absent)
        if len(absent) == len(target.classes) - 1 and split == "validation":
            yield (
                f"The validation set has rows of one class only: probabilities are not {verb}."
                " Use `split: {type: stratified}`, or bring more rows"
            )
        else:
            yield (
                f"The {split} set has no row of {names}: predictions of"
                f" {'this class' if len(absent) == 1 else 'these classes'} are not {verb}."
                " Use `split: {type: stratified}`, or bring more rows"
            )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:SHOWN]))
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more classes"
