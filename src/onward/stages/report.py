"""Write the report: the quality of the model, explanations, and how to use it."""

import json
import logging
from pathlib import Path
from typing import Any

import polars as pl

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import (
    MANIFEST,
    inputs_of,
    manifest,
    publishing,
    refuse_stale,
    sha256,
    verify,
)
from onward.report.data_card import data_card
from onward.report.hiding import without_hidden
from onward.report.model_card import model_card
from onward.report.page import page
from onward.report.report_data import Evidence
from onward.serving.predictor import Predictor
from onward.settings.family import Settings as Base

logger = logging.getLogger(__name__)

READS = ("prepare", "train", "export", "evaluate")


class Settings(Base):
    """The report has no settings."""


def run(settings: Settings, folder: Path) -> None:
    """Write ``report.html``, a self-contained page, ``model_card.md`` and ``data_card.md``."""
    for stage in ("train", "export", "evaluate"):
        refuse_stale(folder / stage)
    evidence = without_hidden(_evidence(folder))
    texts = {
        "report.html": page(evidence),
        "model_card.md": model_card(evidence),
        "data_card.md": data_card(evidence),
    }
    inputs = inputs_of(folder, *READS)
    with publishing(folder / "report", inputs=inputs) as work:
        for name, text in texts.items():
            (work / name).write_text(text, encoding="utf-8")
    logger.info("report: open %s in a browser", folder / "report" / "report.html")


def _evidence(folder: Path) -> Evidence:
    model = verify(folder / "export" / "model.onnx")
    predictor, prepared = Predictor(model), Prepared(folder / "prepare")
    evaluate = folder / "evaluate"
    plots = {path.stem: pl.read_csv(path) for path in sorted((evaluate / "plots").glob("*.csv"))}
    plots |= {p.stem: pl.read_parquet(p) for p in sorted((evaluate / "plots").glob("*.parquet"))}
    return Evidence(
        config=folder.name,
        schema=predictor.schema,
        notes=predictor.metadata,
        data=prepared.profiles(),
        history=_read(folder / "train" / "history.json"),
        speed=_read_unhashed(folder / "train" / "speed.json"),
        selection=_read(folder / "train" / "selection.json"),
        tuning=_tuning(folder),
        metrics=_read(evaluate / "comparison.json"),
        cross_validation=_read(evaluate / "cross_validation.json"),
        learning_curve=_read(evaluate / "learning_curve.json"),
        changes=_read_unhashed(evaluate / "changes.json"),
        latency=_read(evaluate / "latency.json"),
        plots=plots,
        example=prepared.rows("test").head(1).collect().to_dicts()[0],
        model_sha256=sha256(model),
        model_bytes=model.stat().st_size,
    )


def _tuning(folder: Path) -> Any:
    """The search for settings, if `tune` has run on these rows; the stage is no input of this."""
    tune = folder / "tune"
    if not (tune / MANIFEST).exists():
        return {}
    is_same = manifest(tune)["inputs"] == inputs_of(folder, "prepare")
    return _read(tune / "tuning.json") if is_same else {}


def _read_unhashed(path: Path) -> Any:
    # not hashed, as it depends on run times or on the previous run
    return json.loads(path.read_text()) if path.exists() else {}


def _read(path: Path) -> Any:
    return json.loads(verify(path).read_text())
