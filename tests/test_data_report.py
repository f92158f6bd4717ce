"""What the data report says of weights and classes."""

import numpy as np
import polars as pl
import pytest

from onward.quality.data_report import about_target, about_weights
from onward.quality.splitting import SplitRows
from onward.schema import Target


def test_equal_weights_are_as_many_rows_as_there_are() -> None:
    assert about_weights("w", np.full(7, 3.0))["equal_rows"] == pytest.approx(7)
    assert about_weights("w", np.array([1.0, 0.0, 0.0]))["equal_rows"] == pytest.approx(1)
    # the square of the sum, 16, over the sum of squares, 10
    assert about_weights("w", np.array([1.0, 3.0]))["equal_rows"] == pytest.approx(1.6)


def test_classes_are_counted_by_split_and_rows_left_out_are_not() -> None:
    split = SplitRows(pl.LazyFrame(), np.array([0, 1, 1, 0, 1]), np.array([0, 0, 1, 2, -1]))
    assert split.counts() == {"train": 2, "validation": 1, "test": 1}
    about = about_target(Target("y", "classes", ("no", "yes")), split)
    assert about["classes"] == {
        "no": {"train": 1, "validation": 0, "test": 1},
        "yes": {"train": 1, "validation": 1, "test": 0},
    }
