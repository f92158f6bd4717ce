"""Targets become codes or numbers, or are refused with a message that says where."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onward.errors import DataError
from onward.table.target import TargetSettings, encode_targets, refuse_unlearnable

PAY = TargetSettings(name="pay", kind="classes", classes=("low", "high")).target()
PRICE = TargetSettings(name="price", kind="number").target()


@given(st.lists(st.sampled_from(PAY.classes)))
def test_codes_are_the_places_of_the_classes(values: list[str]) -> None:
    values += PAY.classes
    codes = encode_targets(PAY, pl.Series(values))
    assert codes.dtype == np.int64
    assert [PAY.classes[code] for code in codes] == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, unique=True))
def test_numbers_stay_as_they_are(values: list[float]) -> None:
    assert encode_targets(PRICE, pl.Series(values)).tolist() == values


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["low", "low"], "all 2 rows have the value 'low', so there is nothing to predict"),
    ],
)
def test_classes_that_cannot_be_learned_are_refused(values: list[str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        encode_targets(PAY, pl.Series(values))


def test_a_declared_class_must_occur() -> None:
    three = TargetSettings(name="pay", kind="classes", classes=("low", "middle", "high")).target()
    with pytest.raises(DataError, match="no row has the class 'middle'"):
        encode_targets(three, pl.Series(["low", "high"]))


def test_numbers_that_are_all_the_same_are_refused() -> None:
    with pytest.raises(DataError, match=r"all 3 rows have the value 2\.0"):
        encode_targets(PRICE, pl.Series([2.0, 2.0, 2.0]))


def broken(settings: TargetSettings, values: list[str | None]) -> list[list[bool]]:
    rows = pl.DataFrame({settings.name: values}).with_columns(settings.canonical())
    rules = settings.rules(must_be_there=True)
    found = rows.select(rule.broken.fill_null(value=False).alias(rule.what) for rule in rules)
    return [column.to_list() for column in found]


def test_missing_and_undeclared_classes_break_the_rules() -> None:
    settings = TargetSettings(
        name="pay",
        kind="classes",
        classes=("low", "high"),
        missing=("?",),
        spellings={"low": ("LO",)},
    )
    missing, undeclared = broken(settings, ["low", None, "?", "LO", "High"])
    assert missing == [False, True, True, False, False]
    assert undeclared == [False, False, False, False, True]


@pytest.mark.parametrize(
    ("kind", "classes"), [("number", ("a", "b")), ("classes", ("a",)), ("classes", ("a", "b", "a"))]
)
def test_classes_belong_to_their_kind(kind: str, classes: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match=r"remove them|two or more|duplicate values"):
        TargetSettings.model_validate({"name": "pay", "kind": kind, "classes": classes})


@pytest.mark.parametrize(
    ("spellings", "message"),
    [
        ({"medium": ("m",)}, "'medium' is not one of the classes"),
        ({"low": ("l",), "high": ("l",)}, "'l' has two meanings"),
        ({"low": ("high",)}, "'high' has two meanings"),
        ({"low": ("?",)}, r"'\?' has two meanings"),
    ],
)
def test_spellings_mean_one_class(spellings: dict[str, tuple[str, ...]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TargetSettings(
            name="pay", kind="classes", classes=("low", "high"), missing=("?",), spellings=spellings
        )


def test_the_training_rows_must_have_each_class_or_two_numbers() -> None:
    with pytest.raises(DataError, match="none of the 2 training rows has the class 'high'"):
        refuse_unlearnable(PAY, np.array([0, 0]))
    with pytest.raises(DataError, match=r"all 2 training rows have the value 1\.5"):
        refuse_unlearnable(PRICE, np.array([1.5, 1.5]))
