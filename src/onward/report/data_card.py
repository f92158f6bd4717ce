"""The data card: the contents of the table, and how it was cleaned.

Sources: Gebru et al. 2021, "Datasheets for Datasets"; Pushkarna et al. 2022, "Data Cards". It
answers the questions that a run can answer; the last section lists the others.
"""

from collections.abc import Mapping
from typing import Any

from onward.report.formatting import number, percent, usual
from onward.report.markdown import bullets, document, plain, table
from onward.report.report_data import Evidence
from onward.wording import format_count

UNANSWERED = (
    "why, by whom and with which funding the table was made",
    "how the rows were collected, and which are missing",
    "whether rows describe people, and what they consented to",
    "the licence, and who maintains the table",
)


def data_card(evidence: Evidence) -> str:
    """The card, as Markdown."""
    data = evidence.data
    return document(
        f"Data card: {plain(data['source'])}",
        {
            "Composition": [*_rows(data), "Target:", *_target(data["target"])],
            "Columns": _columns(data),
            "Preprocessing and cleaning": _cleaning(data),
            "Uses": [
                f"In this run the table was used to predict {plain(evidence.target)}. The test set"
                " was used for the evaluation only."
            ],
            "Unknown": [
                "The table does not tell:",
                bullets(UNANSWERED),
            ],
        },
    )


def _rows(data: Mapping[str, Any]) -> list[str]:
    counts = data["rows"]
    total = sum(counts.values())
    rows = [(split, f"{count:,}", percent(count / total)) for split, count in counts.items()]
    columns = format_count(len(data["columns"]), "column")
    return [
        f"{format_count(total, 'row')}, {columns} and a target.",
        table(["split", "rows", "share"], rows),
    ]


def _target(target: Mapping[str, Any]) -> list[str]:
    if "classes" not in target:
        ends = f"{number(target['min'])} to {number(target['max'])}"
        return [f"{plain(target['name'])}, a number from {ends} in the training rows."]
    counts = {label: sum(splits.values()) for label, splits in target["classes"].items()}
    total = max(sum(counts.values()), 1)
    rows = [(label, f"{count:,}", percent(count / total)) for label, count in counts.items()]
    return [table([plain(target["name"]), "rows", "share"], rows)]


def _columns(data: Mapping[str, Any]) -> list[str]:
    head = ["column", "type", "missing", "distinct", "range or most frequent"]
    content = ["In the training rows:", table(head, map(_column, data["columns"]))]
    left_out = [(column["name"], column["reason"]) for column in data.get("left_out", [])]
    if left_out:
        content += ["Columns not used:", table(["column", "reason"], left_out)]
    return content


def _column(column: Mapping[str, Any]) -> list[str]:
    shares = [percent(column["missing"]), f"{column['distinct']:,}"]
    return [column["name"], column["type"], *shares, usual(column)]


def _cleaning(data: Mapping[str, Any]) -> list[str]:
    quality = data["quality"]
    counts = quality["rows"] | {
        "duplicate": quality["duplicates"],
        "conflicting": quality["conflicts"],
    }
    content = [
        f"Each row was checked against {format_count(quality['checks'], 'rule')}.",
        table(["rows", "count"], ((name, f"{count:,}") for name, count in counts.items())),
    ]
    if quality["findings"]:
        rows = [
            (", ".join(one["columns"]), one["what"], f"{one['count']:,}")
            for one in quality["findings"]
        ]
        content += ["Invalid values:", table(["columns", "reason", "count"], rows)]
    if quality["changes"]:
        changed = [(one["column"], one["what"], f"{one['count']:,}") for one in quality["changes"]]
        content += ["Changed values:", table(["column", "change", "values"], changed)]
    if quality["leaks"]:
        leaks = [(leak["what"], leak["remedy"]) for leak in quality["leaks"]]
        content += ["Suspected leaks:", table(["leak", "remedy"], leaks)]
    return content
