"""Rows in any form get the same predictions, and what does not fit is one clear error."""

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from example_model import CLASSES, HOSTILE, TABLE, echo, edit, example
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from onward import Predictor
from onward.errors import ArtifactError, DataError
from onward.schema import Field
from onward.serving.input_arrays import to_wire
from onward.serving.predictor import TOLERANCE, rows_at_once

AGE = Field("age", "numerical", "number", ("?", "-999"))
CITY = Field("city", "categorical", "text")
DAY = Field("day", "datetime", "text")

TYPES = {"age": pa.float64(), "city": pa.string(), "day": pa.string()}
FORMS: dict[str, Callable[[dict[str, list[Any]]], Any]] = {
    "dict of lists": dict,
    "dict of tuples": lambda columns: {name: tuple(values) for name, values in columns.items()},
    "dict of arrays": lambda columns: {name: np.array(v, object) for name, v in columns.items()},
    "list of dicts": lambda columns: [
        dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)
    ],
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "record batch": pa.RecordBatch.from_pydict,
    "arrow only": lambda columns: ArrowOnly(pa.table(columns)),
    "interchange only": lambda columns: InterchangeOnly(
        pa.table(columns, schema=pa.schema([(name, TYPES[name]) for name in columns]))
    ),
}


class ArrowOnly:
    """A frame of a library that we do not know."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


class InterchangeOnly:
    """A frame of an older library that we do not know."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __dataframe__(self, nan_as_null: bool = False, allow_copy: bool = True) -> object:
        return self._table.__dataframe__(nan_as_null, allow_copy)


@pytest.fixture(scope="module")
def echoing(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor(echo(tmp_path_factory.mktemp("echo") / "model.onnx", [AGE, CITY, DAY]))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example(tmp_path_factory.mktemp("example") / "model.onnx")


def sent(field: Field, value: Any) -> Any:
    """What the model gets for a value."""
    return to_wire(field, [value], 0).item()


def rows(count: int = 1, **columns: Any) -> dict[str, Any]:
    """Columns for the echoing model, good but for those given."""
    return {
        "age": [39.0] * count,
        "city": ["Köln"] * count,
        "day": ["2020-01-02"] * count,
    } | columns


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
cells = st.tuples(st.none() | st.floats(), st.none() | texts, st.none() | texts)


@pytest.mark.parametrize("form", FORMS)
@given(table=st.lists(cells, min_size=1, max_size=5), order=st.permutations(["age", "city", "day"]))
def test_every_form_of_a_table_says_the_same(
    echoing: Predictor, form: str, table: list[Any], order: list[str]
) -> None:
    columns = dict(zip(["age", "city", "day"], map(list, zip(*table, strict=True)), strict=True))

    got = echoing(FORMS[form]({name: columns[name] for name in order}))

    numbers = [np.nan if value in (None, -999) else value for value in columns["age"]]
    np.testing.assert_array_equal(got["age sent"].ravel(), np.array(numbers, float))
    for name in ("city", "day"):
        assert got[f"{name} sent"].ravel().tolist() == [value or "" for value in columns[name]]


@pytest.mark.parametrize(
    "nothing",
    [None, np.nan, np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT"), ""],
    ids=repr,
)
def test_a_missing_value_can_be_written_in_many_ways(nothing: Any) -> None:
    assert np.isnan(sent(AGE, nothing))
    assert sent(CITY, nothing) == ""
    assert sent(DAY, nothing) == ""


def test_the_texts_that_mean_missing_do_so_as_numbers_too() -> None:
    values = ["?", " ? ", "-999", -999, Decimal("-999.0"), Decimal("nan"), 39]
    np.testing.assert_array_equal(to_wire(AGE, values, 0).ravel(), [np.nan] * 6 + [39.0])
    assert np.isnan(to_wire(AGE, np.array([-999], np.int16), 0).item())


def test_a_masked_value_is_missing(echoing: Predictor) -> None:
    masked = np.ma.MaskedArray([1, 2], mask=[False, True])
    names = np.ma.MaskedArray(["a", "b"], mask=[True, False])
    got = echoing(rows(2, age=masked, city=names))
    np.testing.assert_array_equal(got["age sent"].ravel(), [1, np.nan])
    assert got["city sent"].ravel().tolist() == ["", "b"]


@pytest.mark.parametrize(
    "value",
    [3, 3.0, np.int8(3), np.uint64(3), np.float16(3), np.longdouble(3), Decimal(3), Fraction(3)],
    ids=lambda value: type(value).__name__,
)
def test_every_number_is_a_number(value: Any) -> None:
    assert sent(AGE, value) == 3.0
    assert to_wire(AGE, np.array([value]), 0).item() == 3.0


@pytest.mark.parametrize("dtype", ["?", "i1", "u8", "<f4", ">f8", ">i4", "f2", "O"])
def test_arrays_of_every_type_of_number_are_taken(dtype: str) -> None:
    np.testing.assert_array_equal(to_wire(AGE, np.array([0, 1], dtype), 0), [[0.0], [1.0]])


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"age": pd.array([True, None], "boolean")}),
        pd.DataFrame({"age": pd.array([1, None], "Int64")}),
        pl.DataFrame({"age": [True, None]}),
        pl.DataFrame({"age": pl.Series([Decimal("1.0"), None])}),
        pa.table({"age": pa.array([1, None], pa.uint8())}),
    ],
)
def test_nullable_numbers_are_taken(echoing: Predictor, frame: Any) -> None:
    got = echoing({"age": frame["age"], "city": ["a", "b"], "day": ["", ""]})
    np.testing.assert_array_equal(got["age sent"].ravel(), [1, np.nan])


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["a", None], dtype="category"),
        pd.Series(["a", None], dtype="string"),
        pl.Series(["a", None], dtype=pl.Categorical),
        pl.Series(["a", None], dtype=pl.Enum(["a"])),
        pa.array(["a", None]).dictionary_encode(),
        np.array(["a", ""]),
    ],
    ids=lambda column: str(column.dtype) if hasattr(column, "dtype") else str(column.type),
)
def test_categories_are_text(echoing: Predictor, column: Any) -> None:
    assert echoing(rows(2, city=column))["city sent"].ravel().tolist() == ["a", ""]


def test_a_column_without_any_value_is_missing(echoing: Predictor) -> None:
    nothing = pl.DataFrame({name: [None] for name in rows()})
    for table in (nothing, nothing.to_pandas(), nothing.to_arrow()):
        got = echoing(table)
        assert np.isnan(got["age sent"].item())
        assert got["city sent"].item() == got["day sent"].item() == ""


BERLIN = dt.timezone(dt.timedelta(hours=1))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("rubbish", "rubbish"),
        (dt.date(2020, 1, 2), "2020-01-02"),
        (dt.datetime(2020, 1, 2, 3, 4, 5, 600), "2020-01-02T03:04:05.000600"),
        (dt.datetime(2020, 1, 2, 3, tzinfo=BERLIN), "2020-01-02T03:00:00+01:00"),
        (pd.Timestamp("2020-01-02 03:04:05.000000007"), "2020-01-02T03:04:05.000000007"),
        (np.datetime64("2020"), "2020-01-01"),
        (np.datetime64("2020-01-02"), "2020-01-02"),
        (np.datetime64("2020-01-02T03"), "2020-01-02T03:00:00"),
        (np.datetime64("2020-01-02T03:04:05.006"), "2020-01-02T03:04:05.006"),
        (np.datetime64("1970-01-02", "ps"), "1970-01-02T00:00:00.000000000"),
    ],
)
def test_a_date_becomes_iso_text(value: Any, text: str) -> None:
    assert sent(DAY, value) == text
    assert to_wire(DAY, np.array([value]), 0).item() == text


@pytest.mark.parametrize("library", [pd.Series, pl.Series, pa.array])
def test_columns_of_dates_become_iso_text(echoing: Predictor, library: Any) -> None:
    got = echoing(rows(2, day=library([dt.datetime(2020, 1, 2, 3, 4), None])))["day sent"]
    assert got[0, 0].rstrip("0") == "2020-01-02T03:04:00."
    assert got[1, 0] == ""


@pytest.mark.parametrize(
    ("library", "frame"),
    [
        (lambda dates: pd.Series(dates).dt.tz_convert("Europe/Berlin"), pd.DataFrame),
        (lambda dates: pl.Series(dates).dt.convert_time_zone("Europe/Berlin"), pl.DataFrame),
        (lambda dates: pa.array(dates, pa.timestamp("us", "Europe/Berlin")), pa.table),
    ],
    ids=["pandas", "polars", "pyarrow"],
)
def test_a_date_keeps_its_time_zone(echoing: Predictor, library: Any, frame: Any) -> None:
    table = rows(2, day=library([dt.datetime(2020, 1, 2, 3, tzinfo=dt.UTC), None]))
    for form in (dict, frame):
        got = echoing(form(table))["day sent"]
        assert got.ravel().tolist() == ["2020-01-02T04:00:00+01:00", ""]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((AGE, value) for value in ("abc", "3 kg", b"3", 1j, [1], {1}, 10**400, Decimal("sNaN"))),
        *((AGE, value) for value in (dt.date(2020, 1, 2), np.datetime64(1, "ns"), range(3))),
        *((AGE, value) for value in (np.timedelta64(3, "D"), np.timedelta64(3, "ns"))),
        *((CITY, value) for value in (3, 3.5, True, b"a", ["a"], dt.date(2020, 1, 2))),
        *((CITY, value) for value in ("\ud800", np.datetime64("2020"))),
        *((DAY, value) for value in (3, 1e9, True, dt.time(3), dt.timedelta(3), b"2020-01-02")),
    ],
    ids=repr,
)
def test_a_value_that_does_not_fit_is_named(echoing: Predictor, field: Field, value: Any) -> None:
    column = [*rows(2)[field.name], value]
    with pytest.raises(DataError) as caught:
        echoing(rows(3, **{field.name: column}))
    problem = "is not a number" if value in ("abc", "3 kg") else "is of the type"
    assert f"column {field.name!r}, row 2: {repr(value)[:80]} {problem}" in str(caught.value)


def test_the_row_is_named_in_large_tables_too(echoing: Predictor) -> None:
    with pytest.raises(DataError, match="column 'age', row 4567: 'x' is not a number"):
        echoing(rows(5000, age=[1.0] * 4567 + ["x"] + [1.0] * 432))
    with pytest.raises(DataError, match=r"column 'age', row 0: .* is of the type datetime64"):
        echoing(rows(age=np.array(["2020-01-01"], "M8[ns]")))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"agee": [1], "city": [""], "day": [""]},
            "column 'age' is missing, and 'agee' is not one of the model's. Did you mean 'age'?",
        ),
        ({"age": [1], "town": ["a"], "day": [""]}, "column 'city' is missing (1 of 3 columns)"),
        ({"age": [1], "day": [""]}, "column 'city' is missing (1 of 3 columns)"),
        ({}, "column 'age' is missing (3 of 3 columns)"),
        ([{}], "column 'age' is missing (3 of 3 columns)"),
        (rows(2, age=[1, 2, 3]), "column 'age' has 3 values and column 'city' has 2"),
        (rows(age=39), "column 'age' is 39; expected a list of values. If it is one row"),
        (rows(city="Köln"), "column 'city' is 'Köln'; expected a list of values"),
        (rows(age={1, 2}), "column 'age' is {1, 2}; expected a list of values"),
        (rows(age=np.ones((1, 2))), r"column 'age' has the shape (1, 2)"),
        ([rows(), {"age": 1}], "is only in one of the rows 0 and 1"),
        ([[1, 2]], "row 0 is [1, 2]; expected a dict"),
        (pl.LazyFrame(rows()), "LazyFrame is not a table"),
        (pl.Series([1]), "Series is not a table"),
        (np.ones((1, 3)), "ndarray is not a table"),
        ("age", "str is not a table"),
        (None, "NoneType is not a table"),
        (pd.DataFrame([[1, 2]], columns=["age", "age"]), "column 'age' occurs 2 times"),
        (pd.DataFrame({0: [1]}), "column 'age' is missing (3 of 3 columns)"),
    ],
)
def test_what_is_no_table_of_the_model_is_refused(
    echoing: Predictor, table: Any, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        echoing(table)
    assert message in str(caught.value)


def test_a_frame_that_needs_pyarrow_says_so(
    echoing: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = ArrowOnly(pa.table(rows()))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match="type ArrowOnly needs pyarrow"):
        echoing(frame)


def test_the_target_may_be_there(file: Path) -> None:
    predictor = Predictor(file)
    with_target = TABLE.with_columns(pay=pl.lit(None))
    assert predictor(with_target)["label"].tolist() == predictor(TABLE)["label"].tolist()


@pytest.mark.parametrize("empty", [[], TABLE.clear(), TABLE.clear().to_dicts()])
def test_no_rows_get_no_predictions(file: Path, empty: Any) -> None:
    got = Predictor(file)(empty)
    assert {name: array.shape for name, array in got.items()} == {
        "label": (0,),
        "probabilities": (0, 2),
    }


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_no_prediction_depends_on_the_rows_beside_it(tmp_path: Path, task: str) -> None:
    predictor = Predictor(example(tmp_path / "model.onnx", task))
    many = pl.concat([TABLE] * 1000)

    together = predictor(many)

    alone = [predictor([row]) for row in TABLE.to_dicts()]
    for name, array in together.items():
        want = np.concatenate([each[name] for each in alone] * 1000)
        if name == "label":
            assert array.tolist() == want.tolist()
        else:
            np.testing.assert_allclose(array, want, rtol=1e-5, atol=1e-6)


def test_rows_like_none_in_training_get_predictions_too(file: Path) -> None:
    predictor = Predictor(file)
    infinite = [row | {"age": size} for row in TABLE.to_dicts() for size in (np.inf, -np.inf)]
    for table in (HOSTILE, infinite):
        got = predictor(table)
        assert set(got["label"]) <= set(CLASSES)
        np.testing.assert_allclose(got["probabilities"].sum(1), 1, rtol=1e-5)


def test_threads_may_share_a_predictor(file: Path) -> None:
    predictor = Predictor(file)
    want = predictor(TABLE)["probabilities"]
    with ThreadPoolExecutor(4) as pool:
        for got in pool.map(predictor, [TABLE] * 200):
            np.testing.assert_allclose(got["probabilities"], want, rtol=1e-6)


def test_the_file_says_what_it_is(file: Path) -> None:
    predictor = Predictor(str(file))
    assert [field.name for field in predictor.schema.columns] == TABLE.columns
    assert predictor.metadata["task"] == "binary"
    assert predictor.metadata["metrics"] == {"validation/loss": 0.25}


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"model\.onnx: there is no such file"):
        Predictor(tmp_path / "model.onnx")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99, 0.9999])
def test_a_cut_file_is_refused(tmp_path: Path, file: Path, share: float) -> None:
    data = file.read_bytes()
    cut = tmp_path / "model.onnx"
    cut.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ArtifactError, match=r"model\.onnx: .*\. (Copy the file again|Use)"):
        Predictor(cut)


@given(share=st.floats(0, 0.999), value=st.binary(min_size=3, max_size=3))
def test_a_damaged_file_is_one_of_our_errors_or_still_right(
    tmp_path_factory: pytest.TempPathFactory, file: Path, share: float, value: bytes
) -> None:
    data = bytearray(file.read_bytes())
    start = int(len(data) * share)
    data[start : start + 3] = value
    damaged = tmp_path_factory.mktemp("damaged") / "model.onnx"
    damaged.write_bytes(data)
    with suppress(ArtifactError):
        assert max(Predictor(damaged).verify().values()) <= TOLERANCE


def test_a_file_of_someone_else_is_refused(tmp_path: Path) -> None:
    path = echo(tmp_path / "model.onnx", [AGE])
    edit(path, {"onward": None})
    with pytest.raises(ArtifactError, match="an ONNX file, but not a model file of onward"):
        Predictor(path)


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = echo(tmp_path / "model.onnx", [AGE])
    edit(path, {"onward": "3"})
    with pytest.raises(ArtifactError, match=r"has the format 3, .* reads up to 2\. Update onward"):
        Predictor(path)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_a_whole_file_verifies_itself(tmp_path: Path, task: str) -> None:
    differences = Predictor(example(tmp_path / "model.onnx", task)).verify()
    assert len(differences) == (2 if task == "binary" else 3)
    assert max(differences.values()) < 1e-6


def test_a_changed_weight_is_found(tmp_path: Path) -> None:
    path = example(tmp_path / "model.onnx")
    model = onnx.load(path)
    largest = max(model.graph.initializer, key=lambda constant: len(constant.raw_data))
    weights = numpy_helper.to_array(largest).copy()
    weights *= 1.01
    largest.CopyFrom(numpy_helper.from_array(weights, largest.name))
    onnx.save(model, path)
    with pytest.raises(ArtifactError, match=r"model\.onnx: 'probabilities' of row \d of the 8"):
        Predictor(path).verify()


def replayed(path: Path, change: Callable[[dict[str, Any]], None]) -> Predictor:
    """A predictor whose file expects something else."""
    model = onnx.load(path)
    replay = json.loads({entry.key: entry.value for entry in model.metadata_props}["replay"])
    change(replay["predictions"])
    edit(path, {"replay": json.dumps(replay)})
    return Predictor(path)


def test_another_label_is_found(tmp_path: Path) -> None:
    def change(predictions: dict[str, Any]) -> None:
        labels = predictions["label"]
        labels[3] = next(label for label in CLASSES if label != labels[3])

    predictor = replayed(example(tmp_path / "model.onnx"), change)
    with pytest.raises(ArtifactError, match=r"'label' of row 3 of the 8 that it carries"):
        predictor.verify()


def test_another_number_is_found(tmp_path: Path) -> None:
    def change(predictions: dict[str, Any]) -> None:
        predictions["upper"][5] *= 1.001

    predictor = replayed(example(tmp_path / "model.onnx", "regression"), change)
    with pytest.raises(ArtifactError, match="'upper' of row 5 of the 8"):
        predictor.verify()


def test_a_file_without_rows_cannot_verify_itself(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="has no 'age sent' to compare"):
        Predictor(echo(tmp_path / "model.onnx", [AGE])).verify()


def test_a_predictor_needs_numpy_and_onnxruntime_only() -> None:
    code = (
        "import sys, onward; assert 'numpy' not in sys.modules; onward.Predictor;"
        "heavy = {'torch', 'lightning', 'polars', 'pandas', 'pyarrow', 'pydantic', 'onnx', 'dvc',"
        " 'typer', 'rich'}; assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_call_has_fewer_rows_of_a_wide_table() -> None:
    sizes = [rows_at_once(columns) for columns in (0, 30, 100, 200, 10_000, 10**7)]
    assert sizes == [2_048, 2_048, 2_048, 1_024, 20, 1]
