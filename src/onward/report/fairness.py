"""Differences of the predictions between groups of sensitive columns."""

from typing import Any

import polars as pl

from onward.report.formatting import format_metric, number, percent
from onward.report.markup import Content, Html, join, table, tag
from onward.report.report_data import Evidence

Line = dict[str, Any]
RATES = {
    "base_rate": "base rate",
    "selection_rate": "selection rate",
    "tpr": "true positives",
    "fpr": "false positives",
    "precision": "precision",
    "accuracy": "accuracy",
}
GAPS = {"parity": "selection rate", "tpr_gap": "true positives", "fpr_gap": "false positives"}
SPANS = {
    "selection_rate": "selection rate",
    "tpr": "true positive rate",
    "fpr": "false positive rate",
}
RATES_ARE = (
    "Selected rows have the class as label. The true positive rate is the share selected among rows"
    " of the class, the false positive rate among all others. "
)
FEW = " *"
UNDEFINED = "undefined"


def fairness(evidence: Evidence) -> Html:
    """A card for each sensitive column, and each class where there are more than two."""
    if "fairness" not in evidence.plots:
        return Html("")
    groups = evidence.plots["fairness"]
    has_classes = "class" in groups.columns
    keys = ["column", "class"] if has_classes else ["column"]
    cards = [
        tag("div", _card(evidence, [str(name) for name in names], part.to_dicts()), class_="card")
        for names, part in groups.group_by(keys, maintain_order=True)
    ]
    few = f" Groups marked{FEW} have too few rows." if groups["few"].sum() else ""
    note = (
        f"{RATES_ARE if has_classes else ''}Differences are from the largest group, with 95 %"
        " intervals. No number can say which difference is unfair. Where base rates differ, the"
        f" differences cannot all be zero (Chouldechova 2017).{few}"
    )
    return join(tag("p", note, class_="quiet"), cards)


def _card(evidence: Evidence, names: list[str], lines: list[Line]) -> list[Html]:
    if "class" not in lines[0]:
        return [tag("h3", f"By {names[0]}"), _numbers(lines)]
    metric = evidence.task.main_metric
    head = ["group", "rows", *RATES.values(), metric.title]
    rates = [
        [
            *_group(line),
            *(_percent(line[key]) for key in RATES),
            format_metric(metric, line["metric"]),
        ]
        for line in lines
    ]
    others = [line for line in lines if line["ratio"] is not None or line["parity"] is not None]
    largest = max(lines, key=lambda line: int(line["rows"]))["group"]
    head_of_gaps = [f"points minus {largest}", *GAPS.values(), "ratio of selection"]
    gaps = [
        [_group(line)[0], *(_points(line, key) for key in GAPS), _ratio(line)] for line in others
    ]
    return [
        tag("h3", f"By {names[0]}: selected is {names[1]}"),
        tag("p", _summary(lines), class_="quiet"),
        table(head, rates, "numbers"),
        *([table(head_of_gaps, gaps, "numbers")] if gaps else []),
    ]


def _summary(lines: list[Line]) -> str:
    """The largest differences between any two groups that have enough rows."""
    table = pl.DataFrame([line for line in lines if not line["few"]], infer_schema_length=None)
    if len(table) < 2:
        return "Fewer than two groups have enough rows for a comparison."
    spans = {}
    for key in SPANS:
        known = table[key].cast(pl.Float64).drop_nulls().to_list()
        spans[key] = max(known) - min(known) if known else 0.0
    listed = ", ".join(f"{SPANS[key]} {span * 100:.1f}" for key, span in spans.items())
    odds = max(spans["tpr"], spans["fpr"])
    return (
        f"Largest differences between two groups with enough rows, in percentage points: {listed}."
        f" Demographic parity is the first, equalized odds the larger of the others"
        f" ({odds * 100:.1f})."
    )


def _numbers(lines: list[Line]) -> Html:
    head = ["group", "rows", "actual", "predicted", "mean residual", "mean absolute error"]
    gaps = ["residual minus largest group", "error minus largest group"]
    rows = [
        [
            *_group(line),
            number(line["actual"]),
            number(line["predicted"]),
            *(_spread(line, key) for key in ("error", "mae", "error_gap", "mae_gap")),
        ]
        for line in lines
    ]
    return table([*head, *gaps], rows, "numbers")


def _group(line: Line) -> list[Content]:
    return [f"{line['group']}{FEW if line['few'] else ''}", f"{line['rows']:,}"]


def _percent(value: float | None) -> str:
    return UNDEFINED if value is None else percent(value)


def _points(line: Line, key: str) -> str:
    """A difference of rates, in points of a hundred."""
    ends = [line[f"{key}{end}"] for end in ("", "_lower", "_upper")]
    if None in ends:
        return UNDEFINED
    value, lower, upper = (float(end) * 100 for end in ends)
    return f"{value:+.1f} ({lower:+.1f} to {upper:+.1f})"


def _ratio(line: Line) -> str:
    ends = [line[f"ratio{end}"] for end in ("", "_lower", "_upper")]
    if None in ends:
        return UNDEFINED
    value, lower, upper = map(float, ends)
    return f"{value:.2f} ({lower:.2f} to {upper:.2f})"


def _spread(line: Line, key: str) -> str:
    ends = [line[f"{key}{end}"] for end in ("", "_lower", "_upper")]
    if ends[0] is None:
        return UNDEFINED
    value, *around = (number(end) for end in ends)
    return f"{value} ({' to '.join(around)})"
