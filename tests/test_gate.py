"""The gate refuses a file that predicts anything but what its network predicts."""

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
import torch
from example_model import TABLE, Parts, parts
from onnx import helper

from onward.artifacts.prepared import Arrays
from onward.errors import ExportError
from onward.export.gate import Parity
from onward.export.hostile_rows import NUMBERS, hostile_rows
from onward.export.joining import join_graphs
from onward.preprocessing.assembly import tensor_name
from onward.preprocessing.feed import feed
from onward.schema import Field

AGE = "age"


def joined(example: Parts) -> onnx.ModelProto:
    return join_graphs(example.preprocessing, example.network, example.schema.target.classes)


def gate(model: onnx.ModelProto, example: Parts) -> Parity:
    preprocessing = example.preprocessing.SerializeToString()
    return Parity(model.SerializeToString(), preprocessing, example.network, example.schema)


def held_out(parity: Parity, example: Parts) -> None:
    """Compare on the rows of the table, whose features are those of the preprocessing."""
    session = onnxruntime.InferenceSession(example.preprocessing.SerializeToString())
    raw = feed(TABLE, example.schema.columns)
    names = [tensor_name(block) for block in example.blocks]
    features = dict(zip(example.blocks, session.run(names, raw), strict=True))
    arrays = Arrays(features, np.zeros(len(TABLE)))
    parity.compare_held_out("validation", TABLE, arrays, example.blocks)


def shift_bias(example: Parts, shift: float) -> None:
    """Add to the last bias of the network, in units of the standard deviation of the target."""
    with torch.no_grad():
        list(example.network.model.parameters())[-1].add_(shift)


def replace_age(model: onnx.ModelProto, where: str, value: float) -> None:
    """Have the file read ``value`` as the age of the rows for which the operator holds."""
    graph = model.graph
    for node in graph.node:
        node.input[:] = ["onward/replaced" if name == AGE else name for name in node.input]
    other = helper.make_tensor("onward/other", onnx.TensorProto.DOUBLE, [], [value])
    graph.initializer.append(other)
    nodes = [
        helper.make_node(where, [AGE], ["onward/holds"]),
        helper.make_node("Where", ["onward/holds", other.name, AGE], ["onward/replaced"]),
    ]
    for node in reversed(nodes):
        graph.node.insert(0, node)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_the_file_of_the_network_passes(task: str) -> None:
    example = parts(task)
    parity = gate(joined(example), example)
    held_out(parity, example)
    parity.compare_hostile(TABLE)


@pytest.mark.parametrize("compare", [held_out, lambda parity, _: parity.compare_hostile(TABLE)])
def test_a_bias_off_by_a_thousandth_of_the_spread_is_refused(
    compare: Callable[[Parity, Parts], None],
) -> None:
    example = parts("regression")
    example.network.head.fit(torch.tensor([-1e6, 1e6], dtype=torch.float64))
    model = joined(example)
    values = gate(model, example).predict(TABLE)["value"]
    spread = np.quantile(values, 0.95) - np.quantile(values, 0.05)
    shift_bias(example, 1e-3 * spread / 1e6)

    with pytest.raises(ExportError, match=r"predicted differently|predicts a row differently"):
        compare(gate(model, example), example)


def test_the_network_is_named_where_the_features_agree() -> None:
    example = parts("binary")
    model = joined(example)
    shift_bias(example, 0.1)
    with pytest.raises(
        ExportError,
        match=r"rows from row 0 of the validation rows are predicted differently by the file\. .*"
        r"The features are the same; the network differs",
    ):
        held_out(gate(model, example), example)


def test_a_file_that_differs_on_hostile_rows_only_is_refused() -> None:
    example = parts("binary")
    model = joined(example)
    replace_age(model, "IsInf", 28.0)
    parity = gate(model, example)

    held_out(parity, example)  # no row of the table is infinite

    with pytest.raises(ExportError, match=r"predicts a row differently: .* for the row {age="):
        parity.compare_hostile(TABLE)


@pytest.mark.parametrize("bias", [torch.nan, torch.inf])
def test_a_prediction_that_is_not_finite_is_refused_though_the_network_agrees(
    bias: float,
) -> None:
    example = parts("regression")
    for name in ("lowest", "highest"):  # no bounds: they would make infinity finite
        getattr(example.network.head, name).fill_(-torch.inf if name == "lowest" else torch.inf)
    shift_bias(example, bias)
    parity = gate(joined(example), example)
    with pytest.raises(ExportError, match=r"value is not finite, but (nan|inf), for the row"):
        held_out(parity, example)
    with pytest.raises(ExportError, match=r"value is not finite, but (nan|inf), for the row"):
        parity.compare_hostile(TABLE)


def add_by_rows(model: onnx.ModelProto, name: str, number: float) -> None:
    """Add to an output the number divided by the rows of the batch."""
    graph = model.graph
    for node in graph.node:
        node.output[:] = ["onward/before" if output == name else output for output in node.output]
        node.input[:] = ["onward/before" if value == name else value for value in node.input]
    graph.initializer.append(
        helper.make_tensor("onward/number", onnx.TensorProto.DOUBLE, [], [number])
    )
    graph.node.extend(
        [
            helper.make_node("Size", [AGE], ["onward/size"]),
            helper.make_node("Cast", ["onward/size"], ["onward/rows"], to=onnx.TensorProto.DOUBLE),
            helper.make_node("Div", ["onward/number", "onward/rows"], ["onward/added"]),
            helper.make_node("Add", ["onward/before", "onward/added"], [name]),
        ]
    )


def test_rounding_of_a_value_near_zero_is_measured_by_the_spread_of_all_rows() -> None:
    example = parts("regression")
    head = example.network.head
    head.fit(torch.tensor([-1e6, 1e6], dtype=torch.float64))
    for name, bound in (("lowest", -torch.inf), ("highest", torch.inf)):
        getattr(head, name).fill_(bound)
    bad = hostile_rows(TABLE, example.schema.columns)
    values = gate(joined(example), example).predict(bad)["value"]
    head.mean -= values[np.random.default_rng(0).permutation(len(bad))[0]]  # the first one alone
    model = joined(example)
    add_by_rows(model, "value", 2e-6 * np.ptp(np.quantile(values, [0.05, 0.95])))

    gate(model, example).compare_hostile(TABLE)


def test_the_spread_is_that_of_all_rows_also_if_they_are_sorted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    example = parts("regression")
    head = example.network.head
    head.fit(torch.tensor([-1e6, 1e6], dtype=torch.float64))
    for name, bound in (("lowest", -torch.inf), ("highest", torch.inf)):
        getattr(head, name).fill_(bound)
    values = gate(joined(example), example).predict(TABLE)["value"]
    head.mean -= values[0]  # the first row alone is near zero, without a size of its own
    model = joined(example)
    add_by_rows(model, "value", 2e-6 * np.ptp(np.quantile(values, [0.05, 0.95])))
    monkeypatch.setattr("onward.export.gate.rows_at_once", lambda _columns: 1)

    held_out(gate(model, example), example)


def test_a_wide_table_has_each_bad_value_in_few_rows() -> None:
    fields = [Field(f"c{place}", "numerical", "number") for place in range(450)]
    rows = hostile_rows(pl.DataFrame({field.name: [0.5, 0.5] for field in fields}), fields)
    assert len(rows) < 200 * 12 + 100
    want = {repr(value) for value in [0.5, None, *NUMBERS]}
    assert all({repr(value) for value in rows[field.name].head(2_402)} == want for field in fields)
