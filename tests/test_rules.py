"""What each type of column asks of a row."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from test_columns_datetime import hostile

from onward.preprocessing.columns import Column
from onward.preprocessing.columns._iso8601 import PLAIN
from onward.preprocessing.columns.datetime import Datetime


def broken(type_: str, values: list[Any], /, **settings: Any) -> dict[str, list[Any]]:
    """What is wrong, and the values it is wrong with."""
    member = Column.members[type_]
    column: Column = member(member.Config(name="x", **settings))
    frame = pl.DataFrame({"x": pl.Series(values, dtype=None if any(values) else pl.Float64)})
    found = {
        rule.what: frame.filter(rule.settle(frame.lazy())[0].broken)["x"].to_list()
        for rule in column.rules()
    }
    return {what: wrong for what, wrong in found.items() if wrong}


@pytest.mark.parametrize(
    ("type_", "settings", "values", "found"),
    [
        ("numerical", {}, [1.0, None, -9.0], {}),
        ("numerical", {"nullable": False}, [1.0, None], {"no value": [None]}),
        ("categorical", {"nullable": False, "missing": ("?",)}, ["a", "?"], {"no value": ["?"]}),
        (
            "numerical",
            {"unique": True},
            [1.0, 2.0, 1.0, None, None],
            {"a value that occurs more than once": [1.0, 1.0]},
        ),
        (
            "numerical",
            {"minimum": 0.0, "maximum": 9.0},
            [-1.0, 0.0, 9.0, 9.5, None],
            {"a number below `minimum: 0`": [-1.0], "a number above `maximum: 9`": [9.5]},
        ),
        ("numerical", {"minimum": 0.0, "clip": True}, [-1.0, 2.0], {}),
        (
            "categorical",
            {"allowed": ("red", "blue"), "spellings": {"red": ("Red",)}, "missing": ("?",)},
            ["red", "Red", "?", None, "green"],
            {"a value that is not allowed": ["green"]},
        ),
        (
            "categorical",
            {"values": "integer", "allowed": (1, 2)},
            [1.0, 2.5, 3.0, None],
            {
                "a value that is not a whole number up to 2^53": [2.5],
                "a value that is not allowed": [2.5, 3.0],
            },
        ),
        ("boolean", {}, [1.0, 0.0, None, 2.0], {"a value that is neither true nor false": [2.0]}),
        (
            "boolean",
            {"true_values": ("yes",), "false_values": ("no",), "missing": ("?",)},
            ["yes", "no", "?", "", "maybe", "True"],
            {"a value that is neither true nor false": ["maybe"]},
        ),
        (
            "datetime",
            {"missing": ("?",)},
            ["2024-01-01", None, "?", "2023-02-29", "29.03.2024", "2024-02-29T10:00:00+01:00"],
            {"a value that is not a date (`format: iso`)": ["2023-02-29", "29.03.2024"]},
        ),
        (
            "datetime",
            {},
            ["2024-01-01", "2024-W07", "2024W07", "2024-W07-3", "2024-W7x"],
            {
                "an ISO week, which no `format` reads": ["2024-W07", "2024W07", "2024-W07-3"],
                "a value that is not a date (`format: iso`)": ["2024-W7x"],
            },
        ),
        ("datetime", {"malformed": "missing"}, ["2023-02-29", "2024-W07"], {}),
        (
            "datetime",
            {"format": "%m/%d/%Y"},
            ["12/31/1999", "13/01/2000"],
            {"a value that is not a date (`format: %m/%d/%Y`)": ["13/01/2000"]},
        ),
        (
            "datetime",
            {"earliest": "2024-01-01", "latest": "2024-12-28T12:00:00Z"},
            ["2023-12-31", "2024-01-01", "2024-01-01T01:00+02:00", "2024-12-28", "2025-01-01"],
            {
                "a date before `earliest: 2024-01-01`": ["2023-12-31", "2024-01-01T01:00+02:00"],
                "a date after `latest: 2024-12-28T12:00:00Z`": ["2025-01-01"],
            },
        ),
    ],
)
def test_rows_break_what_the_settings_ask(
    type_: str, settings: dict[str, Any], values: list[Any], found: dict[str, list[Any]]
) -> None:
    assert broken(type_, values, **settings) == found


def test_what_needs_no_graph_to_be_a_date_is_one() -> None:
    """The short way and the graph agree on ten thousand nearly right dates."""
    values = pl.Series(hostile(10_000))
    column = Datetime(Datetime.Config(name="x"))
    is_date = column._seconds(values).is_not_null()
    assert (values.str.contains(PLAIN) & ~is_date).sum() == 0
    assert 0 < values.str.contains(PLAIN).sum() < is_date.sum()


@given(st.lists(st.none() | st.sampled_from(["2024-02-28", "2024-02-30", "?"]) | st.text()))
def test_a_date_rule_finds_what_the_graph_reads_as_missing(values: list[str | None]) -> None:
    found = broken("datetime", values) if any(values) else {}
    column = Datetime(Datetime.Config(name="x"))
    no_date = column._seconds(pl.Series(values, dtype=pl.String).fill_null("")).is_null()
    wrong = [v for v, is_no_date in zip(values, no_date, strict=True) if v and is_no_date]
    assert [value for each in found.values() for value in each] == wrong


@pytest.mark.parametrize(
    ("type_", "settings", "message"),
    [
        ("numerical", {"clip": True}, "clip needs a minimum or a maximum"),
        ("numerical", {"minimum": 2.0, "maximum": 1.0}, "minimum must be below maximum"),
        ("categorical", {"allowed": (1,)}, "allowed is a list of texts"),
        ("categorical", {"spellings": {"a": ("b",), "b": ("c",)}}, "'b' has two meanings"),
        ("categorical", {"spellings": {"a": ("?",)}, "missing": ("?",)}, "two meanings"),
        ("categorical", {"spellings": {"a": ("b",)}, "values": "integer"}, "texts only"),
        ("datetime", {"earliest": "01/02/2024"}, "should match pattern"),
    ],
)
def test_settings_without_a_meaning_are_refused(
    type_: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        Column.members[type_].Config(name="x", **settings)
