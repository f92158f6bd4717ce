"""Read and split the table, fit the preprocessing, and write the files for training."""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onward.artifacts.prepared import START
from onward.artifacts.publishing import publishing, sha256
from onward.errors import ConfigError
from onward.quality.plan import Plan
from onward.quality.preparation import prepare
from onward.quality.prepare_settings import PrepareSettings as Settings
from onward.quality.starting_point import StartingPoint
from onward.table.sources import Source
from onward.wording import format_count

__all__ = ["Settings", "run"]

logger = logging.getLogger(__name__)

NAMED_COLUMNS = 5  # in one line

READS = ()  # reads only the table


def run(settings: Settings, folder: Path) -> None:
    """Write the files that `Prepared` reads."""
    table = Source.open(settings.source)
    inputs = {"data": sha256(settings.source.path)}
    start = _starting_point(settings, folder)
    if start is not None:
        inputs["start_from"] = sha256(start.network)
    settings_json = settings.model_dump(mode="json")
    with publishing(folder / "prepare", inputs=inputs, settings=settings_json) as work:
        report = prepare(Plan(settings), table, work, start)
        if start is not None:  # a copy: the folder may have another model when training starts
            shutil.copy(start.network, work / START)
        (work / "data.json").write_text(json.dumps(report, ensure_ascii=False, indent=1))
    if "start_from" in report:
        _log_start(report["start_from"])
    accepted = report["quality"]["rows"]
    if len(accepted) > 1:
        logger.info("prepare: rows: %s", _format_counts(accepted))
    for shortage in report["quality"]["shortages"]:
        logger.warning("prepare: %s", shortage)
    missing = {about["name"]: about["missing"] for about in report["columns"] if about["missing"]}
    if missing:
        logger.info("prepare: missing in training rows: %s", _format_shares(missing))
    logger.info(
        "prepare: %s, rows: %s",
        format_count(len(settings.columns), "column"),
        _format_counts(report["rows"]),
    )


def _starting_point(settings: Settings, folder: Path) -> StartingPoint | None:
    if settings.start_from is None:
        return None
    refuse_own_artifacts(settings, folder)
    return StartingPoint.load(settings.start_from, settings)


def refuse_own_artifacts(settings: Settings, folder: Path) -> None:
    """Raise a ConfigError if the model to start from is the one that ``folder`` is for."""
    if settings.start_from is not None and settings.start_from.resolve() == folder.resolve():
        raise ConfigError(
            f"prepare.start_from: {settings.start_from} has the artifacts of this config, which"
            " this run replaces. Copy them to another folder, such as `champion`, and name that"
        )


def _log_start(start: Mapping[str, Any]) -> None:
    total = len(start["kept"]) + len(start["fitted"])
    logger.info(
        "prepare: starts from %s: %d of %d columns keep their preprocessing",
        start["folder"],
        len(start["kept"]),
        total,
    )
    for name, reason in start["fitted"].items():
        logger.info("prepare: column %r is fitted on these rows: %s", name, reason)
    for name, number in start["new_categories"].items():
        logger.info("prepare: new categories of column %r: %d", name, number)
    if start["gone"]:
        logger.info("prepare: columns left out: %s", ", ".join(start["gone"]))


def _format_counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())


def _format_shares(shares: Mapping[str, float]) -> str:
    """The columns with the largest shares, such as ``age 19.9%, sex 0.3%``."""
    largest = sorted(shares, key=lambda name: -shares[name])
    parts = [f"{name} {max(shares[name], 0.001):.1%}" for name in largest[:NAMED_COLUMNS]]
    if len(largest) > NAMED_COLUMNS:
        parts.append(f"and {format_count(len(largest) - NAMED_COLUMNS, 'more column')}")
    return ", ".join(parts)
