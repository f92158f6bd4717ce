"""Join preprocessing and network into one ONNX file, and publish it if it passes the gate."""

import hashlib
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx
from onnx import helper
from pydantic import PositiveInt

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import (
    inputs_of,
    manifest,
    publishing,
    refuse_stale,
    sha256_of_code,
    verified,
)
from onward.blocks import CATEGORICAL
from onward.export.deciding import decide
from onward.export.ensemble_selection import reduce
from onward.export.gate import Parity
from onward.export.joining import export
from onward.export.notes import metadata, notes
from onward.export.training_rows import training_rows
from onward.network.network import Network
from onward.preprocessing.assembly import tensor_name
from onward.preprocessing.subset import refitted
from onward.serving.model_file import seal
from onward.settings.family import Settings as Base
from onward.tasks import Task
from onward.tasks.decision import Decision, said
from onward.training.batches import Rows

logger = logging.getLogger(__name__)

READS = ("prepare", "train")

HELD_OUT = ("validation", "test")
USUAL = 200  # held-out rows that hostile ones are made of


class Settings(Base):
    """``k`` is how many members of an ensemble the file keeps; all of them if not given.

    ``decision``: what labels are for, if not to be the likeliest class.
    """

    k: PositiveInt | None = None
    decision: Decision | None = None


def run(settings: Settings, folder: Path) -> None:
    """Write ``model.onnx`` and ``parity.json``."""
    refuse_stale(folder / "train")
    train = folder / "train"
    whole = Prepared(folder / "prepare")
    kept = json.loads(verified(train / "selection.json").read_text()).get("kept")
    prepared = whole if kept is None else whole.only(kept)
    schema = prepared.schema()
    network = Network.load(verified(train / "network.pt").read_bytes()).eval()
    known = {"metrics": json.loads(verified(train / "metrics.json").read_text())}
    _change(settings, network, prepared, known)
    is_whole = schema == whole.schema()
    preprocessing = prepared.preprocessing() if is_whole else refitted(prepared).SerializeToString()
    model = export(onnx.load_from_string(preprocessing), network, schema.target.classes, {})
    parity = Parity(model.SerializeToString(), preprocessing, network, schema)
    agreement = _gate(parity, prepared)
    task = Task.members[network.head.task](schema.target)
    test = prepared.rows("test").collect()
    report, readers = prepared.profiles(), prepared.text_readers()
    known |= notes(task, schema, test, parity.predict, report, readers)
    known |= {"hashes": _hashes(folder), **_codes(prepared)}
    known |= {"training_rows": training_rows(prepared)}
    helper.set_model_props(model, metadata(task, schema, known))
    inputs, noted = inputs_of(folder, *READS), settings.model_dump(mode="json")
    with publishing(folder / "export", inputs=inputs, settings=noted) as work:
        (work / "model.onnx").write_bytes(seal(model.SerializeToString()))
        (work / "parity.json").write_text(json.dumps(agreement, indent=1) + "\n")
    rows = sum(part["rows"] for part in agreement.values())
    logger.info("export: model.onnx agrees with the network on all %s rows", f"{rows:,}")


def _change(
    settings: Settings, network: Network, prepared: Prepared, known: dict[str, Any]
) -> None:
    """Make of the network what the settings ask for, and note what that costs."""
    if settings.k is not None:
        reduction = reduce(network, settings.k, Rows.of(prepared.arrays("validation")))
        known["metrics"]["reduction"] = asdict(reduction)
        logger.info("export: %s", reduction)
    if settings.decision is not None:
        target = prepared.schema().target
        rows = {split: Rows.of(prepared.arrays(split)) for split in HELD_OUT}
        known["decision"] = decide(network, settings.decision, target, rows)
        for name, text in said(known["decision"], target.classes):
            logger.info("export: %s: %s", name, text)


def _gate(parity: Parity, prepared: Prepared) -> dict[str, Any]:
    found = {}
    blocks = prepared.blocks()
    for split in HELD_OUT:
        rows = prepared.rows(split).collect()
        found[split] = asdict(parity.held_out(split, rows, prepared.arrays(split), blocks))
    found["hostile"] = asdict(parity.hostile(rows.head(USUAL)))
    return found


def _codes(prepared: Prepared) -> dict[str, Any]:
    """Where the graph has the codes of categories, and whose they are."""
    blocks = prepared.blocks()
    if CATEGORICAL not in blocks:
        return {}
    columns = blocks[CATEGORICAL].owners
    return {"codes": {"tensor": tensor_name(CATEGORICAL), "columns": columns}}


def _hashes(folder: Path) -> dict[str, str]:
    notes = {name: manifest(folder / name) for name in ("prepare", "train")}
    settings = json.dumps({name: note["settings"] for name, note in notes.items()}, sort_keys=True)
    return {
        "data": notes["prepare"]["inputs"]["data"],
        "config": hashlib.sha256(settings.encode()).hexdigest(),
        "code": sha256_of_code(),
    }
