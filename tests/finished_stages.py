"""Folders of the stages prepare, train and export, made in a second and without training."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import torch
from onnx import helper
from two_blocks import network as untrained

from onward.artifacts.prepared import row_numbers_file
from onward.artifacts.publishing import publishing
from onward.export.joining import join_graphs
from onward.network.network import Network, Shape
from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns import Column
from onward.schema import Field, Schema, Target
from onward.table.column_profile import profile
from onward.tasks import Task

SPLITS = ("train", "validation", "test")
SPEED = {
    "rows_per_s": 123_456,
    "precision": "bf16",
    "why": "this cpu multiplies bfloat16 faster",
    "is_streamed": False,
    "seconds": 12.34,
    "shares": {"step": 0.75, "data": 0.01, "validation": 0.2, "other": 0.04},
    "device": "cpu",
    "threads": 2,
}
CURVE = [
    {"columns": 2, "loss": 0.3, "worse": 0.1, "lower": 0.08, "upper": 0.12},
    {"columns": 4, "loss": 0.2, "worse": 0.0, "lower": 0.0, "upper": 0.0},
    {"columns": 6, "loss": 0.21, "worse": 0.01, "lower": -0.02, "upper": 0.04},
]
SELECTION = {
    "kept": ["age", "height in cm", "city", "since"],
    "dropped": ["<b>noise</b>", "luck"],
    "above_noise": 4,
    "relevance": [
        *({"column": c, "value": 0.2, "lower": 0.1, "upper": 0.3} for c in ("age", "height in cm")),
        *({"column": c, "value": 0.1, "lower": 0.05, "upper": 0.15} for c in ("city", "since")),
        {"column": "<b>noise</b>", "value": 0.001, "lower": -0.0123, "upper": 0.0143},
        {"column": "luck", "value": -0.002, "lower": -0.01, "upper": 0.006},
    ],
    "curve": CURVE,
}
SHORTAGE = "The validation set has no row of two classes"
ROWS = {"train": 120, "validation": 40, "test": 60}
MODELS: dict[tuple[str, str, str], bytes] = {}  # by task, schema and training rows


def finish(
    folder: Path,
    task: str,
    numbers: Sequence[str] = ("age", "height in cm"),
    texts: Sequence[str] = ("city",),
    classes: Sequence[str] = (),
    folds: int = 0,
) -> Schema:
    """The folders of a table whose target depends on its first column of numbers."""
    target = Target("outcome", "classes" if classes else "number", tuple(classes))
    rows = {split: _table(target, numbers, texts, ROWS[split]) for split in SPLITS}
    columns = _columns(numbers, texts)
    for column in columns:
        column.fit(rows["train"][column.name])
    fields = tuple(Field(c.name, c.config.type, c.wire, c.config.missing) for c in columns)
    schema = Schema(fields, target)
    key = (task, schema.dump(), rows["train"].write_json())
    if key not in MODELS:
        MODELS[key] = _model(task, columns, schema).SerializeToString()
    model = onnx.load_from_string(MODELS[key])
    with publishing(folder / "prepare", inputs={"data": "0" * 64}, settings={"seed": 0}) as work:
        for split, table in rows.items():
            table.write_parquet(work / f"{split}.parquet")
            np.save(row_numbers_file(work, split), np.arange(1, len(table) + 1))
        (work / "data.json").write_text(json.dumps(_data(rows, schema)))
        (work / "schema.json").write_text(schema.dump())
        (work / "features.json").write_text(json.dumps(preprocessing(columns).blocks.dump()))
    history = [
        {"epoch": epoch, "train/loss": 1 / (epoch + 1), "validation/loss": abs(epoch - 5) / 9 + 0.1}
        for epoch in range(1, 10)
    ]
    settings = {"seed": 0, "network": {"head": {"type": task}}}
    with publishing(folder / "train", inputs={}, settings=settings) as work:
        (work / "history.json").write_text(json.dumps(history))
        (work / "metrics.json").write_text(json.dumps({"epochs": 9, "best_epoch": 5}))
        (work / "selection.json").write_text(json.dumps(SELECTION))
    (folder / "train" / "speed.json").write_text(json.dumps(SPEED))
    with publishing(folder / "export", inputs={}) as work:
        _add_notes(model, target, folds)
        onnx.save(model, work / "model.onnx")
        (work / "parity.json").write_text("{}")
    return schema


def _add_notes(model: onnx.ModelProto, target: Target, folds: int) -> None:
    notes: dict[str, Any] = {} if target.classes else {"intervals": {"coverage": 0.9}}
    if folds:
        notes["metrics"] = {"folds": folds, "validation/loss": 0.375}
    for name, note in notes.items():
        model.metadata_props.add(key=name, value=json.dumps(note))


def _table(target: Target, numbers: Sequence[str], texts: Sequence[str], rows: int) -> pl.DataFrame:
    random = np.random.default_rng(rows)
    table: dict[str, Any] = {name: random.normal(size=rows).round(3) for name in numbers}
    table |= {name: random.choice(["Köln", "<b>Ulm</b>", "?"], rows).tolist() for name in texts}
    table["since"] = [f"20{year:02}-05-03T10:00:00Z" for year in random.integers(0, 24, rows)]
    signal = table[numbers[0]] + random.normal(0, 0.3, rows)
    if target.kind == "classes":
        ranks = (signal.argsort().argsort() * len(target.classes)) // rows
        table[target.name] = [target.classes[rank] for rank in ranks]
    else:
        table[target.name] = 10 + signal
    hole = pl.when(pl.int_range(rows) % 7 == 3).then(None).otherwise(pl.col(numbers[-1]))
    return pl.DataFrame(table).with_columns(hole.alias(numbers[-1]))


def _columns(numbers: Sequence[str], texts: Sequence[str]) -> list[Column]:
    settings: list[dict[str, Any]] = [
        *({"type": "numerical", "name": name} for name in numbers),
        *({"type": "categorical", "name": name, "missing": ("?",)} for name in texts),
        {"type": "datetime", "name": "since"},
    ]
    return [
        Column.build(Column.members[column["type"]].Config.model_validate(column))
        for column in settings
    ]


def _model(task: str, columns: Sequence[Column], schema: Schema) -> onnx.ModelProto:
    torch.manual_seed(0)
    prepared = preprocessing(columns)
    parts = {"embedder": "identity", "model": "linear", "head": task}
    config = Network.Config.model_validate({part: {"type": name} for part, name in parts.items()})
    network = untrained(config, Shape(prepared.blocks, len(schema.target.classes)))
    if Task.members[network.head.task].is_number:
        network.head.fit(torch.tensor([9.0, 11.0], dtype=torch.float64))
        network.head.calibrate(
            torch.zeros(3, 1), torch.tensor([9.5, 10.0, 10.5], dtype=torch.float64)
        )
    notes = {"onward": "1", "task": task, "schema": schema.dump()}
    notes["versions"] = json.dumps({"onward": "0.1.0", "torch": "2.13.0"})
    notes["hashes"] = json.dumps({"data": "0" * 64, "config": "1" * 64, "code": "2" * 64})
    model = join_graphs(prepared.model, network.eval(), schema.target.classes)
    helper.set_model_props(model, notes)
    return model


def _data(rows: dict[str, pl.DataFrame], schema: Schema) -> dict[str, Any]:
    target: dict[str, Any] = {"name": schema.target.name, "kind": schema.target.kind}
    values = {split: table[schema.target.name] for split, table in rows.items()}
    if schema.target.kind == "number":
        target |= profile(values["train"])
    else:
        target["classes"] = {
            label: {split: int((values[split] == label).sum()) for split in rows}
            for label in schema.target.classes
        }
    columns = [
        {"name": field.name, "type": field.type, **profile(rows["train"][field.name])}
        for field in schema.columns
    ]
    quality = {
        "checks": 7,
        "findings": [
            {
                "columns": ["age", "city"],
                "what": "values that violate `age < 99`",
                "count": 3,
                "rows": 1_000,
                "first": [5, 6, 7],
                "examples": ["age: '<b>'"],
            }
        ],
        "rows": {"read": 997, "without duplicates": 995},
        "duplicates": 2,
        "conflicts": 0,
        "changes": [{"column": "city", "what": "another spelling", "count": 41}],
        "leaks": [
            {
                "level": "warning",
                "what": "column 'city' alone explains 97.1%",
                "remedy": "Remove it, or accept it",
            }
        ],
        "shortages": [SHORTAGE],
    }
    counts = {split: len(table) for split, table in rows.items()}
    left_out = [{"name": "id", "reason": "every row has another value"}]
    report = {"source": "data/table.csv", "rows": counts, "columns": columns, "target": target}
    made = {
        "name": "years",
        "type": "elapsed",
        "made": "<end> - since, in days",
        "reads": ["since"],
    }
    derived = [{**made, **profile(rows["train"][schema.columns[0].name])}]
    return report | {"left_out": left_out, "quality": quality, "derived": derived}
