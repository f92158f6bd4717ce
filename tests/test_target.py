"""Targets become codes or numbers, or are refused with a message that says where."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onward.errors import DataError
from onward.target import TargetSettings, encoded, refuse_unlearnable

PAY = TargetSettings(name="pay", kind="classes", classes=("low", "high")).target()
PRICE = TargetSettings(name="price", kind="number").target()


@given(st.lists(st.sampled_from(PAY.classes)))
def test_codes_are_the_places_of_the_classes(values: list[str]) -> None:
    values += PAY.classes
    codes = encoded(PAY, pl.Series(values))
    assert codes.dtype == np.int64
    assert [PAY.classes[code] for code in codes] == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, unique=True))
def test_numbers_stay_as_they_are(values: list[float]) -> None:
    assert encoded(PRICE, pl.Series(values)).tolist() == values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["low", None, "high", None], "2 of 4 rows have no value, the first is row 2"),
        (["low", "low"], "all 2 rows have the value 'low'; there is nothing to predict"),
        (["low", "High", "high"], r"1 of 3 rows have a class .* is 'High' in row 2\. Declared"),
    ],
)
def test_classes_that_cannot_be_learned_are_refused(values: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        encoded(PAY, pl.Series(values))


def test_a_declared_class_must_occur() -> None:
    three = TargetSettings(name="pay", kind="classes", classes=("low", "middle", "high")).target()
    with pytest.raises(DataError, match="no row has the class 'middle'"):
        encoded(three, pl.Series(["low", "high"]))


@pytest.mark.parametrize("values", [[2.0, 2.0, 2.0], [1.0, float("inf")]])
def test_numbers_that_cannot_be_learned_are_refused(values: list[float]) -> None:
    with pytest.raises(DataError, match=r"all 3 rows have the value 2\.0|row 2 has inf"):
        encoded(PRICE, pl.Series(values))


@pytest.mark.parametrize(
    ("kind", "classes"), [("number", ("a", "b")), ("classes", ("a",)), ("classes", ("a", "b", "a"))]
)
def test_classes_belong_to_their_kind(kind: str, classes: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match=r"remove them|two or more|a value twice"):
        TargetSettings.model_validate({"name": "pay", "kind": kind, "classes": classes})


def test_the_training_rows_must_have_each_class_or_two_numbers() -> None:
    with pytest.raises(DataError, match="none of the 2 training rows has the class 'high'"):
        refuse_unlearnable(PAY, np.array([0, 0]))
    with pytest.raises(DataError, match=r"all 2 training rows have the value 1\.5"):
        refuse_unlearnable(PRICE, np.array([1.5, 1.5]))
