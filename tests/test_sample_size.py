"""Whatever too few rows cannot tell is said, and nothing else."""

import numpy as np
import pytest

from onward.quality.sample_size import SMALL_TEST_SET, shortages
from onward.schema import Target

FRAUD = Target("y", "classes", ("fine", "fraud"))
LETTERS = Target("y", "classes", tuple("abcdefghij"))


def codes(*counts: int) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


def test_enough_rows_of_each_class_say_nothing() -> None:
    targets = {name: codes(60, 3) for name in ("train", "validation", "test")}
    assert shortages(FRAUD, targets) == []
    number = {
        name: np.arange(SMALL_TEST_SET, dtype=float) for name in ("train", "validation", "test")
    }
    assert shortages(Target("y", "number"), number) == []


@pytest.mark.parametrize(("rows", "words"), [(1, "has 1 row:"), (14, "has 14 rows:")])
def test_few_test_rows_are_named(rows: int, words: str) -> None:
    number = {"validation": np.zeros(99), "test": np.zeros(rows)}
    [shortage] = shortages(Target("y", "number"), number)
    assert words in shortage


def test_a_class_without_a_test_row_is_not_tested() -> None:
    [shortage] = shortages(FRAUD, {"validation": codes(60, 3), "test": codes(60)})
    assert shortage.startswith("The test set has no row of 'fraud': predictions of this class are")


def test_one_class_in_validation_calibrates_nothing() -> None:
    [shortage] = shortages(FRAUD, {"validation": codes(60), "test": codes(60, 3)})
    assert "probabilities are not calibrated, except out of fold with `train.folds`." in shortage


def test_many_absent_classes_are_counted() -> None:
    [shortage] = shortages(LETTERS, {"validation": codes(*[9] * 10), "test": codes(99, 1)})
    assert "'c', 'd', 'e', 'f', 'g' and 3 others: predictions of these classes" in shortage
