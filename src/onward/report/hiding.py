"""A report without the values of hidden columns."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from onward.report.report_data import Evidence

OF_VALUES = ("dependence", "fairness", "ice", "pattern_bins", "rug", "slices", "worst_values")
"""Tables with values of the columns that they name in ``column``."""
KEPT = ("name", "type", "missing", "distinct")


def without_hidden(evidence: Evidence) -> Evidence:
    """The same, without values of the columns that `export.hide` names."""
    hidden = evidence.notes.get("privacy", {}).get("hide", [])
    if not hidden:
        return evidence
    is_shown = ~pl.col("column").is_in(hidden)
    plots = {
        name: table.filter(is_shown) if name in OF_VALUES else table
        for name, table in evidence.plots.items()
    }
    example = {name: None if name in hidden else v for name, v in evidence.example.items()}
    return replace(evidence, plots=plots, example=example, data=_data(evidence.data, hidden))


def _data(data: Mapping[str, Any], hidden: list[str]) -> dict[str, Any]:
    columns = [
        {name: column[name] for name in KEPT} | {"top": []} if column["name"] in hidden else column
        for column in data["columns"]
    ]
    findings = [
        {**finding, "examples": []} if set(finding["columns"]) & set(hidden) else finding
        for finding in data["quality"]["findings"]
    ]
    left_out = [
        {**column, "reason": "hidden"} if column["name"] in hidden else column
        for column in data.get("left_out", [])
    ]
    quality = {**data["quality"], "findings": findings}
    return {**data, "columns": columns, "left_out": left_out, "quality": quality}
