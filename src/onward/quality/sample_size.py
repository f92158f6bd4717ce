"""Warnings about splits with too few rows."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from onward.schema import Target
from onward.wording import format_count

SMALL_TEST_SET = 50  # rows; one more error in a test set of 50 changes accuracy by 2 points
MAX_NAMED_CLASSES = 5  # classes to name
USES = {"validation": "calibrated, except out of fold with `train.folds`", "test": "tested"}


def shortages(target: Target, targets: Mapping[str, np.ndarray]) -> list[str]:
    """A sentence for each thing that the rows are too few to calibrate or to test.

    Args:
        target: the target, with any classes.
        targets: of each split, codes of classes or numbers.
    """
    return [*_few_rows(targets), *_absent_classes(target, targets)]


def _few_rows(targets: Mapping[str, np.ndarray]) -> Iterator[str]:
    test = len(targets["test"])
    if test < SMALL_TEST_SET:
        yield (
            f"The test set has {format_count(test, 'row')}: its metrics are imprecise, and"
            " differences between models are rarely significant. Use"
            " `evaluate: {cross_validation: 5}`, or add rows"
        )


def _absent_classes(target: Target, targets: Mapping[str, np.ndarray]) -> Iterator[str]:
    for split, verb in USES.items():
        present = set(targets[split].tolist())
        absent = [name for code, name in enumerate(target.classes) if code not in present]
        if not absent:
            continue
        names = _join_names(absent)
        if len(absent) == len(target.classes) - 1 and split == "validation":
            yield (
                f"The validation set has rows of one class only: probabilities are not {verb}."
                " Use `split: {type: stratified}`, or add rows"
            )
        else:
            yield (
                f"The {split} set has no row of {names}: predictions of"
                f" {'this class' if len(absent) == 1 else 'these classes'} are not {verb}."
                " Use `split: {type: stratified}`, or add rows"
            )


def _join_names(names: Sequence[str]) -> str:
    names_shown = ", ".join(map(repr, names[:MAX_NAMED_CLASSES]))
    return (
        names_shown
        if len(names) <= MAX_NAMED_CLASSES
        else f"{names_shown} and {format_count(len(names) - MAX_NAMED_CLASSES, 'other')}"
    )
