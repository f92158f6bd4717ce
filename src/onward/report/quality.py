"""Invalid rows and values of the table, and how they were treated."""

from typing import Any

from onward.report.formatting import percent
from onward.report.markup import Content, Html, join, table, tag
from onward.report.report_data import Evidence
from onward.wording import format_count


def quality(evidence: Evidence) -> Html:
    """Violated rules, duplicates, changed values, suspected leaks and outliers."""
    report = evidence.data["quality"]
    parts = [
        tag("div", tag("h3", title), table(head, rows, kind), class_="card")
        for title, head, rows, kind in (
            ("Rows", ["rows", "count"], _rows(report), "numbers"),
            ("Set aside", ["column", "rows", "reason", "examples"], _findings(report), "mixed"),
            (
                "Changed values",
                ["column", "change", "values"],
                [[c["column"], c["what"], f"{c['count']:,}"] for c in report["changes"]],
                "mixed",
            ),
            (
                "Suspected leaks",
                ["leak", "remedy"],
                [[leak["what"], leak["remedy"]] for leak in report["leaks"]],
                "mixed",
            ),
            ("Outliers", ["column", "training rows", "share"], _outliers(evidence), "numbers"),
        )
        if rows
    ]
    note = (
        f"Each row was checked against {format_count(report['checks'], 'rule')}. A duplicate equals"
        " an earlier row in all columns and the target; a conflicting row has the columns of"
        " another row but a different class. The exported file changes values in the same way."
        " Outliers are more than three interquartile ranges outside the quartiles; robust scaling"
        " compresses them, and the setting clip limits them."
    )
    return join(tag("p", note, class_="quiet"), tag("div", parts, class_="grid"))


def _rows(report: dict[str, Any]) -> list[list[Content]]:
    counts = {
        **report["rows"],
        "duplicate": report["duplicates"],
        "conflicting": report["conflicts"],
    }
    return [[name, f"{count:,}"] for name, count in counts.items()]


def _findings(report: dict[str, Any]) -> list[list[Content]]:
    return [
        [
            ", ".join(finding["columns"]),
            f"{finding['count']:,}",
            finding["what"],
            "; ".join(dict.fromkeys(finding["examples"])),
        ]
        for finding in report["findings"]
    ]


def _outliers(evidence: Evidence) -> list[list[Content]]:
    rows = evidence.data["rows"]["train"]
    return [
        [column["name"], f"{column['outliers']:,}", percent(column["outliers"] / rows)]
        for column in evidence.data["columns"]
        if column.get("outliers")
    ]
