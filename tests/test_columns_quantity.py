"""Numbers with units are what plain Python says, and travel as text."""

import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onward import Predictor
from onward.blocks import NUMERICAL
from onward.errors import ConfigError, DataError
from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns import Column, numbers
from onward.preprocessing.columns.numerical import Numerical
from onward.preprocessing.columns.quantity import Quantity
from onward.preprocessing.derivations import Derivation, model_of
from onward.preprocessing.graph import session
from onward.quality.type_inference import infer, infer_target
from onward.schema import Field, Schema, Target
from onward.serving.input_arrays import to_wire
from onward.settings.config import section
from onward.stages import export, prepare, train

UNITS = {"kg": 1.0, "g": 0.001, "$": 2.0, "": 5.0, "m2": 7.0, "°C": 1.0, "per hour": 3.0}


def column(**settings: Any) -> Quantity:
    return Quantity(Quantity.Config(name="x", **{"units": UNITS, **settings}))


def read(texts: Sequence[str], **settings: Any) -> list[float | None]:
    """By the graph."""
    return numbers(column(**settings).field, pl.Series("x", texts, pl.String)).to_list()


def plain(text: str, thousands: str) -> float | None:
    """The same, in plain Python."""
    body = text.strip(" ")
    sign = body[:1] if body[:1] in ("+", "-") else ""
    body = body.removeprefix(sign).strip(" ")
    for unit, factor in UNITS.items():
        bare = [body.removesuffix(unit)] if body.endswith(unit) else []
        if unit and body.startswith(unit) and not unit[-1].isdigit():
            bare.append(body.removeprefix(unit))
        for number in bare:
            whole, point, rest = re.fullmatch("([^.e]*)([.]?)(.*)", number.strip(" ")).groups()  # type: ignore[union-attr]
            if thousands and re.fullmatch("[0-9]{1,3}(,[0-9]{3})+", whole):
                whole = whole.replace(",", "")
            with suppress(ValueError):
                return float(f"{sign}{whole}{point}{rest}") * factor
    return None


signs = st.sampled_from(["", "+", "-", "- "])
wholes = st.sampled_from(["0", "7", "12", "1234", "1,234", "12,345,678", "1,23", ",5", "00"])
fractions = st.sampled_from(["", ".", ".5", ".25", "e3", ".5e12", "..", "e"])
blanks = st.sampled_from(["", " ", "   "])
units = st.sampled_from([*UNITS, "lb", "k"])


@given(signs, wholes, fractions, blanks, units, st.booleans(), st.sampled_from(["", ","]))
def test_a_number_with_a_unit_is_what_python_says(
    sign: str, whole: str, fraction: str, blank: str, unit: str, is_first: bool, thousands: str
) -> None:
    number = f"{whole}{fraction}"
    body = f"{unit}{blank}{number}" if is_first else f"{number}{blank}{unit}"
    text = f"{blank}{sign}{body}{blank}"
    want = plain(text, thousands)
    [got] = read([text], thousands=thousands)
    assert got == (None if want is None else pytest.approx(want, rel=1e-15))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12.5 kg", 12.5),
        ("-$5", -10.0),
        ("($5)", -10.0),
        (" ( $1,200.50 ) ", -2401.0),
        ("(12 kg)", -12.0),
        ("\u221212 kg", -12.0),
        ("(-12 kg)", None),
        ("(12 kg", None),
        ("12 kg)", None),
        ("()", None),
        ("-(12 kg)", None),
        ("$ 1,200", 2400.0),
        ("45m2", 315.0),
        ("3per hour", 9.0),
        ("2500g", 2.5),
        ("20 °C", 20.0),
        ("12 KG", None),
        ("12kg kg", None),
        ("m2 5", None),
        ("1e999 kg", None),
        ("9" * 400 + " kg", None),
        ("12 kg\n", None),
        ("nan kg", None),
        ("kg", None),
        ("", None),
        ("$.5", 1.0),
        ("4/3", None),
        ("1.3333333333333333", 5 * 1.3333333333333333),
        ("123456789012345678", 5 * 123456789012345678.0),
        ("1.5E-3 kg", 0.0015),
        ("1e99", 5e99),
        ("1e100", None),
        ("kg 5", 5.0),
        ("kg .5", None),
    ],
)
def test_what_counts_as_a_number(text: str, number: float | None) -> None:
    [got] = read([text], thousands=",")
    assert got == (None if number is None else pytest.approx(number))


def test_decimal_commas_are_read_where_they_are_declared() -> None:
    german = {"decimal": ",", "thousands": "."}
    assert read(["1.234,5 kg", "0,5kg", "1.5 kg", "2.000 g"], **german) == [1234.5, 0.5, None, 2.0]


def test_columns_that_write_numbers_otherwise_are_read_side_by_side() -> None:
    columns = [
        Quantity(Quantity.Config(name="a", units={"kg": 1}, missing=("9 kg", "8 kg"))),
        Quantity(Quantity.Config(name="b", units={"€": 1}, decimal=",", scaling="quantile")),
        Quantity(Quantity.Config(name="c", units={"%": 1}, missing=("7%",))),
    ]
    texts = [["1 kg", "2.5 kg", "9 kg"], ["1,5 €", "2,5 €", "9,25 €"], ["5%", "7%", "-1.5%"]]
    for each, values in zip(columns, texts, strict=True):
        each.fit(pl.Series(each.name, values))
    feed = {
        each.name: np.array(values, object).reshape(-1, 1)
        for each, values in zip(columns, texts, strict=True)
    }
    prepared = preprocessing(columns)
    [together] = session(prepared.model).run(None, feed)
    for each in columns:
        alone = preprocessing([each])
        [want] = session(alone.model).run(None, {each.name: feed[each.name]})
        places = [
            p for p, owner in enumerate(prepared.blocks[NUMERICAL].owners) if owner == each.name
        ]
        np.testing.assert_array_equal(together[:, places], want)


def test_a_quantity_is_encoded_as_its_numbers_are() -> None:
    values = [1.0, 2.5, None, 40.0]
    texts = ["1 kg", "2500 g", "?", "40kg"]
    quantity = Quantity(Quantity.Config(name="x", units={"kg": 1, "g": 0.001}, missing=("?",)))
    quantity.fit(pl.Series("x", texts))
    numerical = Numerical(Numerical.Config(name="x"))
    numerical.fit(pl.Series("x", values, pl.Float64))
    [got] = session(preprocessing([quantity]).model).run(
        None, {"x": np.array(texts, object).reshape(-1, 1)}
    )
    raw = np.array([math.nan if value is None else value for value in values]).reshape(-1, 1)
    [want] = session(preprocessing([numerical]).model).run(None, {"x": raw})
    np.testing.assert_allclose(got, want)


def test_a_declared_text_is_missing_though_it_is_a_quantity() -> None:
    assert read(["-999 kg", "5 kg"], missing=("-999 kg",)) == [None, 5.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"units": {}}, "at least 1 item"),
        ({"units": {" kg": 1}}, "blanks around it"),
        ({"units": {"5": 1}}, "can be part of a number"),
        ({"units": {"e": 1}}, "can be part of a number"),
        ({"units": {"e3": 1, "": 1}}, "can be part of a number"),
        ({"units": {"$": 1, "$.": 1}}, "'$.5' could be of ['$', '$.']"),
        ({"units": {"kg": 0}}, "greater than"),
        ({"clip": True, "minimum": 0}, "Extra inputs are not permitted"),
    ],
)
def test_units_that_cannot_be_told_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        column(**settings)


def test_rules_name_what_is_no_quantity_and_what_is_out_of_bounds() -> None:
    rows = pl.LazyFrame({"x": ["1 kg", "12", "0.5 g", "900 kg", None, "?", "  "]})
    rules = column(units={"kg": 1, "g": 0.001}, missing=("?",), minimum=0.1, maximum=100).rules()
    settled = [part for rule in rules for part in rule.settle(rows)]
    found = {rule.what: rows.select(rule.broken).collect().to_series() for rule in settled}
    places = {
        what: broken.fill_null(value=False).arg_true().to_list() for what, broken in found.items()
    }
    assert places == {
        "a value that is not a number with kg or g": [1],
        "a number below `minimum: 0.1`": [2],
        "a number above `maximum: 100`": [3],
    }


def test_a_decimal_comma_has_a_remedy() -> None:
    [rule] = column(units={"": 1}).rules()
    assert 'set `decimal: ","`' in rule.remedy
    [rule] = column(units={"": 1}, decimal=",").rules()
    assert "decimal" not in rule.remedy


def test_conversions_are_counted() -> None:
    changes = column(units={"kg": 1, "g": 0.001}, missing=("?",)).changes()
    rows = pl.DataFrame({"x": ["1 kg", "12 g", "0.5 g", None, "?"]})
    counts = {what: rows.select(found.sum()).item() for what, found in changes.items()}
    assert counts == {"g counts as 0.001": 2, "counts as missing": 1}


@pytest.mark.parametrize(
    ("form", "decimal", "settings"),
    [
        ("{:.1f} kg", ".", {"units": {"kg": 1.0}}),
        ("${:,.0f}", ".", {"units": {"$": 1.0}, "thousands": ","}),
        ("EUR {:.2f}", ".", {"units": {"EUR": 1.0}}),
        ("{:.0f}g", ".", {"units": {"g": 1.0}}),
        ("{:.0f}%", ",", {"units": {"%": 1.0}, "decimal": ","}),
        ("{:.0f},5 t", ",", {"units": {"t": 1.0}, "decimal": ","}),
    ],
)
def test_units_are_found(form: str, decimal: str, settings: dict[str, Any]) -> None:
    draw = np.random.default_rng(0)
    values = [form.format(number) for number in draw.uniform(1, 5_000, 60)]
    [guess] = infer(pl.DataFrame({"x": values}), None, decimal)
    assert (guess.type, dict(guess.settings)) == ("quantity", settings)
    Quantity.Config.model_validate({"name": "x", **guess.settings})


def test_units_of_one_size_are_converted_to_the_usual_one() -> None:
    values = [f"{number} ft" for number in range(20)] + ["2 m", "N/A"]
    [guess] = infer(pl.DataFrame({"x": values}))
    assert guess.settings["units"] == {"ft": 1.0, "m": pytest.approx(1 / 0.3048)}
    assert (
        guess.reason
        == "numbers with ft, m, from 0 to 19 ft; missing in 1 of 22 rows, written 'N/A'"
    )


@pytest.mark.parametrize(
    ("form", "type_"),
    [
        ("{:.0f} kg/{:.0f} cm", ""),
        ("{:05.0f}A", ""),
        ("{:012.0f}Z", ""),
        ("{:.0f}wd", ""),
        ("4,{:03.0f} kg", ""),
        ("{:.0f} pm", ""),
    ],
)
def test_names_and_doubtful_numbers_are_no_quantities(form: str, type_: str) -> None:
    values = [form.format(number, number) for number in range(60)]
    [guess] = infer(pl.DataFrame({"x": values}))
    assert guess.type == type_


@pytest.mark.parametrize(
    "values",
    [["12 kg", "13 cm", "5 kg"], ["2XL", "3XL", "4XL"], ["6e", "5e", "4e"], ["20s", "30s"]],
)
def test_a_few_recurring_texts_are_categories(values: list[str]) -> None:
    [guess] = infer(pl.DataFrame({"x": values * 20}))
    assert guess.type == "categorical"


def test_a_quantity_that_does_not_vary_is_left_out() -> None:
    [guess] = infer(pl.DataFrame({"x": ["5%", "5.0%"] * 20}))
    assert (guess.type, guess.reason) == ("", "nearly constant: all numbers are about 5 %")


def test_a_target_with_units_is_refused() -> None:
    with pytest.raises(
        DataError, match="such as '0%' have units, which are converted in columns only"
    ):
        infer_target(pl.Series("y", [f"{number}%" for number in range(60)]))


def test_numbers_without_a_unit_are_sent_as_numbers_where_they_mean_something() -> None:
    field = column(missing=("-999",)).field
    np.testing.assert_array_equal(
        to_wire(field, [12, "3 kg", None, np.float32(0.5), 4 / 3, 1e-4 / 3, -999], 0).ravel(),
        ["12.0", "3 kg", "", "0.5", "1.3333333333333333", "3.3333333333333335e-05", ""],
    )
    for value in (4 / 3, 0.1 + 0.2, -0.00012345678901234567, 1e-9 / 7, 123456789012345678.0):
        [[text]] = to_wire(field, [value], 0)
        assert read([text]) == [pytest.approx(5 * value, rel=1e-15)]
    for wrong in (3 + 4j, 10**400, Decimal("sNaN")):
        with pytest.raises(DataError, match=r"row 3: .* expected a finite number"):
            to_wire(field, [wrong], 3)
    with pytest.raises(DataError, match="row 0: 12 is of the type int, expected text with a unit"):
        to_wire(column(units={"kg": 1}).field, [12], 0)


def test_only_a_field_with_units_says_so_in_a_schema() -> None:
    target = Target("y", "number")
    with_units = Schema((column(thousands=",").field,), target)
    assert Schema.load(with_units.dump()) == with_units
    [written] = json.loads(with_units.dump())["columns"]
    assert written["settings"] == with_units.columns[0].settings
    without = json.loads(Schema((Field("a", "numerical", "number"),), target).dump())
    assert without["columns"] == [
        {"name": "a", "type": "numerical", "wire": "number", "missing": []}
    ]


def test_units_of_the_first_format_of_schemas_are_read() -> None:
    schema = Schema((column(units={"kg": 1, "g": 0.001}).field,), Target("y", "number"))
    document = json.loads(schema.dump())
    [written] = document["columns"]
    settings = written.pop("settings")
    written |= settings | {"units": [["kg", 1.0], ["g", 0.001]]}
    assert Schema.load(json.dumps(document)) == schema


CONFIG = """
prepare:
  source: {type: csv, path: table.csv}
  target: {name: price, kind: number}
  split: {type: random, validation: 0.2, test: 0.2}
  derive:
    density: {type: formula, expression: weight / size}
  columns:
    weight: {type: quantity, units: {kg: 1, g: 0.001}}
    size: {type: numerical}
    density: {type: numerical}
train:
  network: {model: {type: mlp, width: 8}, head: {type: regression}}
  learner: {max_epochs: 2}
export: {}
"""


def _folder(folder: Path, rows: int = 300) -> pl.DataFrame:
    draw = np.random.default_rng(0)
    weight, size = draw.uniform(0.5, 3, rows), draw.uniform(1, 2, rows).round(3)
    texts = [f"{w:.3f} kg" if place % 2 else f"{1000 * w:.0f}g" for place, w in enumerate(weight)]
    price = weight / size + draw.normal(0, 0.5, rows)
    table = pl.DataFrame({"weight": texts, "size": size, "price": price.round(4)})
    table.write_csv(folder / "table.csv")
    (folder / "config.yaml").write_text(CONFIG)
    return table


def test_from_a_table_to_a_file_that_takes_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _folder(tmp_path)
    work, config = tmp_path / "artifacts", Path("config.yaml")
    for name, stage in (("prepare", prepare), ("train", train), ("export", export)):
        stage.run(section(config, name, stage.Settings), work)

    data = json.loads((work / "prepare/data.json").read_text())
    assert data["columns"][0]["max"] <= 3
    changed = {"column": "weight", "what": "g counts as 0.001", "count": 150}
    assert data["quality"]["changes"] == [changed]
    predict = Predictor(work / "export/model.onnx", unreadable="missing")
    rows = [{"weight": text, "size": 1.5} for text in ("2 kg", "2000 g", "2.0kg", "much", None)]
    first, second, third, none, missing = predict(rows)["value"]
    assert first == second == third != none == missing
    model = onnx.load(work / "export/model.onnx")
    assert [each.name for each in model.graph.input] == ["weight", "size"]


def test_checks_are_of_the_converted_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _folder(tmp_path)
    heavy = "  checks:\n    - {type: expression, holds: weight < 2.9}\n  derive:"
    Path("heavy.yaml").write_text(CONFIG.replace("  derive:", heavy))
    settings = section(Path("heavy.yaml"), "prepare", prepare.Settings)
    with pytest.raises(
        DataError, match=r"rows have values that violate `weight < 2.9`; the first is"
    ):
        prepare.run(settings, tmp_path / "artifacts")
    text = CONFIG.replace("  derive:", heavy).replace("weight < 2.9", "note < 2")
    Path("text.yaml").write_text(text)
    pl.read_csv("table.csv").with_columns(note=pl.lit("a")).write_csv("table.csv")
    settings = section(Path("text.yaml"), "prepare", prepare.Settings)
    with pytest.raises(ConfigError, match="cannot compare string with numeric type"):
        prepare.run(settings, tmp_path / "artifacts")


def test_categories_of_a_quantity_are_its_whole_numbers() -> None:
    weights = column(units={"kg": 1, "g": 0.001})
    cross = Derivation.members["cross"]
    made = cross(cross.Config(name="both", columns=("x", "y")))
    other = Column.build(Column.members["categorical"].Config(name="y"))
    model = model_of([weights, other], [made], {"both": "category"})
    feed = {"x": [["2 kg"], ["2000 g"], ["2.5 kg"]], "y": [["a"], ["a"], ["a"]]}
    [got] = session(model).run(None, {name: np.array(v, object) for name, v in feed.items()})
    assert got[0, 0] == got[1, 0] != got[2, 0]


def test_a_text_that_is_no_quantity_is_refused_by_row_and_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _folder(tmp_path).with_columns(
        pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("12")).otherwise("weight").alias("weight")
    ).write_csv("table.csv")
    settings = section(Path("config.yaml"), "prepare", prepare.Settings)
    with pytest.raises(
        DataError,
        match=r"'weight': 1 of 300 .*not a number with kg or g; .*'12' in row 8 \(line 9\)",
    ):
        prepare.run(settings, tmp_path / "artifacts")


def test_what_adds_up_to_the_target_is_found_in_quantities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    table = _folder(tmp_path)
    kilograms = numbers(column(units={"kg": 1, "g": 0.001}).field, table["weight"])
    table.with_columns(price=kilograms + table["size"]).write_csv("table.csv")
    settings = section(Path("config.yaml"), "prepare", prepare.Settings)
    with pytest.raises(
        DataError, match=r"columns 'weight' \+ 'size' add up to 100.0% of the target"
    ):
        prepare.run(settings, tmp_path / "artifacts")


@pytest.mark.parametrize(
    ("thousands", "decimal", "texts"),
    [
        (" ", ",", ["1 234,5", "1\u00a0234,5", "1\u202f234,5", "1234,5", " 1 234,5 "]),
        ("'", ".", ["1'234.5", "1\u2019234.5"]),
        (",", ".", ["1,234.5"]),
    ],
)
def test_marks_between_thousands_have_variants(
    thousands: str, decimal: str, texts: list[str]
) -> None:
    got = read(texts, units={"": 1.0}, thousands=thousands, decimal=decimal)
    assert got == [1234.5] * len(texts)


def test_groups_of_two_as_in_india_are_read() -> None:
    assert read(["12,34,567.5", "1,23,456"], units={"": 1.0}, thousands=",") == [1234567.5, 123456]
