"""Model files of one line, made without training, and rows whose truth they predict."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import polars as pl
from onnx import TensorProto, helper

from onward import Predictor
from onward.preprocessing.graph import Graph, Value
from onward.schema import Field, Schema, Target
from onward.table.row_filter import RowFilter, row_hashes

X, CITY = Field("x", "numerical", "number"), Field("city", "categorical", "text")
CITIES = ("Köln", "Ulm", "Bonn", "Kiel")
CLASSES = ("no", "yes")
SLOPE = 2.0
"""The truth: the log-odds of the second class, or the mean, for each unit of ``x``."""


def rows(count: int, seed: int = 0, task: str = "binary") -> pl.DataFrame:
    """A table for such models; the city says nothing."""
    random = np.random.default_rng(seed)
    x, line = random.normal(size=count), random.logistic(size=count)
    target = SLOPE * x + line
    columns = {"x": x, "city": random.choice(CITIES, count)}
    outcome = np.where(target > 0, "yes", "no") if task == "binary" else target
    return pl.DataFrame({**columns, "outcome": outcome})


def line(
    path: Path,
    slope: float = SLOPE,
    task: str = "binary",
    *,
    bonn: float = 0.0,
    columns: tuple[Field, ...] = (X, CITY),
    trained: pl.DataFrame | None = None,
    note: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """A file that predicts by a slope; ``bonn`` is added in one of the cities.

    ``trained``: rows that the file remembers; ``note`` changes what it says of them.
    """
    graph = Graph()
    inputs = {field.name: graph.input(field.name, field.wire) for field in columns}
    score = graph("Mul", inputs["x"], graph.constant(slope))
    if bonn:
        is_bonn = graph("Equal", inputs["city"], graph.constant("Bonn", object))
        score = graph("Add", score, graph("Where", is_bonn, *map(graph.constant, (bonn, 0.0))))
    model = _classes(graph, score) if task == "binary" else _number(graph, score)
    kind, classes = ("classes", CLASSES) if task == "binary" else ("number", ())
    schema = Schema(columns, Target("outcome", kind, classes))  # type: ignore[arg-type]
    notes = {"onward": "1", "task": task, "schema": schema.dump()}
    if trained is not None:
        names = [*(field.name for field in columns), "outcome"]
        known = RowFilter.of([row_hashes(trained.select(names))], len(trained))
        test = {"rows": 1_000, "known": 1}
        notes["training_rows"] = json.dumps({**known.dump(), "test": test, **note})
    helper.set_model_props(model, notes)
    onnx.save(model, path)
    few = {f.name: ["a", "Bonn"] if f.wire == "text" else [0.5, -1.0] for f in columns}
    predictions = {name: array.tolist() for name, array in Predictor(path)(few).items()}
    notes["replay"] = json.dumps({"rows": few, "predictions": predictions})
    helper.set_model_props(model, notes)
    onnx.save(model, path)
    return path


def _classes(graph: Graph, score: Value) -> onnx.ModelProto:
    probability = graph("Sigmoid", score)
    other = graph("Sub", graph.constant(1.0), probability)
    both = graph("Concat", other, probability, axis=1)
    is_second = graph("Greater", probability, graph.constant(0.5))
    names = (graph.constant(name, object) for name in reversed(CLASSES))
    label = graph("Reshape", graph("Where", is_second, *names), graph.constant([-1], np.int64))
    graph.output("label", label, TensorProto.STRING, rank=0)
    graph.output("probabilities", graph("Cast", both, to=TensorProto.FLOAT), TensorProto.FLOAT)
    model = graph.model()
    model.graph.output[1].type.tensor_type.shape.dim[1].dim_value = len(CLASSES)
    return model


def _number(graph: Graph, score: Value) -> onnx.ModelProto:
    for name, distance in (("value", 0.0), ("lower", -3.0), ("upper", 3.0)):
        moved = graph("Add", score, graph.constant(distance))
        flat = graph("Reshape", moved, graph.constant([-1], np.int64))
        graph.output(name, flat, TensorProto.DOUBLE, rank=0)
    return graph.model()
