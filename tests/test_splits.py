"""The contract that every way of splitting keeps."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onward.errors import ConfigError, DataError
from onward.splits import SPLITS, Split

COLUMN = {"name": "part"}
every_type = pytest.mark.parametrize("name", sorted(Split.members))


def split(name: str, **settings: Any) -> Split:
    member = Split.members[name]
    built: Split = member(member.Config(**settings, **(COLUMN if name == "column" else {})))
    return built


def assigned(name: str, rows: int = 1000, seed: int = 0) -> np.ndarray:
    targets = np.arange(rows) % 4 // 3  # a quarter has class 1
    parts = pl.Series(["test" if row % 5 == 0 else "train" for row in range(rows)])
    return split(name).assign(targets, parts, seed)


@every_type
def test_type_is_the_name_of_the_file(name: str) -> None:
    assert Split.members[name].__module__ == f"onward.splits.{name}"


@every_type
def test_each_row_has_a_split_and_the_seed_decides_which(name: str) -> None:
    splits = assigned(name)
    assert len(splits) == 1000
    assert set(splits.tolist()) == set(range(len(SPLITS)))
    np.testing.assert_array_equal(assigned(name), splits)
    assert (assigned(name, seed=1) != splits).any()


@every_type
def test_a_split_without_rows_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="none of the 2 rows is for"):
        assigned(name, rows=2)


@given(st.integers(10, 500), st.floats(0.1, 0.4), st.floats(0.1, 0.4))
def test_random_shares_are_those_asked_for(rows: int, validation: float, test: float) -> None:
    splits = split("random", validation=validation, test=test).assign(np.zeros(rows), None, 0)
    assert (splits == 1).sum() == round(validation * rows)
    assert (splits == 2).sum() == round(test * rows)


def test_stratified_shares_are_the_same_in_each_class() -> None:
    splits = assigned("stratified")
    targets = np.arange(1000) % 4 // 3
    for place in range(3):
        assert abs(targets[splits == place].mean() - 0.25) < 0.01


def test_stratified_needs_classes() -> None:
    with pytest.raises(ConfigError, match=r"Use .type: random.$"):
        split("stratified").assign(np.array([1.5, 2.5]), None, 0)


def test_the_column_decides_and_validation_is_drawn_from_training() -> None:
    splits = assigned("column")
    assert (np.flatnonzero(splits == 2) % 5 == 0).all()
    assert (splits == 1).sum() == round(0.15 * 800)
    given_splits = pl.Series(["train", "validation", "test", "train"])
    got = split("column").assign(np.arange(4), given_splits, 0)
    assert got.tolist() == [0, 1, 2, 0]


def test_another_word_in_the_column_is_refused() -> None:
    with pytest.raises(DataError, match=r"2 of 4 rows say neither .* the first says 'dev'"):
        split("column").assign(np.arange(4), pl.Series(["train", "dev", None, "test"]), 0)


def test_shares_must_leave_rows_for_training() -> None:
    with pytest.raises(ValidationError, match="together must be below 1"):
        split("random", validation=0.5, test=0.5)
