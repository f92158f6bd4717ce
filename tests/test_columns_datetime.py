"""Dates are read as Python reads them."""

import datetime as dt
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.blocks import NUMERICAL
from onward.errors import DataError
from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns import moments
from onward.preprocessing.columns.datetime import Datetime
from onward.preprocessing.graph import session

# all ten numbers differ between these
TRAINING = [
    "1999-12-31T23:59:59.5-05:00",
    "2024-02-29 06:30Z",
    "2023-07-04",
    "2001-01-15T12:00",
    "",
]
CLOCK = "[0-9]{2}:[0-5][0-9]"  # Python 3.11 takes offsets with 60 minutes and more
DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
SHAPE = rf"{DATE}([T ]{CLOCK}(:[0-9]{{2}}(\.[0-9]{{1,9}})?)?(Z|[+-]{CLOCK})?)?"


def fitted(training: Sequence[str | None], **settings: Any) -> Datetime:
    column = Datetime(Datetime.Config(name="x", **settings))
    column.fit(pl.Series("x", training, pl.String))
    return column


def encode(column: Datetime, values: Sequence[str]) -> np.ndarray:
    raw = np.array(values, object).reshape(-1, 1)
    numbers: np.ndarray = session(preprocessing([column]).model).run(None, {"x": raw})[0]
    return numbers


def read(text: str) -> dt.datetime | None:
    """By the standard library, which reads more shapes than we do."""
    if not re.fullmatch(SHAPE, text, re.ASCII):
        return None
    try:
        moment = dt.datetime.fromisoformat(re.sub(r"\.[0-9]+", "", text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def numbers(text: str) -> list[float] | None:
    moment = read(text)
    if moment is None:
        return None
    turns = [(moment.month - 1) / 12, (moment.day - 1) / 31, moment.hour / 24, moment.weekday() / 7]
    circles = [f(2 * math.pi * turn) for turn in turns for f in (math.cos, math.sin)]
    offset = moment.utcoffset() or dt.timedelta()
    seconds = (moment.replace(tzinfo=None) - dt.datetime(1, 1, 1) - offset).total_seconds()
    return [*circles, moment.year, seconds]


def reference(training: Sequence[str], values: Sequence[str]) -> np.ndarray:
    known = np.array([row for row in map(numbers, training) if row is not None])
    center, scale = np.median(known, axis=0), known.std(axis=0)
    center[:8], scale[:8] = 0, 1
    rows = [
        np.append(np.clip((np.array(row) - center) / scale, -100, 100), 0)
        if (row := numbers(value)) is not None
        else np.eye(11)[10]
        for value in values
    ]
    return np.array(rows).reshape(-1, 11)


def hostile(count: int) -> list[str]:
    """Right, nearly right and utterly wrong dates."""
    draw = np.random.default_rng(0)
    texts = []
    for _ in range(count):
        year = draw.integers(0, 10_000) if draw.random() < 0.3 else draw.integers(1890, 2110)
        text = f"{year:04}-{draw.integers(0, 14):02}-{draw.integers(0, 33):02}"
        if draw.random() < 0.7:
            text += draw.choice(["T", " "]) + f"{draw.integers(0, 25):02}:{draw.integers(0, 61):02}"
            if draw.random() < 0.7:
                text += f":{draw.integers(0, 61):02}"
                if draw.random() < 0.4:
                    text += f".{draw.integers(0, 10**9)}"
            text += draw.choice(["", "", "Z", f"+{draw.integers(0, 25):02}:30", "-05:00", "-00:60"])
        if draw.random() < 0.15:
            place = int(draw.integers(0, len(text) + 1))
            text = text[:place] + draw.choice(list("xT-:.Z+ 9é\u0663\n\0")) + text[place + 1 :]
        texts.append(str(text))
    wrong = ["", "NaT", "2024", "2024-03", " 2024-03-29", "2024-03-29 ", "2024-03-29T", "12:00"]
    wrong += ["20240329", "2024-W10-1", "2024-03-29\n", "2024-03-29T12", "2024-03-29T12:00:00."]
    wrong += ["0000-01-01", "0000-03-31T00:00:00"]
    wrong += ["0000-02-29", "1900-02-29", "2023-02-29", "+2024-03-29", "2024-03-29T12:00z"]
    right = ["0004-02-29", "2000-02-29", "9999-12-31T23:59:59.999999999-23:59", "0001-01-01"]
    return [*texts, *wrong, *right, "日" * 10_000, "1" * 100_000, "\U0010ffff", "-:.+", "Z"]


def test_ten_thousand_hostile_values_are_read_as_python_reads_them() -> None:
    values = hostile(10_000)
    got = encode(fitted(TRAINING), values)
    want = reference(TRAINING, values)
    assert 0.2 < 1 - want[:, -1].mean() < 0.8
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)


def test_ten_thousand_hostile_values_are_the_moments_that_python_reads() -> None:
    values = hostile(10_000)
    got = moments(Datetime(Datetime.Config(name="x")).field, pl.Series(values))
    read_by_python = [moment and moment.replace(tzinfo=None) for moment in map(read, values)]
    assert got.to_list() == read_by_python


def test_a_moment_is_as_the_column_says_whatever_the_other_rows_are() -> None:
    texts = pl.Series(["03/02/2024", "04/05/2024", "13/01/2024", "2024-01-01", "01/01/1900", None])
    config = Datetime.Config(name="x", format="%d/%m/%Y", missing=("01/01/1900",))
    days = [dt.datetime(2024, 2, 3), dt.datetime(2024, 5, 4), dt.datetime(2024, 1, 13)]
    assert moments(Datetime(config).field, texts).to_list() == [*days, None, None, None]


@given(st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30)), st.sampled_from("T "))
def test_every_date_is_read(moment: dt.datetime, mark: str) -> None:
    values = [moment.isoformat(mark), moment.isoformat(mark) + "Z", str(moment.date())]
    values.append(moment.isoformat(mark, "minutes") + "+14:00")
    np.testing.assert_allclose(
        encode(fitted(TRAINING), values), reference(TRAINING, values), rtol=1e-6, atol=1e-6
    )


@given(st.lists(st.text("0123456789-:T Z.+") | st.from_regex(SHAPE, fullmatch=True)))
def test_what_python_does_not_read_is_missing(values: list[str]) -> None:
    np.testing.assert_allclose(
        encode(fitted(TRAINING), values), reference(TRAINING, values), rtol=1e-6, atol=1e-6
    )


def test_the_same_instant_has_the_same_time_and_its_own_calendar() -> None:
    here, there = encode(fitted(TRAINING), ["2024-03-29T23:00:00-05:00", "2024-03-30T04:00:00Z"])
    assert here[9] == there[9]
    assert (here[4:8] != there[4:8]).all()


def test_numbers_that_never_differ_are_left_out() -> None:
    column = fitted(["2024-01-01", "2024-01-02", "2024-01-05"])
    names = preprocessing([column]).blocks[NUMERICAL].names
    assert names == (
        "x: day of month, cosine",
        "x: day of month, sine",
        "x: weekday, cosine",
        "x: weekday, sine",
        "x: time",
    )


def test_columns_are_read_together_and_keep_their_own_scale() -> None:
    first, second = fitted(TRAINING), Datetime(Datetime.Config(name="y", missing=("2024-01-02",)))
    second.fit(pl.Series("y", ["2024-01-01", "2024-01-02", "2024-01-03"]))
    both = session(preprocessing([first, second]).model)
    raw = np.array(["2024-01-01", "", "2024-01-02"], object).reshape(-1, 1)

    got = both.run(None, {"x": raw, "y": raw})[0]

    alone = session(preprocessing([second]).model).run(None, {"y": raw})[0]
    np.testing.assert_array_equal(got[:, :10], encode(first, raw[:, 0].tolist())[:, :10])
    np.testing.assert_array_equal(got[:, 10:-2], alone[:, :-1])
    np.testing.assert_array_equal(got[:, -2:], [[0, 0], [1, 1], [0, 1]])


def test_a_training_row_without_a_date_can_count_as_missing() -> None:
    column = fitted(["2024-01-01", "29.03.2024", "2024-01-02"], malformed="missing")
    assert column.has_missing


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ([None, ""], "none of the 2 training rows has a date"),
        (["2024-01-01", "2024-01-01T00:00", None], "all 2 training values are the same moment"),
    ],
)
def test_a_column_with_nothing_to_learn_is_refused(
    training: list[str | None], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        fitted(training)
