"""Join preprocessing and network into one ONNX file, and publish it if it passes the gate."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import torch
from onnx import helper
from pydantic import PositiveInt
from torch import Tensor

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import (
    inputs_of,
    manifest,
    publishing,
    refuse_stale,
    sha256_of_code,
    verified,
)
from onward.errors import ConfigError
from onward.export.ensemble_selection import Reduction, reduce
from onward.export.gate import Parity
from onward.export.joining import export
from onward.network.network import Network
from onward.preprocessing.subset import refitted
from onward.schema import Schema
from onward.serving.model_file import seal
from onward.settings.family import Settings as Base
from onward.table.column_profile import profile, reference
from onward.tasks import Task
from onward.tasks.decision import Decision, Purpose, gains, purpose, said, threshold
from onward.training.batches import Rows

logger = logging.getLogger(__name__)

READS = ("prepare", "train")

REPLAYED = 100  # raw rows that travel in the file, with their predictions
SCORED = 2048  # rows at once; an ensemble needs memory for each member
HELD_OUT = ("validation", "test")
USUAL = 200  # held-out rows that hostile ones are made of
FORMAT = "1"  # of the metadata; readers refuse what they do not know


class Settings(Base):
    """``k`` is how many members of an ensemble the file keeps; all of them if not given.

    ``decision``: what labels are for, if not to be the likeliest class.
    """

    k: PositiveInt | None = None
    decision: Decision | None = None


def run(settings: Settings, folder: Path) -> None:
    """Write ``model.onnx`` and ``parity.json``."""
    refuse_stale(folder / "train")
    selection = json.loads(verified(folder / "train" / "selection.json").read_text())
    prepared = Prepared(folder / "prepare", selection.get("kept"))
    schema = prepared.schema()
    network = Network.load(verified(folder / "train" / "network.pt").read_bytes()).eval()
    metrics = json.loads(verified(folder / "train" / "metrics.json").read_text())
    if settings.k is not None:
        metrics["reduction"] = asdict(_reduced(network, settings.k, prepared))
    known = {"metrics": metrics}
    if settings.decision is not None:
        known["decision"] = _decided(network, settings.decision, prepared)
    is_whole = schema == Prepared(folder / "prepare").schema()
    preprocessing = prepared.preprocessing() if is_whole else refitted(prepared).SerializeToString()
    graph = onnx.load_from_string(preprocessing)
    model = export(graph, network, schema.target.classes, {})
    parity = Parity(model.SerializeToString(), preprocessing, network, schema)
    found = _gate(parity, prepared)

    task = Task.members[network.head.task](schema.target)
    helper.set_model_props(model, _notes(folder, prepared, parity, task, known))
    inputs = inputs_of(folder, *READS)
    noted = settings.model_dump(mode="json")
    with publishing(folder / "export", inputs=inputs, settings=noted) as work:
        (work / "model.onnx").write_bytes(seal(model.SerializeToString()))
        (work / "parity.json").write_text(json.dumps(found, indent=1) + "\n")
    checked = sum(part["rows"] for part in found.values())
    logger.info("export: model.onnx agrees with the network on all %s rows", f"{checked:,}")


def _gate(parity: Parity, prepared: Prepared) -> dict[str, Any]:
    found = {}
    features = prepared.features()
    for split in HELD_OUT:
        rows = prepared.rows(split).collect()
        found[split] = asdict(parity.held_out(split, rows, prepared.arrays(split), features))
    found["hostile"] = asdict(parity.hostile(rows.head(USUAL)))
    return found


def _reduced(network: Network, k: int, prepared: Prepared) -> Reduction:
    size = network.model.ensemble_size
    if k > size:
        raise ConfigError(
            f"export.k: {k} members cannot be kept, the model has {size}. Choose at most {size}, or"
            " remove `k`"
        )
    found = reduce(network, k, Rows.of(prepared.arrays("validation")))
    logger.info(
        "export: %d of %d members kept; validation loss %.5g, with all of them %.5g",
        k,
        size,
        found.loss,
        found.loss_of_all,
    )
    return found


def _decided(network: Network, setting: Decision, prepared: Prepared) -> dict[str, Any]:
    """Tell the head how to decide, by the validation rows, and measure that on all held-out ones.

    Nothing is learned from the test rows.
    """
    target = prepared.schema().target
    if not Task.members[network.head.task].has_labels:
        raise ConfigError(
            f"export.decision: {network.head.task} has no labels to decide. Remove `decision`"
        )
    serves = purpose(setting, target.classes)
    rows = {split: Rows.of(prepared.arrays(split)) for split in HELD_OUT}
    found = {split: _probabilities(network, rows[split]) for split in HELD_OUT}
    before = {split: _served(serves, network, rows[split], found[split]) for split in HELD_OUT}
    validation = rows["validation"]
    gained = gains(
        serves, validation.targets.numpy(), found["validation"].numpy(), _weights(validation)
    )
    network.head.decide(torch.from_numpy(gained).float())
    after = {split: _served(serves, network, rows[split], found[split]) for split in HELD_OUT}
    note = {
        "metric": serves.metric.title,
        "gains": gained.tolist(),
        "threshold": threshold(gained),
        **{split: {"before": before[split], "after": after[split]} for split in HELD_OUT},
    }
    for name, text in said(note, target.classes):
        logger.info("export: %s: %s", name, text)
    return note


def _probabilities(network: Network, rows: Rows) -> Tensor:
    parts = (rows.between(at, at + SCORED) for at in range(0, len(rows), SCORED))
    with torch.no_grad():
        found = [network(part.numerical, part.categorical)["probabilities"] for part in parts]
    return torch.cat(found)


def _served(serves: Purpose, network: Network, rows: Rows, found: Tensor) -> float:
    labels = network.head.labels(found).numpy()
    return serves(rows.targets.numpy(), labels, _weights(rows))


def _weights(rows: Rows) -> np.ndarray | None:
    return None if rows.weights is None else rows.weights.numpy()


def _notes(
    folder: Path, prepared: Prepared, parity: Parity, task: Task, known: dict[str, Any]
) -> dict[str, str]:
    """What the file knows about itself; all of it is text."""
    schema = prepared.schema()
    rows = prepared.rows("test").collect()
    some = rows[np.unique(np.linspace(0, len(rows) - 1, REPLAYED).astype(int))]
    notes: dict[str, Any] = {
        "replay": {
            "rows": {field.name: some[field.name].to_list() for field in schema.columns},
            "predictions": {name: v.tolist() for name, v in parity.predict(some).items()},
        },
        **known,
        "versions": {
            name: version(name) for name in ("onward", "torch", "lightning", "onnx", "onnxruntime")
        },
        "hashes": _hashes(folder),
        "reference": {
            "columns": _reference(prepared.profiles(), schema),
            "predictions": _reference_of(task.monitored(parity.predict(rows))),
        },
    }
    names = {field.name for field in schema.columns}
    if readers := [each for each in prepared.text_readers() if names & {*each["columns"]}]:
        notes["text_readers"] = readers
    if made := prepared.profiles().get("derived"):
        notes["derived"] = [{name: each[name] for name in ("name", "made")} for each in made]
    texts = {name: json.dumps(note, ensure_ascii=False) for name, note in notes.items()}
    return {"onward": FORMAT, "task": task.name, "schema": schema.dump(), **texts}


def _hashes(folder: Path) -> dict[str, str]:
    notes = {name: manifest(folder / name) for name in ("prepare", "train")}
    settings = json.dumps({name: note["settings"] for name, note in notes.items()}, sort_keys=True)
    return {
        "data": notes["prepare"]["inputs"]["data"],
        "config": _sha256(settings),
        "code": sha256_of_code(),
    }


def _reference(report: dict[str, Any], schema: Schema) -> dict[str, Any]:
    rows, names = report["rows"]["train"], {field.name for field in schema.columns}
    return {c["name"]: reference(c, rows) for c in report["columns"] if c["name"] in names}


def _reference_of(values: Mapping[str, pl.Series]) -> dict[str, Any]:
    """How the predictions for held-out rows are spread."""
    return {name: reference(profile(column), len(column)) for name, column in values.items()}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
