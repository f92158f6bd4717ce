"""The contract of folds and shares: they are parts of the split, and keep what it promises."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onward.errors import DataError
from onward.table.splits import LEFT_OUT, Part, Split, assign_part

SETTINGS = {name: {"name": "by"} for name in ("column", "group", "hash", "time")}
TRAIN, VALIDATION, TEST = range(3)
ROWS, FOLDS = 1200, 4
every_type = pytest.mark.parametrize("name", sorted(Split.members))
with_groups = pytest.mark.parametrize("name", ["group", "hash", "time"])


def split(name: str, **settings: Any) -> Split:
    member = Split.members[name]
    built: Split = member(member.Config(**settings, **SETTINGS.get(name, {})))
    return built


def column(name: str, rows: int = ROWS) -> pl.Series:
    """For the type, the values of the column that it reads."""
    if name == "column":
        return pl.Series("by", ["test" if row % 5 == 0 else "train" for row in range(rows)])
    return pl.Series("by", [f"{2000 + row * 7 % rows // 3}" for row in range(rows)])


def targets(rows: int = ROWS) -> np.ndarray:
    return np.arange(rows) % 4 // 3  # a quarter has class 1


def part(name: str, part: Part, seed: int = 0) -> np.ndarray:
    return assign_part(split(name), part, targets(), column(name), seed)


def folds(name: str, seed: int = 0) -> list[np.ndarray]:
    return [part(name, Part(fold=fold, folds=FOLDS), seed) for fold in range(1, FOLDS + 1)]


@every_type
def test_the_whole_table_is_the_split(name: str) -> None:
    whole = split(name).assign(targets(), column(name), 0)
    np.testing.assert_array_equal(part(name, Part()), whole)


@every_type
def test_each_row_is_tested_in_one_fold_and_a_row_for_testing_in_none(name: str) -> None:
    held_out = part(name, Part()) == TEST
    tested = np.sum([fold == TEST for fold in folds(name)], axis=0)
    assert (tested[held_out] == 0).all()
    assert tested.max() == 1
    share = tested[~held_out].mean()
    assert share == (pytest.approx(FOLDS / (FOLDS + 1), abs=0.02) if name == "time" else 1)


@every_type
def test_a_fold_uses_all_rows_that_are_not_for_testing(name: str) -> None:
    held_out = part(name, Part()) == TEST
    for fold in folds(name):
        np.testing.assert_array_equal(fold[held_out], LEFT_OUT)
        assert name == "time" or (fold[~held_out] != LEFT_OUT).all()
        known = (fold == TRAIN).sum() + (fold == VALIDATION).sum()
        assert (fold == VALIDATION).sum() / known == pytest.approx(0.15 / 0.85, abs=0.06)


@every_type
def test_folds_are_of_about_the_same_size(name: str) -> None:
    sizes = [(fold == TEST).sum() for fold in folds(name)]
    assert max(sizes) - min(sizes) <= (100 if name == "hash" else 3)


@every_type
def test_the_seed_decides_which_rows_are_in_a_fold(name: str) -> None:
    for one, again, other in zip(folds(name), folds(name), folds(name, seed=1), strict=True):
        np.testing.assert_array_equal(one, again)
        assert (one != other).any() == (name != "time")


@with_groups
def test_rows_with_the_same_value_are_not_parted_by_a_fold(name: str) -> None:
    for fold in folds(name):
        found = pl.DataFrame({"by": column(name), "part": fold})
        assert found.group_by("by").agg(pl.col("part").n_unique())["part"].max() == 1


def test_in_each_fold_time_runs_from_train_through_validation_to_test() -> None:
    when, known = column("time").cast(pl.Int64).to_numpy(), 0
    for fold in folds("time"):
        assert when[fold == TRAIN].max() < when[fold == VALIDATION].min()
        assert when[fold == VALIDATION].max() < when[fold == TEST].min()
        assert when[fold == TRAIN].min() == when.min()
        assert (fold <= VALIDATION).sum() > known  # the past grows
        known = (fold <= VALIDATION).sum()


def test_the_classes_of_a_stratified_fold_are_those_of_the_table() -> None:
    for fold in folds("stratified"):
        for place in (TRAIN, VALIDATION, TEST):
            assert abs(targets()[fold == place].mean() - 0.25) < 0.01


@given(st.lists(st.text(min_size=1, max_size=3)), st.integers(1, FOLDS), st.floats(0.1, 1))
def test_rows_that_are_added_move_no_row_of_a_hash_fold(
    added: list[str], fold: int, share: float
) -> None:
    old = [f"customer {row}" for row in range(300)]
    new = [*added, *old]
    some = Part(fold=fold, folds=FOLDS, training=share)
    before = assign_part(split("hash"), some, np.zeros(300), pl.Series(old), 7)
    after = assign_part(split("hash"), some, np.zeros(len(new)), pl.Series(new), 7)
    np.testing.assert_array_equal(after[len(added) :], before)


@every_type
def test_a_share_leaves_out_training_rows_only_and_a_larger_one_has_the_same_and_more(
    name: str,
) -> None:
    whole = smaller = part(name, Part())
    for share in (0.8, 0.4, 0.1):
        some = part(name, Part(training=share))
        held_out = whole != TRAIN
        np.testing.assert_array_equal(some[held_out], whole[held_out])
        assert set(some[~held_out].tolist()) == {TRAIN, LEFT_OUT}
        assert (smaller[some == TRAIN] == TRAIN).all()
        kept = (some == TRAIN).sum() / (whole == TRAIN).sum()
        assert kept == pytest.approx(share, abs=0.05)
        smaller = some


def test_a_share_has_each_class() -> None:
    rare = np.zeros(500, np.int64)
    rare[:3] = 1
    whole = assign_part(split("random"), Part(), rare, None, 0)
    few = assign_part(split("random"), Part(training=0.01), rare, None, 0)
    assert set(rare[few == TRAIN].tolist()) == set(rare[whole == TRAIN].tolist())


def test_a_share_of_groups_has_whole_groups_and_one_of_times_the_latest() -> None:
    some = pl.DataFrame(
        {"by": column("group"), "part": part("group", Part(training=0.3))}
    ).group_by("by")
    assert some.agg(pl.col("part").n_unique())["part"].max() == 1
    when, late = column("time").cast(pl.Int64).to_numpy(), part("time", Part(training=0.3))
    assert when[late == LEFT_OUT].max() < when[late == TRAIN].min()


def test_more_folds_than_rows_are_refused() -> None:
    last = Part(fold=20, folds=20)
    with pytest.raises(DataError, match=r"none of the 7 rows is in 'test' in fold 20 of 20"):
        assign_part(split("random"), last, np.zeros(8), None, 0)


@pytest.mark.parametrize("wrong", [{"fold": 1}, {"folds": 5}, {"fold": 6, "folds": 5}])
def test_a_fold_is_one_of_the_folds(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="set both, such as"):
        Part(**wrong)
