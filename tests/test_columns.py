"""The contract that every type of column keeps. A new type is tested as soon as its file exists."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns import Column, meaning, semantic_type

every_type = pytest.mark.parametrize("name", sorted(Column.members))


def fitted(name: str, training: Sequence[Any], /, **settings: Any) -> Column:
    member = Column.members[name]
    column: Column = member(member.Config(name="x", **{**member.example_settings, **settings}))
    dtype = pl.Float64 if column.wire == "number" else pl.String
    column.fit(pl.Series("x", training, dtype))
    return column


def session(*columns: Column) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(preprocessing(columns).model.SerializeToString())


def encode(run: onnxruntime.InferenceSession, values: list[Any]) -> np.ndarray:
    is_text = run.get_inputs()[0].type == "tensor(string)"
    missing, dtype = ("", object) if is_text else (math.nan, np.float64)
    raw = np.array([missing if value is None else value for value in values], dtype)
    parts = run.run(None, {"x": raw.reshape(-1, 1)})
    return np.concatenate([part.astype(np.float64) for part in parts], 1)


def example(name: str) -> onnxruntime.InferenceSession:
    return session(fitted(name, list(Column.members[name].examples)))


def anything(name: str) -> st.SearchStrategy[list[Any]]:
    """Whatever a caller can send: seen, unseen, missing, huge."""
    member = Column.members[name]
    is_text = any(isinstance(value, str) for value in member.examples)
    unseen = st.text() if is_text else st.floats()
    return st.lists(st.none() | st.sampled_from(list(member.examples)) | unseen)


@every_type
def test_type_is_the_name_of_the_file(name: str) -> None:
    assert Column.members[name].__module__ == f"onward.preprocessing.columns.{name}"


@every_type
def test_examples_become_their_numbers(name: str) -> None:
    examples = Column.members[name].examples
    got = encode(example(name), list(examples))
    np.testing.assert_allclose(got, list(examples.values()), atol=1e-6)


@every_type
@given(st.data())
def test_numbers_are_finite_and_no_row_depends_on_another(name: str, data: st.DataObject) -> None:
    values = data.draw(anything(name))
    run = example(name)
    together = encode(run, values)
    assert np.isfinite(together).all()
    for row, value in enumerate(values):
        np.testing.assert_array_equal(encode(run, [value])[0], together[row])


@every_type
def test_values_mean_what_the_type_says(name: str) -> None:
    column = fitted(name, list(Column.members[name].examples))
    dtype = pl.Float64 if column.wire == "number" else pl.String
    raw = pl.Series("x", [*Column.members[name].examples, None], dtype)

    values = meaning(column.field, raw)

    allowed = {
        "number": (pl.Float64,),
        "category": (pl.Float64, pl.String),
        "date": (pl.Datetime,),
        "none": (raw.dtype.base_type(),),
    }
    assert values.dtype.base_type() in allowed[semantic_type(column.field)]
    assert len(values) == len(raw)
    assert values[-1] is None


@every_type
def test_null_and_its_wire_form_teach_the_same(name: str) -> None:
    examples = list(Column.members[name].examples)
    column = fitted(name, [*examples, None])
    wire_form = math.nan if column.wire == "number" else ""
    values = [wire_form if value is None else value for value in examples]
    other = fitted(name, [*values, wire_form])
    assert preprocessing([column]).model == preprocessing([other]).model


@every_type
def test_a_restored_column_encodes_alike_and_further_rows_change_no_feature(name: str) -> None:
    examples = list(Column.members[name].examples)
    column = fitted(name, examples)
    restored = type(column)(column.config)
    restored.restore(json.loads(json.dumps(column.dump())))
    assert preprocessing([restored]).model == preprocessing([column]).model

    before = encode(session(column), examples)
    restored.extend(further(column))

    np.testing.assert_array_equal(encode(session(restored), examples), before)


def further(column: Column) -> pl.Series:
    """Training rows of a later time: other values, in another order."""
    is_number = column.wire == "number"
    values = [1e6, -3.0, None] if is_number else ["Ulm", "Bonn", "Bonn", "", None]
    return pl.Series("x", values, pl.Float64 if is_number else pl.String)


def hostile(seen: Sequence[Any], rows: int = 10_000) -> list[Any]:
    """Whatever may come, in any order: seen, unseen, missing, huge, of other alphabets."""
    draw = np.random.default_rng(0)
    if any(isinstance(value, str) for value in seen):
        letters = list("aB09 .:-TZé日\u0301\u00df\u0130\U0001f600\t\n\r\x7f\0")
        unseen = ["".join(draw.choice(letters, draw.integers(0, 12))) for _ in range(rows // 2)]
        odd = ["", " ", "nan", "None", "null", "1e400", "0x10", "1,5", "a" * 100_000, "\U0010ffff"]
        odd += [change(value) for value in seen if value for change in (str.upper, str.lower)]
        odd += [f" {value} " for value in seen]
        pool = [*seen, *odd]
    else:
        floats = np.frombuffer(draw.bytes(8 * (rows // 4)))  # all exponents, NaN with payloads
        unseen = [*floats.tolist(), *(10 * draw.normal(size=rows // 4)).tolist()]
        pool = [*seen, math.inf, -math.inf, math.nan, -0.0, 5e-324, 1.8e308, 2.0**53 + 2, 0.5]
    rest: list[Any] = [pool[place] for place in draw.integers(0, len(pool), rows - len(unseen))]
    return [(*unseen, *rest)[place] for place in draw.permutation(rows)]


@every_type
def test_ten_thousand_hostile_rows_do_no_harm(name: str) -> None:
    values = hostile(list(Column.members[name].examples))
    run = example(name)
    forwards = encode(run, values)
    assert np.isfinite(forwards).all()
    np.testing.assert_array_equal(encode(run, values[::-1])[::-1], forwards)
    for row in range(0, len(values), 97):
        np.testing.assert_array_equal(encode(run, values[row : row + 1])[0], forwards[row])


@every_type
def test_no_text_becomes_a_fraction_by_the_locale_of_the_process(name: str) -> None:
    # where a comma is the decimal mark, operators that read 1.5 from text see 1
    column = fitted(name, list(Column.members[name].examples))
    graph = onnx.shape_inference.infer_shapes(preprocessing([column]).model).graph
    strings = {value.name for value in (*graph.value_info, *graph.input) if _is_text(value)}
    fractions = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
    casts = [node for node in graph.node if node.op_type == "Cast" and node.input[0] in strings]
    assert not [node for node in casts if node.attribute[0].i in fractions]


def _is_text(value: onnx.ValueInfoProto) -> bool:
    return value.type.tensor_type.elem_type == onnx.TensorProto.STRING


@dataclass
class Reference:
    """What a column is, said in plain Python for one value; None stands for any missing one."""

    type: str
    training: list[Any]
    encode: Callable[[Any], Sequence[float]]
    settings: dict[str, Any] = field(default_factory=dict)


def standard(x: float | None) -> Sequence[float]:
    if x is None or math.isinf(x):
        return 0, 1
    return max(-100, min(100, (x - 2) / math.sqrt(2 / 3))), 0


def robust(x: float | None) -> Sequence[float]:
    if x is None or math.isinf(x):
        return 0, 1
    z = max(-100, min(100, (x - 2) * 1.349))
    return z / math.sqrt(1 + (z / 30) ** 2), 0


def merged(x: str | None) -> Sequence[float]:
    observed = {"Köln": 2, "KÖLN": 2, " köln": 2, "Paris": 3, "?": 1}
    return (1 if x is None else observed.get(x, 0),)


REFERENCES = [
    Reference("numerical", [1.0, 2.0, 3.0, None], robust, {"scaling": "robust"}),
    Reference("numerical", [1.0, 2.0, 3.0, None], standard, {"scaling": "standard"}),
    Reference(
        "categorical",
        ["Köln", "Köln", "Paris", "", None],
        lambda x: (1 if x in (None, "") else {"Köln": 2, "Paris": 3}.get(x, 0),),
    ),
    Reference(
        "categorical",
        ["Köln", "KÖLN", " köln", "Paris", "?"],
        merged,
        {"merge_spellings": True, "missing": ("?",)},
    ),
    Reference(
        "categorical",
        [7.0, 7.0, -3.0, None],
        lambda x: (1 if x is None else {7.0: 2, -3.0: 3}.get(x, 0),),
        {"values": "integer"},
    ),
    Reference("boolean", [0.0, 1.0, None], lambda x: {1.0: (1, 0), 0.0: (-1, 0)}.get(x, (0, 1))),
    Reference(
        "boolean",
        ["yes", "no", None],
        lambda x: {"yes": (1, 0), "no": (-1, 0)}.get(x, (0, 1)),
        {"true_values": ("yes",), "false_values": ("no",)},
    ),
]


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda reference: reference.type)
def test_ten_thousand_hostile_rows_become_what_plain_python_says(reference: Reference) -> None:
    column = fitted(reference.type, reference.training, **reference.settings)
    values = hostile(reference.training)

    got = encode(session(column), values)

    plain = [None if value == "" or value != value else value for value in values]
    want = [reference.encode(value) for value in plain]
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
