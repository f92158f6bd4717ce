"""Columns with several values in a row, wherever they are read, checked, measured or shown."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from example_model import echo

from onward.errors import ConfigError, DataError
from onward.evaluation.baselines import BoostedTrees, Linear, can_encode
from onward.evaluation.diagnostics import group_rows, refuse_unread
from onward.export.hostile_rows import hostile_rows
from onward.export.privacy import Privacy, plain_values, rows_to_replay
from onward.monitoring.bins import CategoryBins
from onward.monitoring.column_values import bin_indices
from onward.preprocessing.columns import Column, Encoded, meaning, semantic_type
from onward.preprocessing.derivations import Derivation, refuse_unreadable
from onward.preprocessing.feed import feed
from onward.preprocessing.graph import Graph
from onward.quality.leaks import LeakRules, search
from onward.quality.plan import Plan
from onward.quality.prepare_settings import PrepareSettings
from onward.quality.validation import Inspection, find
from onward.report.snippets import _array, _entry
from onward.schema import Field, Schema, Target
from onward.serving.input_arrays import to_wire
from onward.serving.predictor import Predictor
from onward.table.checks import Check
from onward.table.column_profile import profile
from onward.table.jsonl_to_parquet import convert
from onward.table.sources import Source
from onward.table.splits import Split
from onward.table.target import TargetSettings
from onward.table.vectors import array_type
from onward.tasks import usual_task
from onward.wires import wire_of

POINTS = pl.Array(pl.Float64, 3)
POINT, PIXELS = Field("point", "test_points", "float64[3]"), Field("image", "any", "uint8[2,2]")
WIRES = ("float64[3]", "float32[2]", "int64[2]", "uint8[2,2,1]")
every_wire = pytest.mark.parametrize("wire", WIRES)
NAN = float("nan")


@pytest.fixture(autouse=True)
def points(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column type that no other test sees."""
    monkeypatch.setattr(Column, "members", {**Column.members})

    class Points(Column):
        class Config(Column.Config):
            type: str = "test_points"

        wire = POINT.wire

        def fit(self, values: pl.Series) -> None:
            """Nothing."""

        @classmethod
        def encode(cls, graph: Graph, columns: Any, raw: Any) -> list[Encoded]:
            return []

    assert Points in Column.members.values()


def written(folder: Path, name: str, rows: list[Any]) -> Path:
    path = folder / name
    if path.suffix == ".jsonl":
        lines = (json.dumps({"point": row}) for row in rows)
        path.write_text("".join(f"{line}\n" for line in lines))
    else:
        pl.DataFrame({"point": rows}, strict=False).write_parquet(path)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_lists_in_a_file_are_rows_of_several_values(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name, [[1, 2.5, None], None, [None] * 3, [0, 0, 0]])
    values = Source.for_path(path).scan([POINT]).collect()["point"]
    assert values.dtype == array_type(wire_of(POINT.wire))
    assert str(values.to_list()) == str([[1.0, 2.5, NAN], None, None, [0.0, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1.0, 2, 3], [1.0, 2]], "1 of 2 values that are not 3 numbers; the first is [1.0, 2.0]"),
        ([[1.0, 2, 3], []], "1 of 2 values that are not 3 numbers; the first is []"),
        ([["a", "b", "c"]], "holds List(String), and float64[3] is wanted: lists of 3 numbers"),
        ([[[1.0], [2.0], [3.0]]], "holds List(List(Float64)), and float64[3] is wanted"),
        ([1.0, 2.0], "holds Float64, and float64[3] is wanted"),
    ],
)
@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_other_lists_are_refused(tmp_path: Path, name: str, rows: list[Any], message: str) -> None:
    table = Source.for_path(written(tmp_path, name, rows))
    with pytest.raises(DataError, match=re.escape(message)):
        table.scan([POINT])


@pytest.mark.parametrize(
    ("wire", "row"),
    [
        ("float64[2]", [1.0, float("inf")]),
        ("float32[2]", [1.0, 1e300]),
        ("uint8[2]", [1, 256]),
        ("uint8[2]", [-1, 1]),
        ("int64[2]", [1, None]),
    ],
)
def test_an_element_that_a_wire_cannot_hold_is_refused(
    tmp_path: Path, wire: str, row: list[Any]
) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"x": [[1, 1], row]}, strict=False).write_parquet(path)
    with pytest.raises(DataError, match=r"1 of 2 values .* that .* cannot hold; .* in row 2"):
        Source.for_path(path).scan([Field("x", "any", wire)])


def test_whole_numbers_are_not_made_of_fractions(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pl.DataFrame({"x": [[1.0, 2.0]]}).write_parquet(path)
    with pytest.raises(DataError, match=r"List\(Float64\), and uint8\[2\] is wanted"):
        Source.for_path(path).scan([Field("x", "any", "uint8[2]")])


def test_lists_in_lists_are_read_whole_or_not(tmp_path: Path) -> None:
    path, image = tmp_path / "a.jsonl", Field("x", "any", "uint8[2,2]")
    rows = [[[1, 2], [3, 4]], None, [[5, 6], [7, 255]]]
    path.write_text("".join(json.dumps({"x": row}) + "\n" for row in rows))
    assert Source.for_path(path).scan([image]).collect()["x"].to_list() == rows
    path.write_text(json.dumps({"x": [[1, 2], [3]]}) + "\n")
    with pytest.raises(DataError, match="not 2 x 2 whole numbers"):
        Source.for_path(path).scan([image])


@every_wire
def test_hostile_rows_have_missing_and_extreme_elements(wire: str) -> None:
    field, known = Field("x", "any", wire), wire_of(wire)
    usual = pl.DataFrame({"x": pl.Series(np.ones((2, *known.shape), known.element.dtype))})
    rows = feed(hostile_rows(usual, [field]), [field])["x"]
    assert rows.dtype == known.element.dtype
    assert known.is_missing(rows).any()
    flat = rows.reshape(len(rows), -1)
    if rows.dtype.kind == "f":
        assert np.isposinf(flat).any()
        assert np.isneginf(flat).any()
    else:
        limits = np.iinfo(rows.dtype)
        assert (flat.min(), flat.max()) == (limits.min, limits.max)
    assert any(len({*row}) > 1 for row in flat[~np.isnan(flat).any(1)].tolist())


@every_wire
def test_made_up_rows_are_rows_of_the_wire(wire: str) -> None:
    field, known = Field("x", "any", wire), wire_of(wire)
    rows = pl.DataFrame({"x": pl.Series(known.missing(3))})
    made = rows_to_replay(Privacy(replay="synthetic"), [field], rows, {"columns": {"x": {}}})
    assert made.schema == rows.schema
    assert 1 <= made["x"].null_count() < len(made) == 100
    assert made["x"].n_unique() > 50


def test_a_file_carries_fewer_rows_of_many_values() -> None:
    field = Field("x", "any", "uint8[100,100,3]")
    rows = pl.DataFrame({"x": pl.Series(np.zeros((50, 100, 100, 3), np.uint8))})
    assert len(rows_to_replay(Privacy(), [field], rows, {})) == 6


def test_json_has_no_nan() -> None:
    assert plain_values(pl.Series([[1.0, NAN], None])) == [[1.0, None], None]


def test_a_monitor_counts_missing_rows_of_several_values() -> None:
    bins = CategoryBins(())
    floats = pl.Series([[1.0, NAN, 2.0], None], dtype=POINTS)
    assert bin_indices(POINT, floats, bins).tolist() == [0, 1]
    whole = pl.Series([[[0, 0], [0, 0]], [[0, 1], [0, 0]], None], dtype=pl.Array(pl.UInt8, (2, 2)))
    assert bin_indices(PIXELS, whole, bins).tolist() == [1, 0, 1]


def test_nothing_is_made_of_the_meaning_of_several_values() -> None:
    values = pl.Series("point", [[1.0, 2.0, 3.0], None, [1.0, 2.0, 3.0]], POINTS)
    assert semantic_type(POINT) == "none"
    assert meaning(POINT, values).equals(values)
    assert group_rows(POINT, values, 1).names == ()
    assert profile(values) == {"missing": pytest.approx(1 / 3), "distinct": 1}


def search_rows(target: Callable[[np.ndarray], np.ndarray], accept: tuple[str, ...] = ()) -> Any:
    random = np.random.default_rng(0)
    points = random.normal(size=(300, 3))
    y = target(points)
    rows = pl.LazyFrame({"point": points, "y": y})
    schema = Schema((POINT,), Target("y", "number"))
    splits = np.arange(300) % 3
    return search(rows, splits, y, schema, LeakRules(accept=accept))


def test_an_element_that_tells_the_target_is_a_leak() -> None:
    [leak] = search_rows(lambda points: 2 * points[:, 1])
    assert leak.level == "error"
    assert leak.what.startswith("element 1 of column 'point' alone explains ")
    assert search_rows(lambda points: 2 * points[:, 1], accept=("point",)) == []
    assert search_rows(lambda points: points.sum(axis=1)) == []


def plan(**changes: Any) -> Plan:
    """Of a config whose only column is ``point``."""
    known = {
        "source": Source.members["parquet"].Config(path="t.parquet"),
        "target": TargetSettings(name="y", kind="number"),
        "split": Split.members["random"].Config(),
        "columns": (Column.members["test_points"].Config(name="point"),),
    }
    return Plan(PrepareSettings.model_construct(**{**known, **changes}))


def test_rows_cannot_be_split_or_derived_by_several_values() -> None:
    with pytest.raises(ConfigError, match="'point': rows of 3 numbers are no groups and no times"):
        plan(split=Split.members["group"].Config(name="point"))
    logarithm = Derivation.members["logarithm"].Config(name="log", column="point")
    columns = plan().settings.columns
    with pytest.raises(ValueError, match="'log' reads 'point', whose rows are 3 numbers"):
        refuse_unreadable([logarithm], columns, "y")


def test_texts_for_missing_rows_are_refused(tmp_path: Path) -> None:
    table = Source.for_path(written(tmp_path, "a.parquet", [[1.0, 2.0, 3.0]]))
    with pytest.raises(ConfigError, match="'point' has texts in `missing`, and its rows are 3"):
        table.scan([Field("point", "test_points", POINT.wire, ("?",))])


def test_a_check_that_computes_with_several_values_as_if_with_one_is_refused() -> None:
    check = Check.members["expression"].Config(holds="point > 3")
    with pytest.raises(ConfigError, match="columns with several values in a row are arrays"):
        plan(checks=(check,)).contract.rules(training=True)


def test_missing_and_equal_rows_break_the_rules_of_the_column() -> None:
    config = Column.members["test_points"].Config(name="point", nullable=False, unique=True)
    rules = Column.build(config).rules()
    rows = pl.LazyFrame(
        {"point": pl.Series([[1.0, 2.0, 3.0], None, [1.0, 2.0, 3.0]], dtype=POINTS)}
    )
    found = {finding.rule.what: finding.first for finding in find(rows, rules)}
    assert found == {"no value": (2,), "a value that occurs more than once": (1, 3)}


def test_invalid_rows_are_set_aside_as_text(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"point": [[1.0, 2.0, 3.0], [1.0]], "y": [1.0, 2.0]}).write_parquet(path)
    contract = plan().contract
    inspection = Inspection(Source.for_path(path), contract, training=True)
    assert [finding.rule.what for finding in inspection.findings()] == ["no 3 numbers"]
    assert inspection.invalid_rows().collect()["point"].to_list() == ["[1.0]"]
    assert len(inspection.valid_rows().collect()) == 1


def test_groups_of_several_values_cannot_be_compared() -> None:
    with pytest.raises(ConfigError, match="'point' has 3 numbers in a row, which form no groups"):
        refuse_unread(["point"], [POINT])


def test_baselines_read_rows_of_some_values_and_no_images() -> None:
    assert can_encode(POINT)
    assert not can_encode(Field("x", "test_points", "uint8[100,100,3]"))


def test_baselines_of_a_table_that_they_cannot_read_predict_a_constant() -> None:
    rows = pl.DataFrame({"y": [1.0, 2.0, 6.0]})
    schema = Schema((), Target("y", "number"))
    task = usual_task(schema.target)
    for baseline in (Linear(task, schema, rows, 0), BoostedTrees(task, schema, rows, 0)):
        np.testing.assert_allclose(baseline.numbers()(rows), 3.0)


@pytest.mark.parametrize("value", [[1.0, 2.5, NAN], None])
def test_the_code_in_a_report_makes_the_row(value: Any) -> None:
    made = eval(_array(wire_of(POINT.wire), value), {"np": np})
    np.testing.assert_array_equal(made, to_wire(POINT, [value], 0))
    assert made.dtype == np.float64
    entry = eval(f"{{{_entry(POINT, value)}}}")
    np.testing.assert_array_equal(to_wire(POINT, [entry["point"]], 0), made)


def test_a_report_has_no_code_of_a_thousand_numbers() -> None:
    image = Field("image", "any", "uint8[28,28,1]")
    assert eval(_array(wire_of(image.wire), [0] * 784), {"np": np}).shape == (1, 28, 28, 1)
    assert _entry(image, [0] * 784).startswith("    'image': None,  # or 28 x 28 x 1 whole numbers")


def test_a_part_of_a_log_becomes_arrays(tmp_path: Path) -> None:
    path, time = tmp_path / "part.jsonl", {"onward/time": "2026-11-29T00:00:00Z"}
    rows: list[Any] = [[1, 2, None], None, [3, 4, 5]]
    path.write_text("".join(json.dumps({**time, "point": row}) + "\n" for row in rows))
    convert(path, {"point": POINT.wire, "absent": "text"})
    assert pl.read_parquet(path.with_suffix(".parquet")).schema["point"] == POINTS
    assert not path.exists()


def test_whole_numbers_stay_exact_beside_a_missing_row(tmp_path: Path) -> None:
    field = Field("x", "any", "int64[2]")
    rows = [[2**53 + 1, -1], None]
    frame = pl.DataFrame({"x": rows}, {"x": pl.Array(pl.Int64, 2)})
    sent = Predictor(echo(tmp_path / "echo.onnx", [field]))(frame)["x sent"]
    assert sent.tolist() == [[2**53 + 1, -1], [0, 0]]
    with pytest.raises(DataError, match="column 'x', row 0"):
        to_wire(field, [[1, None]], 0)
