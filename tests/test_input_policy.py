"""What becomes of values that are odd: the same at every entrance."""

import copy
import json
import multiprocessing
import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import polars as pl
import pytest
from example_model import COLUMNS, HOSTILE, TABLE, edit, example
from hypothesis import given
from hypothesis import strategies as st
from served import serving

from onward import Predictor
from onward.errors import ArtifactError, DataError
from onward.preprocessing.columns import Column
from onward.preprocessing.text_readers import text_readers
from onward.schema import Field
from onward.serving.input_arrays import to_wire
from onward.serving.number_texts import number_of
from onward.serving.text_reading import TextReader, refuse_no_booleans
from onward.table.sources import Source

BUILT = [
    Column.build(Column.members[settings["type"]].Config.model_validate(settings))
    for settings in COLUMNS
]
READABLE = [column for column in BUILT if column.name in ("member", "joined", "commute")]
UNREADABLE = {"member": "maybe", "joined": "2023-02-29", "commute": "12.5 miles"}
ROWS = TABLE.to_dicts()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = example(tmp_path_factory.mktemp("policy") / "model.onnx")
    edit(path, {"text_readers": json.dumps(text_readers(BUILT)), **known_of_training()})
    return path


def known_of_training() -> dict[str, str]:
    """What the stage `export` notes of the training rows."""
    ranges = {"age": (28.0, 53.0), "hours per week": (13.0, 45.0), "commute": (-1.0, 12.5)}
    columns = {name: {"min": low, "max": high} for name, (low, high) in ranges.items()}
    codes = {"tensor": "onward/categorical", "columns": ["workclass", "children"]}
    return {"reference": json.dumps({"columns": columns}), "codes": json.dumps(codes)}


def assert_same(got: dict[str, Any], want: dict[str, Any]) -> None:
    assert got.keys() == want.keys()
    for name, array in want.items():
        assert got[name].tolist() == array.tolist()


def test_other_columns_are_ignored_in_every_form(file: Path) -> None:
    predictor, want = Predictor(file), Predictor(file)(TABLE)
    more = TABLE.with_columns(id=1, tags=[["a", "b"]] * len(TABLE))
    for table in (more, more.to_pandas(), more.to_arrow(), more.to_dict(as_series=False)):
        assert_same(predictor(table), want)
    ragged = [row | ({"note": 1} if index % 2 else {}) for index, row in enumerate(ROWS)]
    assert_same(predictor(ragged), want)


def test_a_needed_column_with_another_name_is_recognized(file: Path) -> None:
    table = TABLE.rename({"workclass": "work class"}).with_columns(id=1)
    with pytest.raises(DataError, match="'work class' is not one of the model's"):
        Predictor(file)(table)


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_text_that_cannot_be_read_is_named(file: Path, name: str) -> None:
    rows = [*ROWS, ROWS[0] | {name: UNREADABLE[name]}]
    with pytest.raises(DataError) as caught:
        Predictor(file)(rows)
    assert f"column {name!r}, row 8: {UNREADABLE[name]!r} is not " in str(caught.value)
    assert "set unreadable to 'missing' (--missing-unreadable)" in str(caught.value)
    assert_same(
        Predictor(file, unreadable="missing")(rows),
        Predictor(file)([*ROWS, ROWS[0] | {name: None}]),
    )


def test_a_server_says_what_its_clients_can_do(file: Path, tmp_path: Path) -> None:
    with serving(tmp_path, file, "--grace", "0") as server:
        refused = server.post("/predict", [ROWS[0] | UNREADABLE])
        missing = server.post("/predict", [ROWS[0] | dict.fromkeys(UNREADABLE)])

    assert refused.status == 400
    remedy = "Correct it, or leave it empty (None, in JSON null) if the value is missing"
    assert refused.json["error"].endswith(remedy)
    assert missing.status == 200


@pytest.mark.parametrize("row", [0, 2047, 2048, 4567])
def test_the_row_of_a_text_is_right_in_large_tables(file: Path, row: int) -> None:
    rows = [ROWS[0]] * 5_000
    rows[row] = ROWS[0] | {"member": "maybe"}
    with pytest.raises(DataError, match=f"column 'member', row {row}: 'maybe'"):
        Predictor(file)(rows)


def test_a_number_that_is_no_truth_value_is_named() -> None:
    column = Column.members["boolean"]
    config = column.Config.model_validate({"type": "boolean", "name": "open"})
    assert text_readers([Column.build(config)]) == []  # it travels as a number
    fields = [Column.build(config).field]
    refuse_no_booleans(fields, {"open": np.array([[1.0], [0.0], [np.nan]])}, 0)
    with pytest.raises(DataError, match=r"column 'open', row 12: 0.5 is not true or false"):
        refuse_no_booleans(fields, {"open": np.array([[1.0], [np.nan], [0.5]])}, 10)


def test_files_of_earlier_versions_predict_as_before(tmp_path: Path) -> None:
    path = example(tmp_path / "model.onnx")
    Predictor(path)(pl.concat([TABLE, HOSTILE]))


TEXTS = st.one_of(
    st.text(max_size=8),
    st.text("0123456789-:TZ+. /", max_size=22),
    st.text("0123456789.,+-kme ", max_size=12),
    st.sampled_from(["yes", "no", "Yes", "true", "FALSE", "", " ", "nan", "2024-02-29"]),
    st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds")),
    st.builds("{} {}".format, st.floats(-1e9, 1e9), st.sampled_from(["km", "m", "mm", ""])),
)


@pytest.mark.parametrize("column", READABLE, ids=lambda column: column.name)
@given(texts=st.lists(TEXTS.filter(lambda text: "\0" not in text), max_size=8))
def test_predicting_refuses_what_preparing_refuses(column: Column, texts: list[str]) -> None:
    rows = pl.LazyFrame({column.name: texts}, schema={column.name: pl.String})
    rules = [rule for rule in column.rules() if "missing" in rule.remedy]
    settled = [of_values for rule in rules for of_values in rule.settle(rows)]
    is_broken = pl.any_horizontal(rule.broken.fill_null(value=False) for rule in settled)
    broken = rows.select(is_broken).collect().to_series()
    [note] = text_readers([column])
    reader = TextReader(note, {column.name: column.field})

    for text, is_broken in zip(texts, broken, strict=True):
        feed = {column.name: np.array([[text]], object)}
        if is_broken:
            with pytest.raises(DataError):
                reader.refuse_unreadable(feed, 0)
        else:
            reader.refuse_unreadable(feed, 0)


def test_a_text_that_no_table_may_have_is_named(file: Path) -> None:
    rows = [*ROWS, ROWS[0] | {"workclass": "Priv\0ate"}]
    for table in (rows, pl.DataFrame(rows)):
        with pytest.raises(DataError, match=r"column 'workclass', row 8: 'Priv.x00ate'"):
            Predictor(file)(table)


def test_values_that_no_training_row_had_predict_and_are_listed(file: Path) -> None:
    rows = [row | {"age": 40.0} for row in ROWS * 300]
    rows[3] |= {"workclass": "Paris", "age": 54}
    rows[2100] |= {"workclass": "Rome", "commute": "-1001 m", "children": 7.0}
    predictor = Predictor(file)

    found = {(u.column, u.kind): u for u in predictor.check(rows)}

    assert len(predictor(rows)["label"]) == len(rows)
    assert {key: (u.rows, u.first_row, u.example) for key, u in found.items()} == {
        ("workclass", "not seen in training"): (2, 3, "Paris"),
        ("children", "not seen in training"): (1, 2100, 7.0),
        ("age", "above the training range"): (1, 3, 54.0),
        ("commute", "below the training range"): (1, 2100, "-1001 m"),
    }
    assert predictor.check(TABLE) == []
    assert predictor.check([]) == []


def test_strict_refuses_them(file: Path) -> None:
    strict = Predictor(file, strict=True)
    assert_same(strict(ROWS), Predictor(file)(ROWS))
    rows = [*ROWS, ROWS[0] | {"workclass": "Paris"}]
    for predictor in (strict, pickle.loads(pickle.dumps(strict))):
        with pytest.raises(DataError, match=r"column 'workclass', row 8: 'Paris' is not seen in"):
            predictor(rows)
    with pytest.raises(DataError, match=r"column 'age', row 0: 54.0 is above the training range"):
        strict([ROWS[0] | {"age": 54}])


def test_a_file_that_was_replaced_is_not_compared_with(tmp_path: Path) -> None:
    path = example(tmp_path / "model.onnx")
    predictor = Predictor(path)
    example(path, "regression")
    with pytest.raises(ArtifactError, match="has changed since it was loaded"):
        predictor.check(ROWS)


def test_columns_that_read_alike_share_a_graph() -> None:
    date = {"type": "datetime"}
    configs = [{**date, "name": "a"}, {**date, "name": "b"}, {**date, "name": "c"}]
    configs[2]["format"] = "%d.%m.%Y"
    columns = [
        Column.build(Column.members["datetime"].Config.model_validate(config)) for config in configs
    ]
    assert [reader["columns"] for reader in text_readers(columns)] == [["a", "b"], ["c"]]


ARABIC = "\N{ARABIC-INDIC DIGIT ONE}"
NUMBERS = (
    *("8", " 8 ", "+8", "-8", "1.", ".5", "1e5", "1E+5", "nan", "NaN", "inf", "1e999", "1_0"),
    *("0x10", "1,5", ARABIC, "1 000", "--1", "9007199254740993", "9e15", "1.5.2", "e5", "."),
)


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_as_text_are_read_as_in_tables(tmp_path: Path, text: str) -> None:
    field = Field("x", "numerical", "number")
    (tmp_path / "t.jsonl").write_text(json.dumps({"x": text}) + "\n")
    try:
        want = Source.for_path(tmp_path / "t.jsonl").scan([field]).collect()["x"][0]
    except DataError:
        assert number_of(text) is None
        with pytest.raises(DataError, match=r"column 'x', row 0"):
            to_wire(field, [text], 0)
    else:
        [[got]] = to_wire(field, [text], 0)
        assert got == want or (want is None and np.isnan(got))


@given(st.text("0123456789.+-eE_ naifx", max_size=10))
def test_a_text_is_the_number_of_polars_or_none(text: str) -> None:
    want = pl.Series([text.strip()]).cast(pl.Float64, strict=False)[0]
    got = number_of(text)
    if got is not None:
        assert got == want or (np.isnan(got) and np.isnan(want))
    else:
        assert want is None or np.isinf(want) or abs(want) >= 2**53


@pytest.mark.parametrize("is_content", [False, True])
def test_a_predictor_can_be_copied_and_sent(
    file: Path, is_content: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    predictor = Predictor(file.read_bytes() if is_content else file.name, unreadable="missing")
    want = predictor(TABLE)
    sent = pickle.dumps(predictor)
    monkeypatch.chdir(tmp_path)  # the path is no longer that of the file as it was given
    for other in (pickle.loads(sent), copy.copy(predictor), copy.deepcopy(predictor)):
        assert_same(other(TABLE), want)
        other(HOSTILE)  # the options arrive, too


def test_a_predictor_works_in_other_processes(file: Path) -> None:
    predictor, want = Predictor(file), Predictor(file)(ROWS)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert_same(pool.apply(predictor, (ROWS,)), want)
    for got in joblib.Parallel(2)(joblib.delayed(predictor)(ROWS) for _ in range(2)):
        assert_same(got, want)
