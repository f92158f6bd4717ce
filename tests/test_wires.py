"""Columns with one value or several in a row, on their way from polars and Python to a graph."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from example_model import echo
from hypothesis import given
from hypothesis import strategies as st

from onward.errors import ConfigError, DataError
from onward.preprocessing.columns.numerical import Numerical
from onward.preprocessing.encoder import Encoder
from onward.preprocessing.feed import feed, tensor
from onward.preprocessing.graph import Graph
from onward.schema import Field
from onward.serving.input_arrays import to_wire
from onward.serving.predictor import Predictor
from onward.table.sources import Source
from onward.wires import ELEMENTS, wire_of

POINT, PIXELS = Field("point", "points", "float64[3]"), Field("pixels", "images", "uint8[4,4,1]")
IMAGE = np.arange(16, dtype=np.uint8).reshape(4, 4, 1)
POINTS, IMAGES = pl.Array(pl.Float64, 3), pl.Array(pl.UInt8, (4, 4, 1))


@pytest.mark.parametrize("name", ["number", "text", "float32[2]", "int64[1]", "uint8[4,4,1]"])
def test_an_input_of_a_graph_has_the_type_and_the_shape_of_its_wire(name: str) -> None:
    wire, graph = wire_of(name), Graph()
    graph.output("same", graph.input("x", name), wire.element.onnx, rank=len(wire.shape))
    tensor_type = graph.model().graph.input[0].type.tensor_type
    assert tensor_type.elem_type == wire.element.onnx
    assert tuple(size.dim_value for size in tensor_type.shape.dim[1:]) == wire.shape


@pytest.mark.parametrize(
    "name",
    ["pixels", "", "string[2]", "uint8", "uint8[]", "uint8[0]", "uint8[-1]", "object[2]"],
)
def test_an_unknown_wire_is_refused_wherever_it_is_used(name: str) -> None:
    field, column = Field("x", "numerical", name), Numerical(Numerical.Config(name="x"))
    column.fit(pl.Series("x", [1.0, 2.0]))
    column.wire = name
    frame, message = pl.DataFrame({"x": [1.0]}), f"wire {re.escape(repr(name))}: no such wire"
    with pytest.raises(ConfigError, match=message):
        Graph().input("x", name)
    with pytest.raises(ConfigError, match=message):
        Encoder([column])
    with pytest.raises(ConfigError, match=message):
        feed(frame, [field])
    with pytest.raises(ConfigError, match=message):
        to_wire(field, [1.0], 0)


def test_a_row_has_a_largest_size() -> None:
    with pytest.raises(ConfigError, match=r"100,000,000 elements\. Use at most 16,777,216"):
        wire_of("uint8[10000,10000]")


def test_a_model_is_given_what_callers_send(tmp_path: Path) -> None:
    predictor = Predictor(echo(tmp_path / "echo.onnx", [POINT, PIXELS]))
    points = [[1, 2.5, None], (0.0, -1.0, 1e300), None]
    sent = predictor({"point": points, "pixels": [IMAGE, IMAGE.tolist(), None]})
    np.testing.assert_array_equal(
        sent["point sent"], [[1, 2.5, np.nan], [0, -1, 1e300], [np.nan] * 3]
    )
    np.testing.assert_array_equal(sent["pixels sent"], [IMAGE, IMAGE, np.zeros_like(IMAGE)])
    whole = {"point": np.ones((2, 3)), "pixels": np.stack([IMAGE, IMAGE])}
    frame = pl.DataFrame(whole, {"point": POINTS, "pixels": IMAGES})
    for table in (whole, frame, frame.to_dicts()):
        sent = predictor(table)
        np.testing.assert_array_equal(sent["point sent"], whole["point"])
        np.testing.assert_array_equal(sent["pixels sent"], whole["pixels"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (POINT, [1.0, 2.0]),
        (POINT, [[1.0], [2.0, 3.0]]),
        (POINT, 1.0),
        (POINT, "1 2 3"),
        (POINT, ["1", "2", "3"]),
        (POINT, [1.0, 2.0, 10**400]),
        (POINT, [1.0, 2.0, 1j]),
        (POINT, [1.0, 2.0, {}]),
        (PIXELS, IMAGE[:, :, 0]),
        (PIXELS, IMAGE + 0.5),
        (PIXELS, IMAGE.astype(np.int64) - 1),
        (PIXELS, IMAGE.astype(np.int64) + 250),
        (PIXELS, np.full((4, 4, 1), np.nan)),
    ],
)
def test_a_row_that_does_not_fit_is_refused_by_name(field: Field, value: Any) -> None:
    with pytest.raises(DataError, match=f"column '{field.name}', row 7: .*a row of"):
        to_wire(field, [None, value], 6)


def test_float32_rounds_what_it_can_hold() -> None:
    field = Field("x", "points", "float32[2]")
    np.testing.assert_array_equal(
        to_wire(field, [[0.1, 1e-300]], 0), np.array([[0.1, 0]], np.float32)
    )
    with pytest.raises(DataError, match="column 'x', row 0"):
        to_wire(field, [[0.1, 1e300]], 0)


def test_several_values_are_no_number_and_no_text() -> None:
    for field in (Field("x", "numerical", "number"), Field("x", "categorical", "text")):
        with pytest.raises(DataError, match=r"column 'x' has the shape \(2, 3\)"):
            to_wire(field, np.ones((2, 3)), 0)
        with pytest.raises(DataError, match="column 'x', row 0"):
            to_wire(field, [[1.0, 2.0]], 0)


@given(st.lists(st.none() | st.lists(st.none() | st.floats(), min_size=3, max_size=3)))
def test_polars_and_python_hand_over_the_same_rows(rows: list[Any]) -> None:
    table = pl.Series("point", rows, POINTS)
    np.testing.assert_array_equal(tensor(table, POINT.wire), to_wire(POINT, rows, 0))


@given(
    st.lists(st.none() | st.floats()),
    st.lists(st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
)
def test_polars_and_python_hand_over_the_same_values(
    numbers: list[float | None], texts: list[str | None]
) -> None:
    for dtype, wire, values in ((pl.Float64, "number", numbers), (pl.String, "text", texts)):
        got = tensor(pl.Series("x", values, dtype), wire)
        want = to_wire(Field("x", "any", wire), values, 0)
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)


def test_a_missing_element_of_whole_numbers_is_refused() -> None:
    rows = [IMAGE.tolist(), [[[None]] * 4] * 4]
    with pytest.raises(DataError, match="column 'pixels': a row has float32 or missing elements"):
        tensor(pl.Series("pixels", rows, IMAGES), PIXELS.wire)


@pytest.mark.parametrize("name", [name for name in ELEMENTS if name != "string"])
def test_a_file_with_types_has_rows_of_several_values(name: str, tmp_path: Path) -> None:
    field = Field("x", "any", f"{name}[2,1]")
    values = np.arange(6).reshape(3, 2, 1).astype(name)
    path = tmp_path / "table.parquet"
    pl.DataFrame({"x": values}).write_parquet(path)
    frame = Source.for_path(path).scan([field]).collect()
    np.testing.assert_array_equal(feed(frame, [field])["x"], values)


def test_a_text_file_has_no_rows_of_several_values(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("pixels\n0 1 2\n")
    with pytest.raises(DataError, match="column 'pixels' holds String, and uint8"):
        Source.for_path(path).scan([PIXELS])
