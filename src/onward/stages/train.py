"""Train a network on the prepared rows, and keep the weights of the best epoch."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from onward.artifacts.prepared import Prepared
from onward.artifacts.process import is_first
from onward.artifacts.publishing import inputs_of, publishing
from onward.artifacts.replacing import replacing
from onward.network.heads import Head
from onward.network.start import Start
from onward.training.checkpoints import Checkpoints, checkpoint_folder
from onward.training.column_selection import Selected, refuse_unselectable, select
from onward.training.default_settings import Given as Settings
from onward.training.default_settings import Table, complete, refuse_wrong_head
from onward.training.distributed import leaving_together
from onward.training.fingerprint import fingerprint
from onward.training.fitting import fit_prepared
from onward.training.history import LOSS
from onward.training.refit import Refitted, refit
from onward.training.run import Trained, TrainingData, fit
from onward.training.settings import Settings as Complete
from onward.training.start import load_start
from onward.training.summary import description
from onward.wording import format_count, format_number

__all__ = ["Settings", "run"]

logger = logging.getLogger(__name__)

READS = ("prepare",)


def run(given: Settings, folder: Path) -> None:
    """Write ``network.pt``, ``history.json``, ``metrics.json``, ``selection.json``, ``speed.json``.

    ``speed.json`` is written last and is not hashed: it contains times, while the other files are
    reproducible to the bit.

    Checkpoints lie beside the published folder, out of sight of DVC and the other stages, or in the
    folder of ``ONWARD_CHECKPOINTS``. They are removed at the end of the run, so that a new run
    trains again.

    Only rank zero writes; the other ranks train and wait for it.
    """
    prepared = Prepared(folder / "prepare")
    start = load_start(prepared)
    config = None if start is None else start.network.config
    settings = complete(given, Table.of(prepared), config)
    refuse_wrong_head(Head.member(settings.network.head), prepared.schema().target)
    logger.info("train: %s", description(settings, given))
    inputs = inputs_of(folder, *READS)
    key = fingerprint(settings, inputs["prepare"])
    checkpoints = Checkpoints(checkpoint_folder(folder), key)
    with leaving_together():
        selected = _train(given, settings, prepared, checkpoints, start)
        refitted = _refit(given, settings, selected, prepared, checkpoints, start)
        if is_first():
            names = {"selection", "refit"}
            asked = given.model_dump(mode="json", include=names, exclude_none=True)
            notes = {
                "inputs": inputs,
                "settings": settings.model_dump(mode="json") | asked,
                "given": given.model_dump(mode="json", exclude_unset=True),
            }
            _publish(folder, selected, refitted, notes)
            checkpoints.remove()


def _train(
    given: Settings,
    settings: Complete,
    prepared: Prepared,
    checkpoints: Checkpoints,
    start: Start | None,
) -> Selected:
    """Train on all columns, or select columns."""
    if given.selection is None:
        return Selected(fit_prepared(settings, prepared, checkpoints, start), {})
    derived = [column["name"] for column in prepared.profiles().get("derived", [])]
    refuse_unselectable(prepared.num_rows("validation"), derived)

    def fit_columns(columns: Sequence[str]) -> Trained:
        data = TrainingData.load(prepared.only(columns))
        return fit(settings, data, checkpoints.of_columns(columns), start)

    names = [field.name for field in prepared.schema().columns]
    return select(fit_columns, names, given.selection, settings.seed)


def _refit(
    given: Settings,
    settings: Complete,
    selected: Selected,
    prepared: Prepared,
    checkpoints: Checkpoints,
    start: Start | None,
) -> Refitted | None:
    """Train a second time on more rows, if the config asks for it."""
    if given.refit is None:
        return None
    kept = selected.about.get("kept")
    rows = prepared if kept is None else prepared.only(kept)
    return refit(settings, selected.trained, given.refit, rows, checkpoints, start)


def _publish(
    folder: Path,
    selected: Selected,
    refitted: Refitted | None,
    notes: Mapping[str, Any],
) -> None:
    history = selected.trained.history
    best = min(history, key=lambda epoch: epoch[LOSS])
    reasons = " and ".join(selected.trained.stopped_by)
    speed = {**selected.trained.speed, "stopped_by": reasons}
    metrics: dict[str, Any] = {
        "epochs": len(history),
        "best_epoch": best["epoch"],
        LOSS: best[LOSS],
        **selected.trained.ensemble,
    }
    if refitted is not None:
        metrics["refit"] = refitted.document()
    documents = {"history": history, "metrics": metrics, "selection": selected.about}
    with publishing(folder / "train", **notes) as work:
        again = None if refitted is None else refitted.network
        (work / "network.pt").write_bytes(selected.trained.network.dump(again))
        for name, document in documents.items():
            (work / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    with replacing(folder / "train" / "speed.json") as new:
        new.write_text(json.dumps(speed, indent=1) + "\n")
    logger.info("train: %s", _outcome(metrics, reasons))


def _outcome(metrics: Mapping[str, Any], stopped_by: str) -> str:
    """What came of the training, for the log."""
    loss = f"validation loss {format_number(metrics[LOSS], 5)}"
    if "folds" in metrics:
        return f"{metrics['folds']} networks, stopped by {stopped_by}; {loss}, out of fold"
    if "members" in metrics:
        return f"{len(metrics['members'])} networks, stopped by {stopped_by}; {loss} together"
    return (
        f"{format_count(metrics['epochs'], 'epoch')}, stopped by {stopped_by}; {loss} after epoch"
        f" {metrics['best_epoch']:.0f}"
    )
