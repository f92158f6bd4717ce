"""Join preprocessing and network into one ONNX file, and publish it if it passes the gate."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import onnx
import polars as pl
from onnx import ModelProto, helper
from pydantic import PositiveInt

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import (
    EVALUATED,
    MODEL,
    inputs_of,
    manifest,
    publishing,
    refuse_stale,
    sha256_of_code,
    verify,
)
from onward.blocks import CATEGORICAL
from onward.errors import ConfigError
from onward.export.deciding import decide
from onward.export.ensemble_selection import reduce
from onward.export.gate import Parity
from onward.export.joining import join_graphs
from onward.export.monitor_note import monitor_note
from onward.export.notes import Facts, metadata, notes
from onward.export.privacy import Privacy
from onward.export.signature import document, signature
from onward.export.training_rows import training_rows
from onward.network.bag import load_network, load_refitted
from onward.network.heads import Head
from onward.network.network import Network
from onward.network.scoring import Scoring
from onward.preprocessing.assembly import tensor_name
from onward.preprocessing.subset import graph_of_columns
from onward.serving.decision_rule import describe_rule
from onward.serving.model_file import identity, seal
from onward.serving.training_comparison import UNSEEN
from onward.tasks import Task
from onward.tasks.decision import Decision
from onward.training.batches import Rows
from onward.training.joined_rows import learned_rows

logger = logging.getLogger(__name__)

READS = ("prepare", "train")

HELD_OUT_SPLITS = ("validation", "test")
HOSTILE_FROM_ROWS = 200  # held-out rows to make hostile rows from


class Settings(Privacy):
    """``k`` is the number of ensemble members to keep; by default all of them.

    ``decision``: the objective of the labels; by default the most likely class.

    ``replay`` and ``hide``: the raw values in the file. ``replay`` is ``rows``, 100 test rows;
    ``synthetic``, rows with independently drawn columns; or ``none``, one row of missing values.
    Values of the columns in ``hide`` are not written to the metadata of the file, to
    ``signature.json`` or to pages. With either, the file has no filter of the training rows either,
    and `onward promote` cannot recognize them.
    """

    k: PositiveInt | None = None
    decision: Decision | None = None


@dataclass(frozen=True)
class _Checked:
    """A file without metadata, which has passed the gate."""

    model: ModelProto
    parity: Parity
    agreement: Mapping[str, Any]

    def sealed(self, metadata: Mapping[str, str]) -> bytes:
        """The file with metadata."""
        helper.set_model_props(self.model, dict(metadata))
        return seal(self.model.SerializeToString())


def run(settings: Settings, folder: Path) -> None:
    """Write ``model.onnx``, ``signature.json`` and ``parity.json``.

    If the network was trained a second time, with held-out rows, ``model.onnx`` has the weights of
    that training, and ``evaluated.onnx`` those of the first one, which `evaluate` and the note for
    monitors are about.
    """
    refuse_stale(folder / "train")
    prepared, weights = _prepared(folder), verify(folder / "train" / "network.pt").read_bytes()
    settings.refuse_unknown(_names(prepared))
    network, refitted = load_network(weights).eval(), load_refitted(weights)
    record = {"metrics": json.loads(verify(folder / "train" / "metrics.json").read_text())}
    _change(settings, network, prepared, record)
    task = Task.members[network.head.task](prepared.schema().target)
    evaluated = published = _checked(network, prepared, task)
    if refitted is not None:
        _decide_alike(settings, refitted, network)
        published = _checked(refitted.eval(), prepared, task)
    predictions = evaluated.agreement["test"].predictions
    monitored = monitor_note(task, prepared, network, predictions, settings.hide)
    of_outputs = task.monitored_outputs(predictions)
    notes_of = partial(_notes, settings, prepared, of_outputs, monitored)
    record |= {
        "hashes": _hashes(folder),
        **_codes(prepared),
        **_intervals(network.head),
        **_training_rows(settings, prepared, record["metrics"]),
    }
    schema, about = prepared.schema(), record | notes_of(published.parity)
    files = {MODEL: published.sealed(metadata(task, schema, about))}
    if published is not evaluated:
        first = _without_refit(record) | notes_of(evaluated.parity)
        files[EVALUATED] = evaluated.sealed(metadata(task, schema, first))
    documents = {
        "signature": signature(published.model, schema, about, identity(files[MODEL])),
        "parity": {name: part.document() for name, part in published.agreement.items()},
    }
    _publish(settings, folder, files, documents)
    rows = sum(part.rows for part in published.agreement.values())
    logger.info("export: %s and the network agree on all %s rows", MODEL, f"{rows:,}")


def _publish(
    settings: Settings,
    folder: Path,
    files: Mapping[str, bytes],
    documents: Mapping[str, Mapping[str, Any]],
) -> None:
    inputs, settings_json = inputs_of(folder, *READS), settings.model_dump(mode="json")
    with publishing(folder / "export", inputs=inputs, settings=settings_json) as work:
        for name, content in files.items():
            (work / name).write_bytes(content)
        for name, document in documents.items():
            text = json.dumps(document, ensure_ascii=False, indent=1)
            (work / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _prepared(folder: Path) -> Prepared:
    """The rows, with the columns that the network reads."""
    prepared = Prepared(folder / "prepare")
    selection = json.loads(verify(folder / "train" / "selection.json").read_text())
    kept = prepared.only(selection["kept"]) if "kept" in selection else prepared
    return kept if kept.schema() != prepared.schema() else prepared


def _checked(network: Scoring, prepared: Prepared, task: Task) -> _Checked:
    """Join preprocessing and network, and compare them with the file."""
    schema = prepared.schema()
    is_whole = prepared.kept is None
    preprocessing = (
        prepared.preprocessing() if is_whole else graph_of_columns(prepared).SerializeToString()
    )
    model = join_graphs(onnx.load_from_string(preprocessing), network, schema.target.classes)
    document(model, schema, task.name)
    parity = Parity(model.SerializeToString(), preprocessing, network, schema)
    return _Checked(model, parity, _gate(parity, prepared))


def _decide_alike(settings: Settings, refitted: Network, network: Scoring) -> None:
    """Take over the decision rule, which was fitted on rows that the first network does not know.

    Raises:
        ConfigError: if members are to be selected, which takes such rows, too.
    """
    if settings.k is not None:
        raise ConfigError(
            "export.k: the members of a network that is trained again (train.refit) cannot be"
            " selected: it has learned from the validation rows. Remove `k`, or `refit`"
        )
    if network.head.gains is not None:
        refitted.head.decide(network.head.gains)


def _without_refit(record: Mapping[str, Any]) -> dict[str, Any]:
    metrics = {name: value for name, value in record["metrics"].items() if name != "refit"}
    return {**record, "metrics": metrics}


def _names(prepared: Prepared) -> list[str]:
    """Names of the inputs, and of columns that are not used but described on pages."""
    unused = prepared.profiles().get("left_out", [])
    return [field.name for field in prepared.schema().columns] + [about["name"] for about in unused]


def _notes(
    settings: Settings,
    prepared: Prepared,
    of_outputs: Mapping[str, pl.Series],
    monitored: Mapping[str, Any],
    parity: Parity,
) -> dict[str, Any]:
    privacy = Privacy(replay=settings.replay, hide=settings.hide)
    facts = Facts(prepared.profiles(), prepared.text_readers(), monitored)
    test = prepared.rows("test").collect()
    return notes(prepared.schema(), test, parity.predict, of_outputs, facts, privacy)


def _change(
    settings: Settings, network: Scoring, prepared: Prepared, record: dict[str, Any]
) -> None:
    """Reduce the ensemble and choose the decision by the settings, and record the effects."""
    if settings.k is not None:
        if not isinstance(network, Network):
            raise ConfigError(
                "export.k: the model consists of several networks (train.folds or train.members),"
                " whose members cannot be selected. Remove `k`"
            )
        reduction = reduce(network, settings.k, Rows.of(prepared.arrays("validation")))
        record["metrics"]["reduction"] = asdict(reduction)
        logger.info("export: %s", reduction)
    if settings.decision is not None:
        target = prepared.schema().target
        rows = {split: Rows.of(prepared.arrays(split)) for split in HELD_OUT_SPLITS}
        if network.out_of_fold is not None:
            rows["validation"] = learned_rows(prepared)
        record["decision"] = decide(network, settings.decision, target, rows)
        for name, text in describe_rule(record["decision"], target.classes):
            logger.info("export: %s: %s", name, text)


def _gate(parity: Parity, prepared: Prepared) -> dict[str, Any]:
    agreement: dict[str, Any] = {}
    blocks = prepared.blocks()
    for split in HELD_OUT_SPLITS:
        rows = prepared.rows(split).collect()
        agreement[split] = parity.compare_held_out(split, rows, prepared.arrays(split), blocks)
    agreement["hostile"] = parity.compare_hostile(rows.head(HOSTILE_FROM_ROWS))
    return agreement


def _training_rows(
    settings: Settings, prepared: Prepared, metrics: Mapping[str, Any]
) -> dict[str, Any]:
    if not settings.may_recognize_rows:
        return {}
    splits = metrics.get("refit", {}).get("splits", "train + validation").split(" + ")
    return {"training_rows": training_rows(prepared, splits)}


def _intervals(head: Head) -> dict[str, Any]:
    return {} if head.coverage is None else {"intervals": {"coverage": head.coverage}}


def _codes(prepared: Prepared) -> dict[str, Any]:
    """The tensor with the codes of categories, its columns, and those with rare categories."""
    blocks = prepared.blocks()
    if CATEGORICAL not in blocks:
        return {}
    columns = blocks[CATEGORICAL].owners
    is_rare = (prepared.arrays("train").features[CATEGORICAL] == UNSEEN).any(axis=0)
    rare = [name for name, has_rare in zip(columns, is_rare, strict=True) if has_rare]
    note = {"tensor": tensor_name(CATEGORICAL), "columns": columns, "rare": sorted({*rare})}
    return {"codes": note}


def _hashes(folder: Path) -> dict[str, str]:
    notes = {name: manifest(folder / name) for name in ("prepare", "train")}
    settings = json.dumps({name: note["settings"] for name, note in notes.items()}, sort_keys=True)
    return {
        "data": notes["prepare"]["inputs"]["data"],
        "config": hashlib.sha256(settings.encode()).hexdigest(),
        "code": sha256_of_code(),
    }
