"""Columns of all types side by side, and many rows at once."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.blocks import CATEGORICAL, NUMERICAL
from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns import Column
from onward.preprocessing.columns.datetime import Datetime
from onward.preprocessing.encoder import Encoder
from onward.preprocessing.graph import session

# wire values by column; the last row is missing throughout
TRAINING: dict[str, list[Any]] = {
    "bought": ["2024-02-29T06:30Z", "2023-07-04", "1999-12-31T23:59:59-05:00", None],
    "size": [1.0, 2.5, -3.0, None],
    "is_new": ["yes", "no", "no", None],
    "city": ["Köln", "Paris", "Köln", None],
    "price": [1e11, 2e11, 1e11 + 5, None],
    "stars": [3.0, 5.0, 5.0, None],
    "is_open": [1.0, 0.0, 1.0, None],
    "sold": ["2024-01-01", "2024-01-02", "2024-01-03", None],
}
SETTINGS: dict[str, dict[str, Any]] = {
    "bought": {"type": "datetime"},
    "size": {"type": "numerical", "scaling": "robust"},
    "is_new": {"type": "boolean", "true_values": ("yes",), "false_values": ("no",)},
    "city": {"type": "categorical"},
    "price": {"type": "numerical"},
    "stars": {"type": "categorical", "values": "integer"},
    "is_open": {"type": "boolean"},
    "sold": {"type": "datetime"},
}


def dtype(column: Column) -> Any:
    return pl.Float64 if column.wire == "number" else pl.String


def fitted(names: Sequence[str]) -> list[Column]:
    columns: list[Column] = []
    for name in names:
        member = Column.members[SETTINGS[name]["type"]]
        column: Column = member(member.Config(name=name, **SETTINGS[name]))
        column.fit(pl.Series(name, TRAINING[name], dtype(column)))
        columns.append(column)
    return columns


def table(columns: Sequence[Column], rows: dict[str, list[Any]]) -> pl.DataFrame:
    return pl.DataFrame([pl.Series(c.name, rows[c.name], dtype(c)) for c in columns])


def wire(frame: pl.DataFrame) -> dict[str, np.ndarray]:
    """As a caller of the file sends it."""
    return {
        name: (
            frame[name].fill_null("").to_numpy().astype(object)
            if frame[name].dtype == pl.String
            else frame[name].to_numpy()
        ).reshape(-1, 1)
        for name in frame.columns
    }


def row_by_row(columns: Sequence[Column], frame: pl.DataFrame) -> list[np.ndarray]:
    run = session(preprocessing(columns).model)
    raw = wire(frame)
    rows = [
        run.run(None, {name: values[row : row + 1] for name, values in raw.items()})
        for row in range(len(frame))
    ]
    return [np.concatenate(block) for block in zip(*rows, strict=True)]


def test_each_feature_stands_under_its_owner_and_its_name() -> None:
    columns = fitted(list(TRAINING))
    prepared = preprocessing(columns)
    numerical, categorical = prepared.blocks[NUMERICAL], prepared.blocks[CATEGORICAL]
    raw = wire(table(columns, TRAINING))
    values, codes = session(prepared.model).run(None, raw)
    assert values.shape == (4, len(numerical.owners)) == (4, len(numerical.names))
    assert len(set(numerical.names)) == len(numerical.names)
    assert categorical.owners == ("city", "stars")
    np.testing.assert_array_equal(codes, [[2, 3], [3, 2], [2, 2], [1, 1]])
    flags = [name.endswith("is missing") for name in numerical.names]
    np.testing.assert_array_equal(values[3], flags)
    for name in TRAINING:
        other = {**raw, name: raw[name][[1, 1, 1, 1]]}
        is_changed = (session(prepared.model).run(None, other)[0] != values).any(0)
        assert set(np.array(numerical.owners)[is_changed]) <= {name}


texts = st.none() | st.sampled_from(["Köln", "yes", "2024-02-29", "2023-07-04T12:00"]) | st.text()
numbers = st.none() | st.sampled_from([0.0, 1.0, 5.0]) | st.floats()


@given(st.data(), st.permutations(list(TRAINING)), st.integers(1, len(TRAINING)))
@settings(max_examples=50)
def test_many_rows_become_what_each_becomes_in_the_file(
    data: st.DataObject, order: list[str], count: int
) -> None:
    columns = fitted(order[:count])
    length = data.draw(st.integers(1, 6))
    rows = {
        column.name: data.draw(
            st.lists(texts if column.wire == "text" else numbers, min_size=length, max_size=length)
        )
        for column in columns
    }
    frame = table(columns, rows)

    features = Encoder(columns)(frame)

    got = list(features.values())
    want = row_by_row(columns, frame)
    assert len(got) == len(want)
    for mine, theirs in zip(got, want, strict=True):
        assert mine.dtype == theirs.dtype
        assert mine.tobytes() == theirs.tobytes()


def test_dates_parsed_in_two_pieces_have_the_bits_of_whole_texts() -> None:
    columns = fitted(["bought", "sold"])
    days = [
        "2024-02-29",
        "1999-12-31",
        "0001-01-01",
        "9999-12-31",
        "2024-02-30",
        "2024-2-9",
        "",
        "é",
    ]
    clocks = [
        "",
        "T00:00",
        " 23:59:59.5",
        "T12:34:56+23:59",
        "T00:00-05:30",
        "T24:00",
        "Z",
        "é",
        " ",
    ]
    dates = [day + clock for day in days for clock in clocks]
    frame = table(columns, {"bought": dates, "sold": dates[::-1]})

    [features] = Encoder(columns)(frame).values()

    assert features.tobytes() == row_by_row(columns, frame)[0].tobytes()


def test_a_day_that_is_missing_alone_is_a_date_with_a_time() -> None:
    column = Datetime(Datetime.Config(name="seen", missing=("9999-12-31",)))
    values = pl.Series("seen", ["2024-01-01T08:00", "9999-12-31T08:00", "9999-12-31", None])
    column.fit(values)
    frame = values.to_frame()

    [features] = Encoder([column])(frame).values()

    assert features.tobytes() == row_by_row([column], frame)[0].tobytes()
    assert features[:, -1].tolist() == [0.0, 0.0, 1.0, 1.0]


def test_more_rows_than_one_batch() -> None:
    columns = fitted(list(TRAINING))
    draw = np.random.default_rng(0)
    picks = draw.integers(0, 4, 10_001)
    frame = table(columns, TRAINING)[picks].with_columns(
        size=pl.Series(draw.normal(size=10_001)),
        bought=pl.from_epoch(pl.Series(draw.integers(0, 2**31, 10_001))).dt.strftime("%FT%T"),
    )

    features = Encoder(columns)(frame)

    some = draw.integers(0, 10_001, 200)
    want = row_by_row(columns, frame[some])
    assert features[NUMERICAL][some].tobytes() == want[0].tobytes()
    assert features[CATEGORICAL][some].tobytes() == want[1].tobytes()


@pytest.mark.parametrize("names", [["size"], ["city"], list(TRAINING)])
def test_no_rows_are_no_rows(names: list[str]) -> None:
    columns = fitted(names)
    features = Encoder(columns)(table(columns, {name: [] for name in names}))
    blocks = preprocessing(columns).blocks
    assert list(features) == list(blocks)
    assert all(features[name].shape == (0, *block.shape) for name, block in blocks.items())


def test_nan_and_null_are_the_same() -> None:
    columns = fitted(["size", "stars", "is_open"])
    frame = table(
        columns, {"size": [None, math.nan], "stars": [None, math.nan], "is_open": [None, math.nan]}
    )
    features = Encoder(columns)(frame)
    for block in features.values():
        np.testing.assert_array_equal(block[0], block[1])
