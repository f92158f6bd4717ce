"""What was wrong with the table, and what became of it."""

from typing import Any

from onward.report.formatting import counted, percent
from onward.report.markup import Content, Html, join, table, tag
from onward.report.report_data import Evidence


def quality(evidence: Evidence) -> Html:
    """Rules that rows broke, rows that repeat others, values that were changed, and outliers."""
    found = evidence.data["quality"]
    parts = [
        tag("div", tag("h3", title), table(head, rows, kind), class_="card")
        for title, head, rows, kind in (
            ("Rows", ["rows", "count"], _rows(found), "numbers"),
            ("Set aside", ["column", "rows", "had", "such as"], _findings(found), "mixed"),
            (
                "Changed values",
                ["column", "what", "values"],
                [[c["column"], c["what"], f"{c['count']:,}"] for c in found["changes"]],
                "mixed",
            ),
            (
                "Suspected leaks",
                ["what", "remedy"],
                [[leak["what"], leak["remedy"]] for leak in found["leaks"]],
                "mixed",
            ),
            ("Far out", ["column", "training rows", "share"], _outliers(evidence), "numbers"),
        )
        if rows
    ]
    note = (
        f"Each row was checked against {counted(found['checks'], 'rule')}. A repeated row equals an"
        " earlier one in all columns and the target; a contradicting one has another class than an"
        " equal row."
        " Values are changed by the exported file, too. Far out are numbers more than three times"
        " the distance of the quartiles away from them; they are kept, unless a column clips."
    )
    return join(tag("p", note, class_="quiet"), tag("div", parts, class_="grid"))


def _rows(found: dict[str, Any]) -> list[list[Content]]:
    counts = {**found["rows"], "repeated": found["duplicates"], "contradicting": found["conflicts"]}
    return [[name, f"{count:,}"] for name, count in counts.items()]


def _findings(found: dict[str, Any]) -> list[list[Content]]:
    return [
        [
            ", ".join(finding["columns"]),
            f"{finding['count']:,}",
            finding["what"],
            "; ".join(dict.fromkeys(finding["examples"])),
        ]
        for finding in found["findings"]
    ]


def _outliers(evidence: Evidence) -> list[list[Content]]:
    rows = evidence.data["rows"]["train"]
    return [
        [column["name"], f"{column['outliers']:,}", percent(column["outliers"] / rows)]
        for column in evidence.data["columns"]
        if column.get("outliers")
    ]
