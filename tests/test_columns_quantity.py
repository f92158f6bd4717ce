"""Numbers with units are what plain Python says, and travel as text."""

import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress
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
from onward.columns import numbers
from onward.columns.numerical import Numerical
from onward.columns.quantity import Quantity
from onward.config import section
from onward.errors import DataError
from onward.graph import session
from onward.inference import infer
from onward.preprocessing import preprocessing
from onward.schema import Field, Schema, Target
from onward.stages import export, prepare, train
from onward.wire import to_wire

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
    ],
)
def test_what_counts_as_a_number(text: str, number: float | None) -> None:
    [got] = read([text], thousands=",")
    assert got == (None if number is None else pytest.approx(number))


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
        ({"units": {"e3": 1, "": 1}}, "'1e3' could be of ''"),
        ({"units": {"kg": 0}}, "greater than"),
        ({"clip": True, "minimum": 0}, "clip is not for quantities"),
    ],
)
def test_units_that_cannot_be_told_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(message)):
        column(**settings)


def test_rules_name_what_is_no_quantity_and_what_is_out_of_bounds() -> None:
    rows = pl.LazyFrame({"x": ["1 kg", "12", "0.5 g", "900 kg", None, "?"]})
    rules = column(units={"kg": 1, "g": 0.001}, missing=("?",), minimum=0.1, maximum=100).rules()
    settled = [part for rule in rules for part in rule.settled(rows)]
    found = {rule.what: rows.select(rule.broken).collect().to_series() for rule in settled}
    places = {
        what: broken.fill_null(value=False).arg_true().to_list() for what, broken in found.items()
    }
    assert places == {
        "no number with kg or g": [1],
        "a number below `minimum: 0.1`": [2],
        "a number above `maximum: 100`": [3],
    }


def test_conversions_are_counted() -> None:
    changes = column(units={"kg": 1, "g": 0.001}).changes()
    rows = pl.DataFrame({"x": ["1 kg", "12 g", "0.5 g", None]})
    counts = {what: rows.select(found.sum()).item() for what, found in changes.items()}
    assert counts == {"g counts as 0.001": 2}


@pytest.mark.parametrize(
    ("values", "units", "commas"),
    [
        (["1.5 kg", "200 g", "3 kg", "12 kg"], {"kg": 1.0, "g": 0.001}, False),
        (["$1,200.50", "$30", "$7", "-$5"], {"$": 1.0}, True),
        (["45%", "3.5%", "12 %", "n/a"], {"%": 1.0}, False),
        (["6 ft", "7 ft", "2 m"], {"ft": 1.0, "m": 3.28083989501}, False),
    ],
)
def test_units_are_found(values: list[str], units: dict[str, float], commas: bool) -> None:
    [guess] = infer(pl.DataFrame({"x": values * 10}))
    assert (guess.type, guess.settings["units"]) == ("quantity", units)
    assert guess.settings.get("thousands") == ("," if commas else None)
    Quantity.Config.model_validate({"name": "x", "missing": guess.missing, **guess.settings})


@pytest.mark.parametrize(
    "values",
    [["12 kg", "13 cm", "5 kg"], ["1st", "2nd", "3rd"], ["1,5 kg", "2 kg"], ["A1", "B1", "C1"]],
)
def test_what_measures_different_things_is_no_quantity(values: list[str]) -> None:
    [guess] = infer(pl.DataFrame({"x": values * 10}))
    assert guess.type != "quantity"


def test_numbers_without_a_unit_are_sent_as_numbers_where_they_mean_something() -> None:
    field = column().field
    np.testing.assert_array_equal(
        to_wire(field, [12, "3 kg", None, np.float32(0.5)], 0).ravel(), ["12.0", "3 kg", "", "0.5"]
    )
    with pytest.raises(DataError, match="row 0: 12 is of the type int, and text with a unit"):
        to_wire(column(units={"kg": 1}).field, [12], 0)


def test_only_a_field_with_units_says_so_in_a_schema() -> None:
    target = Target("y", "number")
    with_units = Schema((column(thousands=",").field,), target)
    assert Schema.load(with_units.dump()) == with_units
    without = json.loads(Schema((Field("a", "numerical", "number"),), target).dump())
    assert without["columns"] == [
        {"name": "a", "type": "numerical", "wire": "number", "missing": []}
    ]


CONFIG = """
prepare:
  source: {type: csv, path: table.csv}
  target: {name: price, kind: number}
  split: {type: random, validation: 0.2, test: 0.2}
  derive:
    - {type: formula, name: density, expression: weight / size}
  columns:
    - {type: quantity, name: weight, units: {kg: 1, g: 0.001}}
    - {type: numerical, name: size}
    - {type: numerical, name: density}
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
    predict = Predictor(work / "export/model.onnx")
    rows = [{"weight": text, "size": 1.5} for text in ("2 kg", "2000 g", "2.0kg", "much", None)]
    first, second, third, none, missing = predict(rows)["value"]
    assert first == second == third != none == missing
    model = onnx.load(work / "export/model.onnx")
    assert [each.name for each in model.graph.input] == ["weight", "size"]


def test_a_text_that_is_no_quantity_is_refused_by_row_and_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _folder(tmp_path).with_columns(
        pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("12")).otherwise("weight").alias("weight")
    ).write_csv("table.csv")
    settings = section(Path("config.yaml"), "prepare", prepare.Settings)
    with pytest.raises(
        DataError, match=r"'weight': 1 of 300 .*no number with kg or g; .*'12' in row 8 \(line 9\)"
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
