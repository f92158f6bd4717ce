"""The contract that every way of splitting keeps."""

from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onward.errors import ConfigError, DataError
from onward.table.splits import SPLITS, Split
from onward.table.splits.hash import fractions

SETTINGS = {name: {"name": "by"} for name in ("column", "group", "hash", "time")}
DRAWN = sorted(set(Split.members) - {"time"})
every_type = pytest.mark.parametrize("name", sorted(Split.members))


def split(name: str, **settings: Any) -> Split:
    member = Split.members[name]
    built: Split = member(member.Config(**settings, **SETTINGS.get(name, {})))
    return built


def assign_part(name: str, rows: int = 1000, seed: int = 0) -> np.ndarray:
    targets = np.arange(rows) % 4 // 3  # a quarter has class 1
    return split(name).assign(targets, column(name, rows), seed)


def column(name: str, rows: int) -> pl.Series:
    """For the type, the values of the column that it reads."""
    if name == "column":
        return pl.Series("by", ["test" if row % 5 == 0 else "train" for row in range(rows)])
    return pl.Series("by", [f"{2000 + row * 7 % rows // 3}" for row in range(rows)])


@every_type
def test_type_is_the_name_of_the_file(name: str) -> None:
    assert Split.members[name].__module__ == f"onward.table.splits.{name}"


@every_type
def test_each_row_has_a_split_and_the_seed_decides_which(name: str) -> None:
    splits = assign_part(name)
    assert len(splits) == 1000
    assert set(splits.tolist()) == set(range(len(SPLITS)))
    np.testing.assert_array_equal(assign_part(name), splits)
    assert (assign_part(name, seed=1) != splits).any() == (name in DRAWN)


@every_type
def test_shares_are_about_those_asked_for(name: str) -> None:
    shares = np.bincount(assign_part(name, rows=6000)) / 6000
    wanted = (0.68, 0.12, 0.2) if name == "column" else (0.7, 0.15, 0.15)
    np.testing.assert_allclose(shares, wanted, atol=0.02)


@every_type
def test_a_split_without_rows_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="none of the 2 rows is in"):
        assign_part(name, rows=2)


@given(st.integers(10, 500), st.floats(0.1, 0.4), st.floats(0.1, 0.4))
def test_random_shares_are_those_asked_for(rows: int, validation: float, test: float) -> None:
    splits = split("random", validation=validation, test=test).assign(np.zeros(rows), None, 0)
    assert (splits == 1).sum() == round(validation * rows)
    assert (splits == 2).sum() == round(test * rows)


def test_stratified_shares_are_the_same_in_each_class() -> None:
    splits = assign_part("stratified")
    targets = np.arange(1000) % 4 // 3
    for place in range(3):
        assert abs(targets[splits == place].mean() - 0.25) < 0.01


@given(st.integers(3, 40), st.floats(0.05, 0.45), st.floats(0.05, 0.45))
def test_stratified_puts_a_class_of_three_rows_or_more_into_each_split(
    rare: int, validation: float, test: float
) -> None:
    targets = np.repeat([0, 1], [300, rare])
    splits = split("stratified", validation=validation, test=test).assign(targets, None, 0)
    assert set(splits[targets == 1].tolist()) == {0, 1, 2}


def test_stratified_needs_classes() -> None:
    with pytest.raises(ConfigError, match=r"Use .type: random.$"):
        split("stratified").assign(np.array([1.5, 2.5]), None, 0)


def test_the_column_decides_and_validation_is_drawn_from_training() -> None:
    splits = assign_part("column")
    assert (np.flatnonzero(splits == 2) % 5 == 0).all()
    assert (splits == 1).sum() == round(0.15 * 800)
    given_splits = pl.Series(["train", "validation", "test", "train"])
    got = split("column").assign(np.arange(4), given_splits, 0)
    assert got.tolist() == [0, 1, 2, 0]


def test_another_word_in_the_column_is_refused() -> None:
    with pytest.raises(DataError, match=r"2 of 4 values are not .* the first is 'dev'"):
        split("column").assign(np.arange(4), pl.Series(["train", "dev", None, "test"]), 0)


def test_shares_must_leave_rows_for_training() -> None:
    with pytest.raises(ValidationError, match="validation \\+ test must be below 1"):
        split("random", validation=0.5, test=0.5)


@pytest.mark.parametrize("name", ["group", "hash", "time"])
def test_rows_with_the_same_value_are_not_parted(name: str) -> None:
    found = pl.DataFrame({"by": column(name, 900), "part": assign_part(name, rows=900)})
    assert found.group_by("by").agg(pl.col("part").n_unique())["part"].max() == 1
    assert found["by"].n_unique() == 300


def test_a_group_of_half_the_rows_is_for_training_and_the_others_fill_up() -> None:
    groups = pl.Series(["big"] * 500 + [f"{row}" for row in range(500)])
    splits = split("group").assign(np.arange(1000), groups, 3)
    assert set(splits[:500].tolist()) == {0}
    assert np.bincount(splits).tolist() == [700, 150, 150]


@given(st.lists(st.text(min_size=1, max_size=3)), st.integers(0, 2**32 - 1))
def test_rows_that_are_added_move_no_row_of_a_hash_split(added: list[str], seed: int) -> None:
    old = [f"customer {row}" for row in range(200)]
    before = split("hash").assign(np.zeros(200), pl.Series(old), seed)
    new = [*added, *old]
    after = split("hash").assign(np.zeros(len(new)), pl.Series(new), seed)
    np.testing.assert_array_equal(after[len(added) :], before)


def test_the_fractions_of_keys_never_change() -> None:
    assert fractions(pl.Series(["a", "é", "a"]), 7).round(6).tolist() == [
        0.443382,
        0.644346,
        0.443382,
    ]


def test_fractions_of_numbered_keys_are_uniform_and_their_seeds_independent() -> None:
    texts = pl.Series([str(row) for row in range(20_000)])
    first, second = fractions(texts, 0), fractions(texts, 1)
    counts = np.histogram2d(first, second, bins=10, range=[[0, 1], [0, 1]])[0]
    assert ((counts - 200) ** 2 / 200).sum() < 149  # 0.999 of chi-squared with 99 degrees


def test_a_key_counts_as_it_is_written_whether_declared_a_number_or_not() -> None:
    rows = [*range(100), 2.5]
    as_numbers = split("hash").assign(np.zeros(101), pl.Series(rows, dtype=pl.Float64), 0)
    as_texts = split("hash").assign(np.zeros(101), pl.Series([f"{row:g}" for row in rows]), 0)
    np.testing.assert_array_equal(as_numbers, as_texts)


@given(st.lists(st.datetimes(), min_size=20, max_size=60), st.sampled_from(["T", " "]))
def test_time_runs_from_train_through_validation_to_test(dates: list[datetime], mark: str) -> None:
    texts = pl.Series("by", [date.isoformat(mark) + "Z" for date in dates])
    try:
        splits = split("time").assign(np.zeros(len(dates)), texts, 0)
    except DataError:
        assert len(set(dates)) < len(dates)  # too many at one instant
        return
    when = np.array(dates)
    assert when[splits == 0].max() < when[splits == 1].min()
    assert when[splits == 1].max() < when[splits == 2].min()


def test_numbers_as_text_are_in_the_order_of_numbers() -> None:
    got = split("time", validation=0.25, test=0.25).assign(
        np.zeros(4), pl.Series(["9", "10", "100", "2"]), 0
    )
    assert got.tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize(
    ("dates", "message"),
    [
        (["2024-01-01", "soon"], "1 of 2 values are neither numbers .* first is 'soon'"),
        (["2024-01-01T10:00Z", "2024-01-01T10:00+02:00"], "offset Z, others .02:00"),
        (["2024-01-01T10:00", "2024-01-01T10:00Z"], "offset none, others Z"),
    ],
)
def test_dates_whose_order_is_unknown_are_refused(dates: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        split("time").assign(np.zeros(2), pl.Series("by", dates), 0)


@pytest.mark.parametrize("name", ["group", "hash", "time"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_row_without_a_value_is_refused(name: str, nothing: str | None) -> None:
    with pytest.raises(DataError, match="'by': 1 of 3 rows have no value, the first is row 2"):
        split(name).assign(np.zeros(3), pl.Series("by", ["2024", nothing, "2025"]), 0)


def test_a_split_by_time_knows_the_rows_that_an_earlier_model_was_trained_on() -> None:
    by_time, targets = split("time"), np.arange(20) % 2
    days = pl.Series("by", [f"2024-01-{day:02}" for day in range(1, 21)])
    splits = by_time.assign(targets, days, 0)
    last = by_time.last_trained(splits, days)
    assert last == "2024-01-14"
    by_time.refuse_trained(splits, days, last)

    fewer = days[10:]  # the boundary moves on with the rows, and the mark stays
    later = by_time.assign(targets[10:], fewer, 0)
    assert by_time.last_trained(later, fewer, "2024-02-01") == "2024-02-01"

    late = pl.concat([days, pl.Series("by", ["2023-12-31"] * 20)])
    moved = by_time.assign(np.arange(40) % 2, late, 0)
    with pytest.raises(DataError, match="6 validation and test rows are not later than '2024-01"):
        by_time.refuse_trained(moved, late, last)


def test_validation_rows_that_are_drawn_may_be_known_to_an_earlier_model() -> None:
    by_column, values = split("column"), column("column", 100)
    splits = by_column.assign(np.arange(100) % 2, values, 0)
    with pytest.raises(DataError, match="no row has 'validation' in the split column 'by'"):
        by_column.refuse_trained(splits, values, None)
    declared = pl.concat([values, pl.Series("by", ["validation"])])
    by_column.refuse_trained(by_column.assign(np.arange(101) % 2, declared, 0), declared, None)
