"""The contract that every type of column keeps. A new type is tested as soon as its file exists."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.columns import Column
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
