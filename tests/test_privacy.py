"""Which raw values travel in a model file."""

import json
from typing import Any

import polars as pl
import pytest
from example_model import COLUMNS, TABLE

from onward.errors import ConfigError
from onward.export.privacy import Privacy, rows_to_replay, without_values
from onward.preprocessing.columns import Column
from onward.preprocessing.text_readers import text_readers
from onward.report.hiding import without_hidden
from onward.report.report_data import Evidence
from onward.serving.text_reading import TextReader

BUILT = [
    Column.build(Column.members[str(column["type"])].Config.model_validate(column))
    for column in COLUMNS
]
FIELDS = tuple(column.field for column in BUILT)
NOTE = {
    "columns": {
        "age": {"edges": [30.0, 40.5]},
        "hours per week": {"edges": [40.0]},
        "workclass": {"values": ["Private"]},
        "children": {"values": ["0", "2"]},
        "member": {"values": ["yes", "no"]},
        "joined": {"edges": [3600.0]},
        "commute": {"edges": [0.5, 12.0]},
    }
}


def test_test_rows_travel_if_nothing_else_is_asked_for() -> None:
    assert rows_to_replay(Privacy(), FIELDS, TABLE, NOTE).equals(TABLE)


def test_hidden_columns_travel_without_values() -> None:
    rows = rows_to_replay(Privacy(hide=("joined",)), FIELDS, TABLE, NOTE)
    assert rows["joined"].null_count() == len(TABLE)
    assert rows.drop("joined").equals(TABLE.drop("joined"))
    assert without_values({"joined": {"missing": 0.1, "min": "2018"}}, ["joined"]) == {
        "joined": {"missing": 0.1}
    }


def test_no_row_is_one_of_missing_values() -> None:
    rows = rows_to_replay(Privacy(replay="none"), FIELDS, TABLE, NOTE)
    assert rows.schema == TABLE.schema
    assert rows.row(0) == (None,) * TABLE.width


def test_rows_that_are_made_up_can_be_read_and_are_no_rows_of_the_table() -> None:
    rows = rows_to_replay(Privacy(replay="synthetic"), FIELDS, TABLE, NOTE)

    known = {field.name: field for field in FIELDS}
    for note in text_readers(BUILT):
        reader = TextReader(note, known)
        for name in reader.columns:
            texts = rows[name].drop_nulls()
            assert len(texts) > 50
            reader.refuse_unreadable({n: texts.to_numpy()[:, None] for n in reader.columns}, 0)
    assert set(rows["age"]) == {None, 30.0, 40.5}
    assert not set(map(json.dumps, map(list, rows.rows()))) & set(
        map(json.dumps, map(list, TABLE.rows()))
    )
    assert rows.schema == TABLE.schema == pl.Schema(rows.schema)


def test_a_hidden_column_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"the table has no column 'aeg'\. Did you mean 'age'"):
        Privacy(hide=("aeg",)).refuse_unknown([field.name for field in FIELDS])


def test_a_column_that_the_model_does_not_use_may_be_hidden() -> None:
    rows = rows_to_replay(Privacy(hide=("born",)), FIELDS, TABLE, NOTE)
    assert rows.equals(TABLE)


def test_pages_show_no_value_of_a_hidden_column() -> None:
    column = {"name": "joined", "type": "datetime", "missing": 0.1, "distinct": 7}
    findings = [{"columns": ["joined"], "examples": ["joined: '2018'"]}]
    shown = {"name": "age", "type": "numerical", "min": 28, "max": 53}
    table = pl.DataFrame({"column": ["joined", "age"], "value": ["2018", "39"]})
    facts: dict[str, Any] = {name: {} for name in Evidence.__dataclass_fields__}
    evidence = Evidence(
        **facts
        | {
            "notes": {"privacy": {"replay": "rows", "hide": ["joined"]}},
            "example": {"joined": "2018", "age": 39},
            "plots": {"worst_values": table, "importance": table},
            "data": {
                "columns": [column | {"min": "2018", "max": "2024"}, shown],
                "left_out": [{"name": "joined", "reason": "'2018' in every row"}],
                "quality": {"findings": findings},
            },
        }
    )

    found = without_hidden(evidence)

    assert found.example == {"joined": None, "age": 39}
    assert found.plots["worst_values"]["column"].to_list() == ["age"]
    assert len(found.plots["importance"]) == 2
    assert found.data["columns"] == [column | {"top": []}, shown]
    assert found.data["left_out"] == [{"name": "joined", "reason": "hidden"}]
    assert found.data["quality"]["findings"] == [{"columns": ["joined"], "examples": []}]
