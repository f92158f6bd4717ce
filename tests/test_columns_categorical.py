"""Categories are codes by frequency, or as declared."""

import math
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onward.errors import DataError
from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns.categorical import Categorical
from onward.preprocessing.graph import session


def fitted(training: Sequence[Any], name: str = "x", **settings: Any) -> Categorical:
    column = Categorical(Categorical.Config(name=name, **settings))
    column.fit(pl.Series(name, training, pl.Float64 if column.wire == "number" else pl.String))
    return column


def encode(column: Categorical, values: Sequence[Any]) -> np.ndarray:
    missing, dtype = (math.nan, np.float64) if column.wire == "number" else ("", object)
    raw = np.array([missing if value is None else value for value in values], dtype)
    run = session(preprocessing([column]).model)
    features: np.ndarray = run.run(None, {"x": raw.reshape(-1, 1)})[0]
    return features


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
    if not counts:
        with pytest.raises(DataError, match="no category occurs in the"):
            fitted(training, min_count=min_count, missing=("?",))
        return
    column = fitted(training, min_count=min_count, missing=("?",))

    got = encode(column, values)[:, 0]

    codes: dict[Any, int] = {
        None: 1,
        "": 1,
        "?": 1,
        **{value: code for code, value in enumerate(kept, 2)},
    }
    assert got.tolist() == [codes.get(value, 0) for value in values]
    assert column.cardinality == 2 + len(kept)
    assert bool(column.warnings()) == (not kept)


@given(st.lists(st.none() | st.floats() | st.integers(-3, 3)))
def test_only_the_whole_numbers_seen_in_training_have_codes(values: list[float | None]) -> None:
    column = fitted([1, 1, 3, -2, None], values="integer")
    got = encode(column, values)[:, 0]
    codes: dict[Any, int] = {1: 2, -2: 3, 3: 4}
    want = [1 if value is None or math.isnan(value) else codes.get(value, 0) for value in values]
    assert got.tolist() == want


def test_nan_is_a_missing_integer() -> None:
    assert encode(fitted([1.0, math.nan], values="integer"), [math.nan, 1]).tolist() == [[1], [2]]


def test_declared_values_come_in_their_order_and_others_are_unknown() -> None:
    column = fitted(["high", "low", "low", "huge", None], order=("low", "middle", "high"))
    assert encode(column, ["low", "high", "middle", "huge", None]).ravel().tolist() == [
        2,
        3,
        0,
        0,
        1,
    ]
    assert column.cardinality == 4
    numbers = fitted([3, 3, 1, 2], values="integer", order=(1, 2, 3), min_count=1)
    assert encode(numbers, [1, 2, 3, 4]).ravel().tolist() == [2, 3, 4, 0]


def test_no_declared_value_in_training_is_refused() -> None:
    with pytest.raises(DataError, match="Correct order, or remove"):
        fitted(["low"], order=("Low",))


def test_observed_spellings_of_a_value_share_its_code() -> None:
    training = ["Köln", "KÖLN ", "Ko\u0308ln", "Paris", "paris", "N/A", " ", "Bonn"]
    column = fitted(training, merge_spellings=True, missing=("n/a",), min_count=2)
    got = encode(column, [*training, "PARIS", "bonn", "", "n/a", None]).ravel()
    assert got.tolist() == [2, 2, 2, 3, 3, 1, 1, 0, 0, 0, 1, 1, 1]
    assert column.cardinality == 4


@given(st.lists(st.sampled_from(["a", "A", " a", "\u00e9", "e\u0301", "b", "", None]) | st.text()))
def test_merging_changes_no_value_that_has_one_spelling(training: list[str | None]) -> None:
    present = {text for text in training if text and text.strip()}
    if not present:
        return
    codes = encode(fitted(training, merge_spellings=True), list(present)).ravel()
    keys = [unicodedata.normalize("NFKC", text).casefold().strip() for text in present]
    assert (codes >= 2).all()
    for code, key in zip(codes, keys, strict=True):
        for other_code, other_key in zip(codes, keys, strict=True):
            assert key != other_key or code == other_code


def test_the_same_rows_in_another_order_make_the_same_file() -> None:
    training = [f"value {number % 300}" for number in range(1000)]
    first, second = fitted(training), fitted(training[::-1])
    assert preprocessing([first]).model == preprocessing([second]).model


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"order": (1, 2)}, "order is a list of texts"),
        ({"values": "integer", "order": ("1",)}, "order is a list of whole numbers"),
        ({"values": "integer", "merge_spellings": True}, "for texts only"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Categorical.Config(name="x", **settings)


def test_declared_spellings_share_a_code_even_unseen() -> None:
    column = fitted(["red", "Red", "blue"], spellings={"red": ("Red", "rot"), "green": ("Green",)})
    got = encode(column, ["red", "Red", "rot", "blue", "green", "Green"]).ravel()
    assert got.tolist() == [2, 2, 2, 3, 0, 0]


def test_a_value_never_seen_still_has_its_words() -> None:
    training = ["Bus Operator", "bus  Driver", "Fire/Rescue Captain,", "Captain"] * 3 + ["Once"]
    column = fitted(training, words=3)

    codes, words = both(column, ["(Captain) operator", "Captain Bus Captain", "", "Once"])

    assert column.words.all == ("bus", "captain", "driver")
    assert codes[:, 0].tolist() == [0, 0, 1, 6]
    assert words.tolist() == [[0, 0, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0]]


@given(st.lists(st.text("ab ,", max_size=9)), st.lists(st.text("aAb ,", max_size=40)))
def test_words_are_what_stands_between_blanks(training: list[str], values: list[str]) -> None:
    training = [*training, "b,", "b,", "b,"]
    column = fitted(training, words=2)
    seen = {form: form.strip(",") for text in training for form in text.split(" ")}

    _, words = both(column, values)

    for text, row in zip(values, words, strict=True):
        pieces = [piece for piece in text.split(" ") if piece][:16]
        has = {seen[piece] for piece in pieces if piece in seen}
        assert row.tolist() == [float(word in has) for word in column.words.all]


def both(column: Categorical, values: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    raw = np.array(values, object).reshape(-1, 1)
    words, codes = session(preprocessing([column]).model).run(None, {"x": raw})
    return codes, words


def started(known: Categorical, training: Sequence[Any], **settings: Any) -> Categorical:
    """A column of other settings that continues from another one."""
    column = Categorical(Categorical.Config(name="x", **settings))
    column.restore(known.dump())
    column.extend(pl.Series("x", training, pl.String))
    return column


def test_a_spelling_that_was_a_category_gets_the_code_of_its_meaning() -> None:
    known = fitted(["Paris", "Paris", "Paris F", "Ulm"])
    column = started(known, ["Paris", "Paris F"], spellings={"Paris": ("Paris F",)})
    assert encode(column, ["Paris", "Paris F", "Ulm"])[:, 0].tolist() == [2, 2, 4]


def test_a_text_that_no_longer_means_missing_becomes_a_category() -> None:
    known = fitted(["a", "N/A", "?", ""], missing=("?", "n/a"), merge_spellings=True)
    column = started(known, ["a", "?"], missing=("n/a",), merge_spellings=True)
    assert encode(column, ["a", "?", "N/A", ""])[:, 0].tolist() == [2, 3, 1, 1]
