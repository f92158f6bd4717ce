"""Numbers are scaled as numpy scales them."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.blocks import NUMERICAL
from onward.errors import DataError
from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns.numerical import Numerical
from onward.preprocessing.graph import session


def fitted(training: Sequence[Any], name: str = "x", **settings: Any) -> Numerical:
    column = Numerical(Numerical.Config(name=name, **settings))
    column.fit(pl.Series(name, training, pl.Float64 if column.wire == "number" else pl.String))
    return column


def encode(column: Numerical, values: Sequence[Any]) -> np.ndarray:
    missing, dtype = (math.nan, np.float64) if column.wire == "number" else ("", object)
    raw = np.array([missing if value is None else value for value in values], dtype)
    run = session(preprocessing([column]).model)
    features: np.ndarray = run.run(None, {"x": raw.reshape(-1, 1)})[0]
    return features


numbers = st.lists(st.none() | st.floats(-1e300, 1e300), min_size=2, max_size=30)


@given(numbers, st.lists(st.floats()))
def test_standard_scaling_is_numpy_s(training: list[float | None], values: list[float]) -> None:
    present = np.array([value for value in training if value is not None])
    if not len(present) or np.ptp(present) <= max(1e-6 * np.abs(present).max(), 1e-37):
        with pytest.raises(DataError, match="Remove the column from the config"):
            fitted(training, scaling="standard")
        return
    column = fitted(training, scaling="standard")

    got = encode(column, values)

    size = np.abs(present).max()
    small = present / size
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = (np.array(values) / size - small.mean()) / small.std()
    want = np.where(np.isfinite(values), scaled.clip(-100, 100), 0)
    np.testing.assert_allclose(got[:, 0], want, rtol=1e-4, atol=1e-4)
    assert got.shape[1] == 1 + (None in training)


def test_robust_scaling_bends_what_is_far_out() -> None:
    column = fitted([float(value) for value in range(-50, 51)])
    far, middle, near = encode(column, [1e9, 0.0, 1.0])[:, 0]
    assert far == pytest.approx(100 / (1 + (100 / 30) ** 2) ** 0.5, abs=0.01)
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
    column = fitted(known.tolist(), scaling="quantile")

    got = encode(column, [*values, *known])[:, 0]

    shares = np.linspace(0, 1, 100)
    center = np.median(known)
    known = known - center
    gap, tiniest = 1e-12, 1e-30 * np.ptp(known)
    knots: list[tuple[float, list[float]]] = []
    previous = 0.0
    for place, share in zip(np.quantile(known, shares), shares, strict=True):
        if place - previous > gap * max(abs(place), abs(previous)) + tiniest or not knots:
            knots.append((place, []))
        knots[-1][1].append(share)
        previous = place
    edge = 0.5 / len(known)
    middles = np.clip([np.mean(shares) for _, shares in knots], edge, 1 - edge)
    heights = [NormalDist().inv_cdf(share) for share in middles]
    raw = np.array([*values, *(known + center)]) - center
    want = np.where(np.isfinite(raw), np.interp(raw, [place for place, _ in knots], heights), 0)
    np.testing.assert_allclose(got, want, atol=1e-4)


@pytest.mark.parametrize("scaling", ["robust", "quantile"])
@pytest.mark.parametrize("far", [1e6, 2.0**31 - 1, 1e15, 1e20])
def test_a_few_huge_values_leave_the_others_apart(scaling: str, far: float) -> None:
    values = [*map(float, range(1000)), far, far, -far]
    got = encode(fitted(values, scaling=scaling), values)[:1000, 0]
    assert len(np.unique(got)) >= 900


def test_a_number_that_is_mostly_zero_keeps_the_others_apart() -> None:
    amounts = [float(value) for value in range(1, 100)]
    column = fitted([*[0.0] * 900, *amounts, 1e12])
    got = encode(column, amounts)[:, 0]
    assert np.diff(got).min() > 1e-3


def test_minmax_scaling_is_between_0_and_1() -> None:
    column = fitted([2.0, 4.0, 10.0], scaling="minmax")
    np.testing.assert_allclose(encode(column, [2.0, 4.0, 10.0, 18.0])[:, 0], [0, 0.25, 1, 2])


def test_quantile_scaling_makes_any_distribution_normal() -> None:
    values = np.exp(3 * np.random.default_rng(0).normal(size=20_000))
    got = encode(fitted(values.tolist(), scaling="quantile"), values.tolist())
    np.testing.assert_allclose(got.mean(), 0, atol=0.02)
    np.testing.assert_allclose(got.std(), 1, atol=0.05)
    assert (np.argsort(got[:, 0]) == np.argsort(values)).mean() > 0.99


def test_columns_of_all_scalings_stand_side_by_side() -> None:
    scalings: dict[str, Any] = {"a": "quantile", "b": "standard", "c": "robust"}
    columns = [fitted([1.0, 2.0, 4.0, None], name, scaling=x) for name, x in scalings.items()]
    prepared = preprocessing(columns)
    raw = np.array([[1.0], [3.0], [math.nan], [9.0]])
    got = session(preprocessing(columns).model).run(None, {"a": raw, "b": raw, "c": raw})[0]
    for place, owner in enumerate(prepared.blocks[NUMERICAL].owners):
        column = next(column for column in columns if column.name == owner)
        alone = session(preprocessing([column]).model).run(None, {owner: raw})[0]
        np.testing.assert_array_equal(got[:, place], alone[:, int(place >= 3)])


def test_values_that_onnxruntime_takes_for_zero_are_refused() -> None:
    with pytest.raises(DataError, match="all 2 training values are 0, or differ only by rounding"):
        fitted([0.0, 1e-100])


def test_large_ids_keep_their_distance() -> None:
    """In float32 their last digits would be lost."""
    ids = [1e11 + 2000 * step for step in range(100)]
    assert len(set(encode(fitted(ids), ids)[:, 0])) == 100


def test_clipped_numbers_count_as_the_bound() -> None:
    column = fitted([0, 10, 1000, None], minimum=0.0, maximum=10.0, clip=True)
    got = encode(column, [-5, 0, 10, 1e300, None, math.inf])
    np.testing.assert_array_equal(got[0], got[1])
    np.testing.assert_array_equal(got[3], got[2])
    assert got[4].tolist() == got[5].tolist() == [0, 1]
    free = fitted([0, 10, 10, None])
    np.testing.assert_array_equal(got[:3], encode(free, [0, 0, 10]))
