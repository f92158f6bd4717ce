"""Train a network on the prepared rows, and keep the best weights."""

import json
import logging
from pathlib import Path

import torch

from onward.errors import ConfigError
from onward.files import inputs_of, publishing
from onward.heads import Head
from onward.learner import Rows
from onward.network import Shape
from onward.prepared import Arrays, Prepared
from onward.schema import Target
from onward.training import LOSS, Settings, train

__all__ = ["Settings", "run"]

logger = logging.getLogger(__name__)


def run(settings: Settings, folder: Path) -> None:
    """Write ``network.pt``, ``history.json`` and ``metrics.json``."""
    prepared = Prepared(folder / "prepare")
    target, features = prepared.schema().target, prepared.features()
    _refuse_wrong_head(Head.member(settings.network.head), target)
    shape = Shape(len(features.numerical), features.cardinalities, len(target.classes))
    rows, validation = (_rows(prepared.arrays(split)) for split in ("train", "validation"))
    network, history = train(settings, shape, rows, validation)

    best = min(history, key=lambda epoch: epoch[LOSS])
    metrics = {"epochs": len(history), "best_epoch": best["epoch"], LOSS: best[LOSS]}
    notes = {
        "inputs": inputs_of(folder, "prepare"),
        "settings": settings.model_dump(mode="json"),
    }
    with publishing(folder / "train", **notes) as work:
        (work / "network.pt").write_bytes(network.dump())
        (work / "history.json").write_text(json.dumps(history, indent=1) + "\n")
        (work / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    logger.info(
        "train: %d epochs, validation loss %.5g after epoch %d",
        len(history),
        best[LOSS],
        best["epoch"],
    )


def _refuse_wrong_head(head: type[Head], target: Target) -> None:
    if head.kind != target.kind:
        fitting = sorted(n for n, other in Head.members.items() if other.kind == target.kind)
        raise ConfigError(
            f"train.network.head: {head.__name__.lower()} does not predict the target"
            f" {target.name!r} of `kind: {target.kind}`. Choose {' or '.join(fitting)}"
        )


def _rows(arrays: Arrays) -> Rows:
    parts = (arrays.numerical, arrays.categorical, arrays.targets)
    return Rows(*(torch.from_numpy(part) for part in parts))
