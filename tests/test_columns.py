"""The contract that every type of column keeps. A new type is tested as soon as its file exists."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.columns import Column
from onward.errors import DataError
from onward.preprocessing import preprocessing

every_type = pytest.mark.parametrize("name", sorted(Column.members))


def fitted(name: str, training: Sequence[Any], /, **settings: Any) -> Column:
    member = Column.members[name]
    column: Column = member(member.Config(name="x", **{**member.example_settings, **settings}))
    dtype = pl.Float64 if column.wire == "number" else pl.String
    column.fit(pl.Series("x", training, dtype))
    return column


def session(*columns: Column) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(preprocessing(columns).model.SerializeToString())


def encode(run: onnxruntime.InferenceSession, values: list[Any]) -> np.ndarray:
    is_text = run.get_inputs()[0].type == "tensor(string)"
    missing, dtype = ("", object) if is_text else (math.nan, np.float64)
    raw = np.array([missing if value is None else value for value in values], dtype)
    parts = run.run(None, {"x": raw.reshape(-1, 1)})
    return np.concatenate([part.astype(np.float64) for part in parts], 1)


def example(name: str) -> onnxruntime.InferenceSession:
    return session(fitted(name, list(Column.members[name].examples)))


def anything(name: str) -> st.SearchStrategy[list[Any]]:
    """Whatever a caller can send: seen, unseen, missing, huge."""
    member = Column.members[name]
    is_text = any(isinstance(value, str) for value in member.examples)
    unseen = st.text() if is_text else st.floats()
    return st.lists(st.none() | st.sampled_from(list(member.examples)) | unseen)


@every_type
def test_type_is_the_name_of_the_file(name: str) -> None:
    assert Column.members[name].__module__ == f"onward.columns.{name}"


@every_type
def test_examples_become_their_numbers(name: str) -> None:
    examples = Column.members[name].examples
    got = encode(example(name), list(examples))
    np.testing.assert_allclose(got, list(examples.values()), atol=1e-6)


@every_type
@given(st.data())
def test_numbers_are_finite_and_no_row_depends_on_another(name: str, data: st.DataObject) -> None:
    values = data.draw(anything(name))
    run = example(name)
    together = encode(run, values)
    assert np.isfinite(together).all()
    for row, value in enumerate(values):
        np.testing.assert_array_equal(encode(run, [value])[0], together[row])


numbers = st.lists(st.none() | st.floats(-1e300, 1e300), min_size=2, max_size=30)


@given(numbers, st.lists(st.floats()))
def test_standard_scaling_is_numpy_s(training: list[float | None], values: list[float]) -> None:
    present = np.array([value for value in training if value is not None])
    if not len(present) or np.ptp(present) <= max(1e-6 * np.abs(present).max(), 1e-37):
        with pytest.raises(DataError, match="Remove the column from the config"):
            fitted("numerical", training)
        return
    run = session(fitted("numerical", training))

    got = encode(run, values)

    size = np.abs(present).max()
    small = present / size
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (np.array(values) / size - small.mean()) / small.std()
    want = np.where(np.isfinite(values), scaled.clip(-100, 100), 0)
    np.testing.assert_allclose(got[:, 0], want, rtol=1e-4, atol=1e-4)
    assert got.shape[1] == 1 + (None in training)


def test_robust_scaling_bends_what_is_far_out() -> None:
    run = session(fitted("numerical", [float(value) for value in range(-50, 51)], scaling="robust"))
    far, middle, near = encode(run, [1e9, 0.0, 1.0])[:, 0]
    assert far == pytest.approx(3.0, abs=0.01)
    assert middle == 0
    assert near == pytest.approx(1.349 / 50, rel=1e-3)


@given(
    st.lists(st.floats(-1e9, 1e9) | st.integers(-2, 2).map(float), min_size=2),
    st.lists(st.floats()),
    st.booleans(),
)
def test_quantile_scaling_is_numpy_s_interpolation(
    training: list[float], values: list[float], is_skewed: bool
) -> None:
    known = np.sinh(np.array(training) / 1e8) if is_skewed else np.array(training)
    if np.ptp(known) <= max(1e-6 * np.abs(known).max(), 1e-37):
        return
    run = session(fitted("numerical", known.tolist(), scaling="quantile"))

    got = encode(run, [*values, *known])[:, 0]

    shares = np.linspace(0, 1, 100)
    knots: list[tuple[float, list[float]]] = []
    previous = -np.inf
    for place, share in zip(np.quantile(known, shares), shares, strict=True):
        if place - previous > 1e-12 * np.ptp(known):
            knots.append((place, []))
        knots[-1][1].append(share)
        previous = place
    edge = 0.5 / len(known)
    middles = np.clip([np.mean(shares) for _, shares in knots], edge, 1 - edge)
    heights = [NormalDist().inv_cdf(share) for share in middles]
    raw = np.array([*values, *known])
    want = np.where(np.isfinite(raw), np.interp(raw, [place for place, _ in knots], heights), 0)
    np.testing.assert_allclose(got, want, atol=1e-4)


def test_quantile_scaling_makes_any_distribution_normal() -> None:
    values = np.exp(3 * np.random.default_rng(0).normal(size=20_000))
    got = encode(session(fitted("numerical", values.tolist(), scaling="quantile")), values.tolist())
    np.testing.assert_allclose(got.mean(), 0, atol=0.02)
    np.testing.assert_allclose(got.std(), 1, atol=0.05)
    assert (np.argsort(got[:, 0]) == np.argsort(values)).mean() > 0.99


def test_columns_of_all_scalings_stand_side_by_side() -> None:
    columns = []
    for name, scaling in zip("abc", ("quantile", "standard", "robust"), strict=True):
        column: Any = Column.members["numerical"]
        columns.append(column(column.Config(name=name, scaling=scaling)))
        columns[-1].fit(pl.Series(name, [1.0, 2.0, 4.0, None]))
    prepared = preprocessing(columns)
    raw = np.array([[1.0], [3.0], [math.nan], [9.0]])
    got = session(*columns).run(None, {"a": raw, "b": raw, "c": raw})[0]
    assert prepared.numerical is not None
    for place, owner in enumerate(prepared.numerical.owners):
        column = next(column for column in columns if column.name == owner)
        alone = session(column).run(None, {owner: raw})[0]
        np.testing.assert_array_equal(got[:, place], alone[:, int(place >= 3)])


def test_values_that_onnxruntime_takes_for_zero_are_refused() -> None:
    with pytest.raises(DataError, match="all 2 training values are 0, or as good as that"):
        fitted("numerical", [0.0, 1e-100])


def test_large_ids_keep_their_distance() -> None:
    """In float32 their last digits would be lost."""
    ids = [1e11 + 2000 * step for step in range(100)]
    assert len(set(encode(session(fitted("numerical", ids)), ids)[:, 0])) == 100


labels = st.sampled_from(["a", "b", "é", "A", " a", "日本", "?"]) | st.text(max_size=3)


@given(st.lists(st.none() | labels, max_size=40), st.lists(st.none() | labels), st.integers(1, 3))
def test_codes_are_places_in_the_order_of_frequency(
    training: list[str | None], values: list[str | None], min_count: int
) -> None:
    present = [value for value in training if value not in (None, "", "?")]
    counts = {value: present.count(value) for value in present}
    kept = sorted(
        (value for value in counts if counts[value] >= min_count),
        key=lambda value: (-counts[value], str(value).encode()),
    )
    if not kept:
        with pytest.raises(DataError, match="Lower min_count, or remove the column"):
            fitted("categorical", training, min_count=min_count, missing=("?",))
        return
    column = fitted("categorical", training, min_count=min_count, missing=("?",))

    got = encode(session(column), values)[:, 0]

    codes: dict[Any, int] = {
        None: 1,
        "": 1,
        "?": 1,
        **{value: code for code, value in enumerate(kept, 2)},
    }
    assert got.tolist() == [codes.get(value, 0) for value in values]
    assert column.cardinality == 2 + len(kept)


@given(st.lists(st.none() | st.floats() | st.integers(-3, 3)))
def test_only_the_whole_numbers_seen_in_training_have_codes(values: list[float | None]) -> None:
    column = fitted("categorical", [1, 1, 3, -2, None], values="integer")
    got = encode(session(column), values)[:, 0]
    codes: dict[Any, int] = {1: 2, -2: 3, 3: 4}
    want = [1 if value is None or math.isnan(value) else codes.get(value, 0) for value in values]
    assert got.tolist() == want


def test_fractions_are_no_integer_categories() -> None:
    with pytest.raises(DataError, match=r"1 of 2 training values .* the first is 1\.5\. Declare"):
        fitted("categorical", [1.0, 1.5], values="integer")
