"""Model files for tests, made without the stages."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import polars as pl
import torch
from onnx import helper
from two_blocks import network as untrained

from onward.blocks import Blocks
from onward.export.joining import join_graphs
from onward.network.network import Network, Shape
from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns import Column
from onward.preprocessing.graph import Graph
from onward.schema import Field, Schema, Target
from onward.tasks import Task
from onward.wires import wire_of

DAYS = ("19-01-02", None, "21-12-31", "20-02-29", "24-07-04", "18-05-05", "22-10-10", "23-03-03")
TABLE = pl.DataFrame(
    {
        "age": [39.0, 50.0, None, 53.0, 28.0, 37.0, 49.0, 52.0],
        "hours per week": [40.0, 13.0, 40.0, 40.0, None, 40.0, 16.0, 45.0],
        "workclass": ["State-gov", "?", "Private", None, "Private", "Köln", "Private", "State-gov"],
        "children": [0.0, 2.0, 1.0, None, 0.0, 0.0, 3.0, 1.0],
        "member": ["yes", "no", "no", None, "yes", "yes", "no", "no"],
        "joined": [f"20{day}T12:34:56.789Z" if day else None for day in DAYS],
        "commute": ["12.5 km", "900m", None, "3 km", "-1 km", "1,200 m", "+7km", ".5 km"],
    }
)
"""After the wire: Float64 and String, null is missing."""
HOSTILE = pl.DataFrame(
    {
        "age": [1e300, -1e300, 5e-324, -0.0, 2.0**53],
        "hours per week": [None, -1e9, 1e-9, 40.5, 1e38],
        "workclass": ["", " Private", "東京 \U0001f30d", "private", "x" * 10_000],
        "children": [1e300, 0.5, -1.0, 2.0**63, None],
        "member": ["Yes", "1", "", "no ", "é"],
        "joined": ["2023-02-29", "0000-00-00", "9999-12-31T23:59:60", "1e9", "-0001-01-01"],
        "commute": ["12 KM", "1e99km", "km", "9" * 400 + "m", "\u0661 km"],
    }
)
"""What no training row looks like."""
COLUMNS: tuple[dict[str, Any], ...] = (
    {"type": "numerical", "name": "age"},
    {"type": "numerical", "name": "hours per week"},
    {"type": "categorical", "name": "workclass", "missing": ("?",)},
    {"type": "categorical", "name": "children", "values": "integer"},
    {"type": "boolean", "name": "member", "true_values": ("yes",), "false_values": ("no",)},
    {"type": "datetime", "name": "joined"},
    {"type": "quantity", "name": "commute", "units": {"km": 1, "m": 1e-3}, "thousands": ","},
)
CLASSES = ("<=50K", ">50K")


def echo(path: Path, fields: Sequence[Field]) -> Path:
    """A file that predicts what it is given: each column comes back as ``<name> sent``."""
    graph = Graph()
    for field in fields:
        raw, wire = graph.input(field.name, field.wire), wire_of(field.wire)
        graph.output(f"{field.name} sent", raw, wire.element.onnx, len(wire.shape))
    model = graph.model()
    schema = Schema(tuple(fields), Target("pay", "number"))
    helper.set_model_props(model, {"onward": "1", "task": "regression", "schema": schema.dump()})
    onnx.save(model, path)
    return path


def example(path: Path, task: str = "binary") -> Path:
    """A small model of the task, as the stage ``export`` would write it."""
    path.write_bytes(_example(task))
    return path


@dataclass(frozen=True)
class Parts:
    """What a file is joined from."""

    preprocessing: onnx.ModelProto
    network: Network
    schema: Schema
    blocks: Blocks


def parts(task: str) -> Parts:
    """Preprocessing and network of the example; the network is a new one each time."""
    torch.manual_seed(0)
    columns = [Column.build(_column(settings)) for settings in COLUMNS]
    for column in columns:
        column.fit(TABLE[column.name])
    classes = CLASSES if task == "binary" else ()
    target = Target("pay", "classes" if classes else "number", classes)
    fields = tuple(column.field for column in columns)
    prepared = preprocessing(columns)
    network = _network(task, Shape(prepared.blocks, len(classes)))
    return Parts(prepared.model, network, Schema(fields, target), prepared.blocks)


@cache
def _example(task: str) -> bytes:
    made = parts(task)
    classes, fields = made.schema.target.classes, made.schema.columns
    notes = {"onward": "1", "task": task, "schema": made.schema.dump()}
    model = join_graphs(made.preprocessing, made.network, classes)
    helper.set_model_props(model, notes)
    notes |= {key: json.dumps(entry) for key, entry in _entries(model, fields).items()}
    helper.set_model_props(model, notes)
    data: bytes = model.SerializeToString()
    return data


def edit(path: Path, notes: Mapping[str, str | None]) -> None:
    """Change what a file says of itself; None removes an entry."""
    model = onnx.load(path)
    old = {entry.key: entry.value for entry in model.metadata_props}
    model.ClearField("metadata_props")
    new = {key: value for key, value in {**old, **notes}.items() if value is not None}
    helper.set_model_props(model, new)
    onnx.save(model, path)


def _column(settings: Mapping[str, Any]) -> Any:
    return Column.members[settings["type"]].Config.model_validate(settings)


def _network(task: str, shape: Shape) -> Network:
    names = {"embedder": "identity", "model": "mlp", "head": task}
    config = Network.Config.model_validate({part: {"type": name} for part, name in names.items()})
    network = untrained(config, shape)
    if Task.members[network.head.task].is_number:
        network.head.fit(torch.tensor([1e6, 2e6], dtype=torch.float64))
    weight, bias = list(network.model.parameters())[-2:]
    with torch.no_grad():  # else all rows would get nearly the same prediction
        weight.mul_(100)
        bias.fill_(2.5)
    return network.eval()


def _entries(model: onnx.ModelProto, fields: Sequence[Field]) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString())
    blank = {"number": np.nan, "text": ""}
    feed = {
        field.name: TABLE[field.name].fill_null(blank[field.wire]).to_numpy()[:, None]
        for field in fields
    }
    names = [output.name for output in session.get_outputs()]
    predictions = dict(zip(names, session.run(names, feed), strict=True))
    replay = {
        "rows": TABLE.to_dict(as_series=False),
        "predictions": {name: array.tolist() for name, array in predictions.items()},
    }
    numbers = {"missing": 0.125, "edges": [28.0, 40.0, 53.0], "shares": [0.5, 0.5]}
    texts = {"missing": 0.25, "values": ["Private", "State-gov"], "shares": [0.5, 0.33]}
    return {
        "replay": replay,
        "metrics": {"validation/loss": 0.25},
        "versions": {"onward": "0.1.0", "onnxruntime": onnxruntime.__version__},
        "hashes": {"data": "0" * 64, "config": "1" * 64, "code": "2" * 64},
        "reference": {
            "columns": {"age": numbers, "workclass": texts | {"other": 0.17}},
            "predictions": {"probabilities": numbers},
        },
    }
