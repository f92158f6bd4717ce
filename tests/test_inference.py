"""What columns seem to be: rules one by one, and whole tables against what people say of them."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.errors import DataError
from onward.preprocessing.columns import Column
from onward.quality.type_inference import Guess, infer, infer_target
from onward.table.sources import Source

DATA = Path(__file__).parents[2] / "shared/data"
KINDS = {"number": "numerical", "category": "categorical", "text": "", "id": ""}
DIFFERENT: Mapping[tuple[str, str], str] = {
    ("covertype_20k", "Soil_Type7"): "'0' in every row",
    ("covertype_20k", "Soil_Type8"): "'0' in all but 1 of 20,000 rows",
    ("covertype_20k", "Soil_Type15"): "'0' in every row",
    ("covertype_20k", "Soil_Type25"): "'0' in all but 1 of 20,000 rows",
    # texts that recur are categories, as long as there is no type for text
    ("employee_salaries", "employee_position_title"): "443 distinct texts",
}


def guess(values: list[Any], name: str = "x") -> Guess:
    return infer(pl.DataFrame({name: values}))[0]


@pytest.mark.parametrize(
    "table",
    [
        *("adult", "california_housing", "covertype_20k", "diamonds", "employee_salaries"),
        *("penguins", "taxis", "telco_churn", "titanic"),
    ],
)
def test_known_tables_are_what_people_say_they_are(table: str) -> None:
    if not (DATA / table).is_dir():
        pytest.skip(f"{table} is not here")
    about = json.loads((DATA / table / "meta.json").read_text())
    kinds = about["column_kinds"]
    truth = {name: KINDS.get(kind, kind) for kind in kinds for name in kinds[kind]}
    source = Source.for_path(DATA / table / about["file"])
    frame = source.read(source.names()).collect()

    target = infer_target(frame[about["target"]])
    classes = frame[about["target"]] if target.target.classes else None
    guesses = infer(frame.drop([about["target"], *kinds["leak"]]), classes)

    for each in guesses:
        if (table, each.name) in DIFFERENT:
            assert DIFFERENT[table, each.name] in each.reason
        else:
            assert each.type == truth[each.name], each
    assert target.head == about["task"]
    if "positive" in about:
        assert target.target.classes[1] == about["positive"]
    marks = set(about["format"].get("na_values", [])) - {""}
    assert {mark for each in guesses for mark in each.missing} == marks


@pytest.mark.parametrize(
    ("values", "type_", "reason"),
    [
        (["1.5", "-2", "3e3"] * 9, "numerical", "numbers from -2 to 3000"),
        (["01234", "01235", "20095"] * 9, "categorical", "3 distinct texts"),
        (["123456789012345678", "9007199254740993"] * 9, "categorical", "2 distinct whole numbers"),
        ([str(2**53 + row) for row in range(30)], "", "30 distinct whole numbers beyond 2^53"),
        (["1", "2", "3", "2"] * 20, "categorical", "1 to 3"),
        (["0", "2", "3", "2"] * 20, "numerical", "whole numbers from 0 to 3"),
        ([str(row) for row in range(30)], "", "row numbers"),
        ([str(row * row) for row in range(30)], "numerical", "0 to 841"),
        ([f"k{row}" for row in range(30)], "", "probably an identifier"),
        ([f"some words {row}" for row in range(30)], "", "free text"),
        ([" ".join(["word"] * 20 + [str(row % 3)]) for row in range(30)], "", "free text"),
        (["a", None, "a"], "", "'a' in every row with a value"),
        ([None, "", "?"], "", "'?' in every row with a value"),
        ([None, None, ""], "", "all values are missing"),
        (["7"] * 999 + ["8"], "", "'7' in all but 1 of 1,000 rows"),
        (["2024-01-05", "2024-01-05T10:11:12.5Z", None], "datetime", "dates from 2024-01-05 to"),
        (["01/02/2024", "3/4/2024"], "", "write them as YYYY-MM-DD"),
        (["01/02/2024", "03/04/2024"], "", "write them as YYYY-MM-DD"),
        (["01/02/2024", "03/24/2024"], "datetime", "'01/02/2024', month first"),
        (["01/02/2024", "24/03/2024"], "datetime", "'01/02/2024', day first"),
        (["Nov 1, 2024", "2024-11-02", "3/4/2024"], "", "dates in several formats, such as 'Nov"),
        ([*map(str, range(9)), "7mm", ">8"], "numerical", "except 2 texts such as '7mm'"),
        (["12", "12A", "3B", "7C", "9D", "12"] * 9, "categorical", "distinct texts"),
        (["no", "Yes", "no"], "boolean", "two values, 'no' and 'Yes'"),
        (["maybe", "Yes", "maybe"] * 2, "categorical", "2 distinct texts"),
        ([True, False, None], "boolean", "'0' and '1'"),
        ([1.5, float("nan"), 2.5], "numerical", "1.5 to 2.5"),
        ([date(2024, 1, 5), None], "datetime", "stored as Date"),
        ([[1], [2]], "", "no built-in column type reads"),
    ],
)
def test_columns_are_what_they_look_like(values: list[Any], type_: str, reason: str) -> None:
    found = guess(values)
    assert found.type == type_
    assert reason in found.reason


@pytest.mark.parametrize(("often", "words"), [(30, 256), (80, 0)])
def test_texts_that_are_mostly_unknown_for_being_rare_have_their_words(
    often: int, words: int
) -> None:
    rare = [f"clerk {level}" for level in (1, 2, 3, 4) for _ in range(5)]
    assert guess([*rare, *["bus driver"] * often]).settings.get("words", 0) == words


def test_other_spellings_are_suggested_of_texts_that_have_their_words() -> None:
    rare = [f"{name} city" for name in ("old", "red", "dry", "wet") for _ in range(5)]
    found = guess([*rare, *["New York"] * 30, *["new york"] * 2])
    assert found.settings["words"] == 256
    assert found.spellings == {"New York": ("new york",)}


@pytest.mark.parametrize(("name", "prefix"), [("tail", "N"), ("flight_code", "")])
def test_values_in_few_rows_are_unknown(name: str, prefix: str) -> None:
    values = [f"{prefix}{value}" for value in (7, *[3] * 10, *[4] * 60)]
    assert guess(values, name).settings["min_count"] == 10
    reason = "1 in fewer than 10 training rows are unknown"
    assert guess(values, name).reason.endswith(reason), "a small share of the rows"
    assert "min_count" not in guess(values[1:], name).settings
    assert "min_count" not in guess(values[:49], name).settings, "each value is rare there"


def test_rare_categories_are_counted_in_the_training_rows() -> None:
    frame = pl.DataFrame({"x": [*"a" * 9, *"b" * 14, *"c" * 77]})
    [found] = infer(frame, training_share=0.7)
    assert found.settings == {"min_count": 10}
    assert "2 in fewer than 10 training rows are unknown, 23% of the rows" in found.reason
    assert "1 in fewer than 10 training rows" in infer(frame)[0].reason
    assert infer(frame.tail(91), training_share=0.7)[0].settings == {}, "none is rare in the table"


@pytest.mark.parametrize(
    ("name", "values", "remedy"),
    [
        ("make", [f"m{row % 10}" for row in range(90)], "type: categorical"),
        ("zip", [f"{row % 10}" for row in range(90)], "type: categorical, values: integer"),
    ],
)
def test_a_column_of_rare_categories_is_left_out(name: str, values: list[str], remedy: str) -> None:
    frame = pl.DataFrame({name: values})
    [found] = infer(frame, training_share=0.7)
    assert found.type == ""
    assert "each in fewer than 10 rows, too few to learn from" in found.reason
    assert found.reason.endswith(remedy)
    more = pl.DataFrame({name: [*values, values[0]]})
    [found] = infer(more, training_share=0.7)
    assert (found.type, found.settings.get("min_count")) == ("categorical", None), "one has 10"


def test_a_column_of_rare_categories_tells_missing_values_from_others() -> None:
    values = [f"m{row % 10}" for row in range(90)]
    found = infer(pl.DataFrame({"x": [*values, *[None] * 15]}), training_share=0.7)[0]
    assert found.settings == {"min_count": 10}
    assert "10 rows, so only missing values are told from others" in found.reason
    assert infer(pl.DataFrame({"x": [*values, None]}), training_share=0.7)[0].type == ""


def test_rare_texts_of_several_words_have_their_words() -> None:
    frame = pl.DataFrame({"x": [f"clerk of level {row % 10}" for row in range(90)]})
    [found] = infer(frame, training_share=0.7)
    assert found.settings == {"words": 256, "min_count": 10}


@pytest.mark.parametrize("name", ["zip", "brewery_id", "StoreCode"])
def test_numbers_with_the_name_of_a_code_are_categories(name: str) -> None:
    repeated = guess([str(10_007 * (row % 30)) for row in range(300)], name)
    assert (repeated.type, repeated.settings) == ("categorical", {"values": "integer"})
    assert guess([str(10_007 * row) for row in range(300)], name).type == ""


@pytest.mark.parametrize(
    ("values", "missing"),
    [
        (["1.5", "2.5", "?", "N/A", " "], (" ", "?", "N/A")),
        (["red", "blue", "NA", "red", "blue"], ("NA",)),
        (["+", "-", "+", "-"], ()),
        ([*"137" * 20, "ERROR", "UNKNOWN"], ("ERROR", "UNKNOWN")),
        (["1", "2", "3", "4", "12 oz"] * 9, ()),
        (["-999", *"1234567"], ("-999",)),
        (["-999", "-3", *"1234567"], ("-999",)),
        (["-999", "-300", *"1234567"], ()),
        (["-999.0", *"1234567", "unknown"], ("-999.0", "unknown")),
    ],
)
def test_texts_that_mean_missing_are_found(values: list[str], missing: tuple[str, ...]) -> None:
    assert guess(values).missing == missing


@pytest.mark.parametrize(
    ("counts", "spellings"),
    [
        ({"Köln": 9, "köln ": 2, "KO\u0308LN": 1}, {"Köln": ("KO\u0308LN", "köln ")}),
        ({"köln": 2, "Köln ": 9, "Köln": 5}, {"Köln": ("Köln ", "köln")}),
        ({" Köln": 9, "Köln ": 5, "KÖLN": 3}, {"Köln": (" Köln", "KÖLN", "Köln ")}),
        ({"Köln ": 9}, {}),
        ({"Chinstrap": 9, "Chin-strap": 9}, {"Chin-strap": ("Chinstrap",)}),
        ({"California": 50, "Californa": 1}, {"California": ("Californa",)}),
        ({"California": 5, "Californa": 1}, {}),
        ({"male": 50, "mule": 1}, {}),
        ({"value 11": 50, "value 12": 1}, {}),
        ({"Female": 50, "Male": 50}, {}),
        ({"+": 5, "-": 5}, {}),
    ],
)
def test_spellings_of_one_value_are_suggested(
    counts: dict[str, int], spellings: dict[str, tuple[str, ...]]
) -> None:
    values = [value for value, rows in counts.items() for _ in range(rows)]
    assert infer_target(pl.Series("y", [*values, "?"])).spellings == spellings
    assert guess([*values, "another", "another", "other", "other"]).spellings == spellings


def test_classes_that_differ_only_in_blanks_are_merged() -> None:
    values = ["paid", "paid ", " paid", "Paid", "not yet", "not\u00a0yet", "late "] * 9
    found = infer_target(pl.Series("y", values))
    assert found.target.classes == ("Paid", "late ", "not yet", "paid")
    assert found.merged == {"not yet": ("not\u00a0yet",), "paid": (" paid", "paid ")}
    assert found.similar_classes == {"paid": ("Paid", "paid")}
    assert found.canonical(pl.Series(values)).unique().sort().to_list() == [*found.target.classes]


def test_whole_numbers_as_classes_are_merged_too() -> None:
    found = infer_target(pl.Series("y", ["0", "0 ", "1", " 1"] * 9))
    assert (found.head, found.target.classes) == ("binary", ("0", "1"))


def test_spellings_that_would_leave_one_class_are_not_proposed() -> None:
    assert infer_target(pl.Series("y", ["yes", "Yes"] * 9)).similar_classes == {}


def test_objects_are_left_out_without_comparing_them() -> None:
    objects = pl.Series("o", [object() for _ in range(30)], dtype=pl.Object)
    frame = pl.DataFrame([objects, objects.alias("again")])
    guesses = infer(frame, pl.Series("y", ["a", "b", "c"] * 10))
    assert [each.reason for each in guesses] == [
        "holds Object, which no built-in column type reads"
    ] * 2


def test_a_column_that_repeats_another_or_the_target_is_left_out() -> None:
    frame = pl.DataFrame({"a": ["x", "y", "z"] * 9, "b": ["u", "v", "w"] * 9})
    frame = frame.with_columns(again=pl.col("a"))
    assert [each.type for each in infer(frame)] == ["categorical", "categorical", ""]
    _, other, _ = infer(frame, frame["a"].alias("target"))
    assert other.reason.startswith("another spelling of the target")


@pytest.mark.parametrize(
    ("values", "head", "classes"),
    [
        (["no", "yes", "yes"], "binary", ("no", "yes")),
        (["a", "b", "a"], "binary", ("a", "b")),
        (["a", "b", "b"], "binary", ("b", "a")),
        (["0", "1"], "binary", ("0", "1")),
        (["2", "10", "1"] * 10, "multiclass", ("1", "2", "10")),
        (["b", "a", "c"] * 2, "multiclass", ("a", "b", "c")),
        ([True, False], "binary", ("false", "true")),
        ([0.0, 1.0], "binary", ("0", "1")),
        ([0.0, 1.0, None, float("nan")], "binary", ("0", "1")),
        ([2.0, 10.0, 1.0] * 10, "multiclass", ("1", "2", "10")),
        (["1.0", "0.0"] * 10, "binary", ("0.0", "1.0")),
        (["1", "2", "3"], "regression", ()),
        (["1.5", "2"], "regression", ()),
    ],
)
def test_the_target_s_kind_and_classes(
    values: list[Any], head: str, classes: tuple[str, ...]
) -> None:
    found = infer_target(pl.Series("y", values))
    assert (found.head, found.target.classes) == (head, classes)


def test_a_skewed_positive_target_is_learned_by_its_logarithm() -> None:
    values = [2.0**power for power in range(20)]
    assert infer_target(pl.Series("y", values)).logarithm
    assert not infer_target(pl.Series("y", [-1.0, *values])).logarithm


@pytest.mark.parametrize(
    ("values", "worth"),
    [
        ([1.2**power + 0.5 for power in range(20)], True),
        ([1e305 * 1.2**power for power in range(20)], True),
        ([-1.0, *(1.2**power for power in range(20))], False),
        ([row + 0.5 for row in range(20)], False),
        ([100 - 1.2**power for power in range(20)], False),
        ([2.0**power for power in range(20)], False),
    ],
)
def test_the_logarithm_of_a_slightly_skewed_positive_target_is_worth_trying(
    values: list[float], worth: bool
) -> None:
    assert infer_target(pl.Series("y", values)).may_be_logarithm == worth


def test_rows_without_a_target_are_counted() -> None:
    assert infer_target(pl.Series("y", ["a", "b", None, "", "?"])).missing == 3


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([None, "a", "a"], "all 2 values are the same"),
        (["a", "a "], "all 2 values are the same, but for blanks"),
        (
            [*map(str, range(50)), "0.05%"] * 2,
            r"2 of 102 values .* the first is '0\.05%' in row 51\.",
        ),
        ([f"2023-0{1 + row % 9}-11" for row in range(900)] + ["2024-01-01", "2024-02-01"], "dates"),
        ([date(2023, 1, 1 + row % 28) for row in range(900)], "28 distinct .* are dates or times"),
        ([datetime(2023, 1, 1 + row % 28, 7) for row in range(900)], "such as '2023-01-01 07"),
        ([f"{1 + row % 28:02}.03.2024" for row in range(900)], "such as days since a fixed date"),
        ([f"text {row}" for row in range(9)], "9 distinct values in 9 rows are neither numbers"),
    ],
)
def test_what_is_no_target_is_refused(values: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        infer_target(pl.Series("y", values))


def test_many_classes_of_few_rows_are_warned_of() -> None:
    warning = "20 classes have 5.0 rows each on average, too few to learn from. Merge rare classes"
    values = [f"k{row % 20}" for row in range(200)]
    assert infer_target(pl.Series("y", values[:100])).warning.startswith(warning)
    assert infer_target(pl.Series("y", values)).warning == ""


def test_a_few_dates_may_be_classes() -> None:
    assert infer_target(pl.Series("y", ["2023-01-01", "2024-01-01", "2025-01-01"] * 9)).head


@given(st.lists(st.none() | st.text(max_size=4) | st.integers().map(str), min_size=1, max_size=40))
def test_whatever_is_in_a_column_it_fits_the_type_that_was_guessed(
    values: list[str | None],
) -> None:
    found = guess(values)
    assert found.reason
    if found.type:
        member = Column.members[found.type]
        built = member(member.Config(name="x", missing=found.missing, **found.settings))
        texts = pl.Series("x", values, pl.String)
        texts = texts.set(texts.str.strip_chars().is_in([*found.missing, ""]), None)
        if built.wire == "number":
            built.fit(texts.str.strip_chars().cast(pl.Float64))
        else:
            built.fit(texts)
