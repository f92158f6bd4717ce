"""True is 1, false is -1, and all else is 0 and flagged."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onward.blocks import NUMERICAL
from onward.errors import DataError
from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns.boolean import Boolean
from onward.preprocessing.graph import session
from onward.schema import Field
from onward.serving.input_arrays import to_wire
from onward.table.sources import Source

WORDS: dict[str, Any] = {
    "true_values": ("yes", "Yes"),
    "false_values": ("no", "nö"),
    "missing": ("?",),
}


def fitted(training: Sequence[Any], name: str = "x", **settings: Any) -> Boolean:
    column = Boolean(Boolean.Config(name=name, **settings))
    column.fit(pl.Series(name, training, pl.Float64 if column.wire == "number" else pl.String))
    return column


def encode(column: Boolean, values: Sequence[Any]) -> list[list[float]]:
    raw = np.array(values, np.float64 if column.wire == "number" else object).reshape(-1, 1)
    rows: list[list[float]] = session(preprocessing([column]).model).run(None, {"x": raw})[0]
    return [list(row) for row in rows]


@given(st.lists(st.sampled_from([0.0, 1.0, -0.0, math.nan, math.inf, 5e-324]) | st.floats()))
def test_only_the_numbers_1_and_0_are_true_and_false(values: list[float]) -> None:
    got = encode(fitted([0.0, 1.0, None]), values)
    assert got == [[(x == 1) - (x == 0), x not in (0, 1)] for x in values]


@given(
    st.lists(
        st.sampled_from(["yes", "Yes", "YES", "no", "nö", "?", "", " no", "true", "FALSE"])
        | st.text()
    )
)
def test_only_the_texts_of_the_settings_are_true_and_false_beside_these_words(
    values: list[str],
) -> None:
    got = encode(fitted(["yes", "nö", "?"], **WORDS), values)
    signs = {"yes": 1, "Yes": 1, "no": -1, "nö": -1}
    signs |= {"true": 1, "True": 1, "TRUE": 1, "false": -1, "False": -1, "FALSE": -1}
    assert got == [[signs.get(value, 0), value not in signs] for value in values]


def test_texts_and_numbers_stand_side_by_side() -> None:
    columns = [fitted([0.0, 1.0, None], "a"), fitted(["yes", "no"], "b", **WORDS)]
    prepared = preprocessing(columns)
    raw = {"a": np.array([[1.0]]), "b": np.array([["no"]], object)}
    np.testing.assert_array_equal(session(prepared.model).run(None, raw)[0], [[-1, 1, 0]])
    assert prepared.blocks[NUMERICAL].names == ("b", "a", "a is missing")
    assert prepared.blocks[NUMERICAL].owners == ("b", "a", "a")


@pytest.mark.parametrize("training", [[], [None], [1.0, 1.0], [0.0, math.nan]])
def test_a_column_with_one_value_is_refused(training: list[float | None]) -> None:
    with pytest.raises(DataError, match=r"all true or all false\. Remove the column"):
        fitted(training)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"true_values": ("yes",)}, "give both true_values and false_values"),
        ({"true_values": ("y",), "false_values": ("n", "y")}, r"two meanings: \['y'\]"),
        ({"true_values": ("y",), "false_values": ("n", "")}, r"two meanings: \[''\]"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Boolean.Config(name="x", **settings)


@pytest.mark.parametrize("settings", [{}, {"true_values": ("True",), "false_values": ("False",)}])
def test_a_boolean_is_the_same_in_every_file_and_from_every_caller(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    """Whatever it was trained on: typed booleans, or text in any case."""
    column = Boolean(Boolean.Config(name="a", **settings))
    field = Field("a", "boolean", column.wire)
    values = [True, False, None]
    typed, text = tmp_path / "typed.parquet", tmp_path / "text.csv"
    pl.DataFrame({"a": values}).write_parquet(typed)
    text.write_text("a,b\nTRUE,1\nfalse,1\n,1\n")
    read = [Source.for_path(path).scan([field]).collect()["a"] for path in (typed, text)]
    read += [
        pl.Series(to_wire(field, given, 0).ravel().tolist(), dtype=read[0].dtype)
        for given in (values, [True, np.bool_(False), None])
    ]
    column.fit(read[0])
    run = session(preprocessing([column]).model)
    missing = np.nan if column.wire == "number" else ""
    for series in read:
        raw = series.fill_null(missing).to_numpy().reshape(-1, 1)
        raw = raw if column.wire == "number" else raw.astype(object)
        assert run.run(None, {"a": raw})[0][:, 0].tolist() == [1, -1, 0]
