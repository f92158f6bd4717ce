"""Model files as a stranger, or a broken disk, could hand them over."""

import json
import random
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

Change = Callable[[ModelProto], None]
NOTES = (
    *("schema", "replay", "metrics", "decision", "versions", "hashes"),
    *("reference", "derived", "text_readers"),
)
VALUES = ("", "null", "[]", "{}", "1", '"x"', "[1, 2]", '{"a": null}', "NaN", "{", "[" * 10**5)


def hostile_models(model: bytes) -> dict[str, bytes]:
    """Changes of a good file, by what they are."""
    return dict(
        [*_bytes(model), *_notes(model), *_replays(model), *_schemas(model), *_graphs(model)]
    )


def _bytes(model: bytes) -> Iterator[tuple[str, bytes]]:
    draw = random.Random(0)
    for number in range(70):
        place, bit = draw.randrange(len(model)), draw.randrange(8)
        flipped = bytearray(model)
        flipped[place] ^= 1 << bit
        yield f"bit {number} flipped", bytes(flipped)
    for number in range(20):
        yield f"cut {number}", model[: draw.randrange(len(model))]
    for number in range(20):
        place = draw.randrange(len(model) - 40)
        noise = draw.randbytes(draw.randrange(1, 40))
        yield f"noise {number}", model[:place] + noise + model[place + len(noise) :]
    yield from {
        "nothing": b"",
        "text": b"hello",
        "zeros": bytes(10_000),
        "twice": model + model,
        "tail": model + b"\xff" * 100,
        "group": model + b"\x0b\x0c",
    }.items()


def _changed(model: bytes, change: Change) -> bytes:
    proto = ModelProto.FromString(model)
    change(proto)
    data: bytes = proto.SerializeToString()
    return data


def _note(name: str, value: str) -> Change:
    def change(model: ModelProto) -> None:
        notes = {entry.key: entry.value for entry in model.metadata_props} | {name: value}
        model.ClearField("metadata_props")
        helper.set_model_props(model, notes)

    return change


def _document(model: bytes, name: str) -> Any:
    return json.loads({e.key: e.value for e in ModelProto.FromString(model).metadata_props}[name])


def _notes(model: bytes) -> Iterator[tuple[str, bytes]]:
    for name in NOTES:
        for value in VALUES:
            yield f"{name} = {value[:10]}", _changed(model, _note(name, value))
    for graph in (b"", b"x", model):
        reader = [{"columns": [], "graph": b64encode(graph).decode()}]
        yield f"reader {graph[:2]!r}", _changed(model, _note("text_readers", json.dumps(reader)))
    yield from _comparisons(model)
    for value in ("x", "-1", "9" * 5000, ""):
        yield f"format {value[:5]}", _changed(model, _note("onward", value))
    yield "hash", _changed(model, _note("sha256", "0" * 64))

    def twice(proto: ModelProto) -> None:
        proto.metadata_props.append(proto.metadata_props[0])

    yield "note twice", _changed(model, twice)


def _comparisons(model: bytes) -> Iterator[tuple[str, bytes]]:
    """With notes on the training rows that do not fit the graph."""
    for name, tensor in (("an input", "age"), ("no tensor", "x"), ("a long name", "x" * 20_000)):
        codes = {"tensor": tensor, "columns": ["age", "workclass"]}
        yield f"codes: {name}", _changed(model, _note("codes", json.dumps(codes)))
    for name, ends in (("text", {"min": "a", "max": "b"}), ("one end", {"min": 1})):
        reference = {"columns": {"age": ends}}
        yield f"range: {name}", _changed(model, _note("reference", json.dumps(reference)))


def _replays(model: bytes) -> Iterator[tuple[str, bytes]]:
    replay = _document(model, "replay")
    rows, predictions = replay["rows"], replay["predictions"]
    first = next(iter(predictions))
    column = next(iter(rows))
    for name, document in {
        "no predictions": {"rows": rows, "predictions": {}},
        "no rows": {
            "rows": {name: [] for name in rows},
            "predictions": {name: [] for name in predictions},
        },
        "one output": {"rows": rows, "predictions": {first: predictions[first]}},
        "fewer predictions": {
            "rows": rows,
            "predictions": {name: values[:1] for name, values in predictions.items()},
        },
        "nested predictions": {
            "rows": rows,
            "predictions": {name: [[values]] for name, values in predictions.items()},
        },
        "a column less": {"rows": {**rows} | {column: []}, "predictions": predictions},
        "objects as values": {"rows": {**rows, column: [{}] * 8}, "predictions": predictions},
    }.items():
        yield f"replay: {name}", _changed(model, _note("replay", json.dumps(document)))


def _schemas(model: bytes) -> Iterator[tuple[str, bytes]]:
    edits: dict[str, Callable[[dict[str, Any]], Any]] = {
        "no columns": lambda schema: schema["columns"].clear(),
        "a column less": lambda schema: schema["columns"].pop(),
        "a column twice": lambda schema: schema["columns"].append(schema["columns"][0]),
        "another name": lambda schema: schema["columns"][0].update(name="other"),
        "another wire": lambda schema: schema["columns"][0].update(wire="text"),
        "no such wire": lambda schema: schema["columns"][0].update(wire="pixels"),
        "a number as name": lambda schema: schema["columns"][0].update(name=1),
        "no name": lambda schema: schema["columns"][0].pop("name"),
        "missing is a number": lambda schema: schema["columns"][0].update(missing=1),
        "odd units": lambda schema: schema["columns"][0].update(units=[[1, "x"]]),
        "odd settings": lambda schema: schema["columns"][0].update(settings=[1]),
        "a setting of another type": lambda schema: schema["columns"][0].update(
            settings={"format": 1}
        ),
        "units without factors": lambda schema: schema["columns"][0].update(
            settings={"units": {"kg": "1"}}
        ),
        "an unknown setting": lambda schema: schema["columns"][0].update(size=[1]),
        "no target": lambda schema: schema.pop("target"),
        "a class more": lambda schema: schema["target"]["classes"].append("more"),
        "no classes": lambda schema: schema["target"]["classes"].clear(),
        "a class twice": lambda schema: schema["target"].update(classes=["x", "x"]),
        "another kind": lambda schema: schema["target"].update(kind="number"),
    }
    for name, edit in edits.items():
        schema = _document(model, "schema")
        edit(schema)
        yield f"schema: {name}", _changed(model, _note("schema", json.dumps(schema)))


def _graphs(model: bytes) -> Iterator[tuple[str, bytes]]:
    for name, change in GRAPHS.items():
        yield f"graph: {name}", _changed(model, change)

    def rename(proto: ModelProto) -> None:
        proto.graph.node[0].name = "onward/bad name"

    yield "graph: text", _changed(model, rename).replace(b"bad name", b"bad \xff\xfe\xfd\xfc")


def _append(*nodes: Any) -> Change:
    """Operators at the end, whose results nobody uses."""
    return lambda model: model.graph.node.extend(nodes)


def _shape(size: int, operator: str, *, packed: bool) -> Change:
    def change(model: ModelProto) -> None:
        if packed:
            shape = helper.make_tensor("onward/shape", TensorProto.INT64, [1], [size])
        else:
            shape = numpy_helper.from_array(np.array([size]), "onward/shape")
        model.graph.initializer.append(shape)
        inputs = {"ConstantOfShape": [shape.name], "Range": ["zero", shape.name, "one"]}
        inputs |= {"Expand": [model.graph.input[0].name, shape.name]}
        model.graph.node.append(helper.make_node(operator, inputs[operator], ["onward/large"]))

    return change


def _large_constant_node(model: ModelProto) -> None:
    shape = numpy_helper.from_array(np.array([10**12]))
    model.graph.node.extend(
        [
            helper.make_node("Constant", [], ["onward/shape"], value=shape),
            helper.make_node("ConstantOfShape", ["onward/shape"], ["onward/large"]),
        ]
    )


def _external(location: str) -> Change:
    def change(model: ModelProto) -> None:
        tensor = next(t for t in model.graph.initializer if t.data_type == TensorProto.FLOAT)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location

    return change


def _external_in_an_operator(model: ModelProto) -> None:
    tensor = TensorProto(dims=[1], data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="/etc/passwd")
    model.graph.node.append(helper.make_node("Constant", [], ["onward/c"], value=tensor))


def _subgraph(operator: str) -> Change:
    empty = helper.make_graph([], "body", [], [])
    return _append(helper.make_node(operator, ["c"], ["onward/y"], body=empty))


def _chain(model: ModelProto) -> None:
    names = [model.graph.input[0].name, *(f"onward/chain/{n}" for n in range(100_000))]
    for before, after in pairwise(names):
        model.graph.node.append(helper.make_node("Identity", [before], [after]))


def _function(model: ModelProto) -> None:
    node = helper.make_node("Identity", ["x"], ["y"])
    opset = [helper.make_opsetid("", 20)]
    model.functions.append(helper.make_function("own", "F", ["x"], ["y"], [node], opset))


def _rename_input(model: ModelProto) -> None:
    old = model.graph.input[0].name
    model.graph.input[0].name = "renamed"
    for node in model.graph.node:
        node.input[:] = ["renamed" if name == old else name for name in node.input]


def _more_inputs(model: ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.DOUBLE, ["n", 1]))


def _set(path: str, value: Any) -> Change:
    def change(model: ModelProto) -> None:
        tensor = getattr(model.graph, path)[0].type.tensor_type
        if isinstance(value, int):
            tensor.elem_type = value
        else:
            tensor.ClearField("shape")
            for size in value:
                tensor.shape.dim.add(dim_value=size)

    return change


def _drop(part: str) -> Change:
    return lambda model: getattr(model.graph, part).pop()


def _absurd_dims(model: ModelProto) -> None:
    model.graph.initializer[0].dims[:] = [10**9, 10**9]


def _sparse(model: ModelProto) -> None:
    values = helper.make_tensor("onward/sparse", TensorProto.FLOAT, [1], [1.0])
    indices = helper.make_tensor("onward/places", TensorProto.INT64, [1], [5])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [10**9]))


GRAPHS: dict[str, Change] = {
    "loop": _subgraph("Loop"),
    "if": _subgraph("If"),
    "scan": _subgraph("Scan"),
    "subgraph of an operator without": _subgraph("Identity"),
    "foreign operator": _append(helper.make_node("Evil", [], ["onward/e"], domain="com.evil")),
    "contrib operator": _append(helper.make_node("Gelu", ["c"], ["e"], domain="com.microsoft")),
    "unknown operator": _append(helper.make_node("Evil", [], ["onward/e"])),
    "operator of chance": _append(helper.make_node("RandomNormal", [], ["r"], shape=[10**12])),
    "foreign opset": lambda model: model.opset_import.append(helper.make_opsetid("evil", 1)),
    "function": _function,
    "chain": _chain,
    "external data": _external("weights.bin"),
    "external data, absolute": _external("/etc/passwd"),
    "external data above": _external("../../etc/passwd"),
    "external data in an operator": _external_in_an_operator,
    "large zeros": _shape(10**12, "ConstantOfShape", packed=False),
    "large zeros, packed": _shape(10**12, "ConstantOfShape", packed=True),
    "large expansion": _shape(10**12, "Expand", packed=False),
    "large constant of an operator": _large_constant_node,
    "renamed input": _rename_input,
    "one more input": _more_inputs,
    "one output less": _drop("output"),
    "one operator less": _drop("node"),
    "one constant less": _drop("initializer"),
    "other type of an input": _set("input", TensorProto.FLOAT),
    "fixed rows of an input": _set("input", [3, 1]),
    "wide input": _set("input", [0, 2]),
    "other type of an output": _set("output", TensorProto.INT64),
    "fixed rows of an output": _set("output", [3]),
    "absurd dimensions": _absurd_dims,
    "sparse constant": _sparse,
    "no graph": lambda model: model.ClearField("graph"),
    "no operators": lambda model: model.graph.ClearField("node"),
    "no notes": lambda model: model.ClearField("metadata_props"),
    "future format": lambda model: setattr(model, "ir_version", 9_999),
}
