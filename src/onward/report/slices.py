"""Where the model is weak: slices, residuals by column, worst errors."""

import polars as pl

from onward.report import charts
from onward.report.formatting import format_metric, interval, more_columns, number, percent
from onward.report.markup import Content, Html, join, table, tag
from onward.report.report_data import Evidence
from onward.tasks import Metric
from onward.wording import format_count

LEVEL = 0.05  # false discovery rate of the slices and columns that are flagged
MEASURED = 40  # slices that have an interval, or would have one if their rows defined it
SHOWN = 10  # slices; the rest is folded
DRAWN = 3  # charts of residuals; the rest is folded
MOST = 9  # charts of residuals in all
ROW_COLUMNS = 8  # of a badly predicted row; the most important ones


def slices(evidence: Evidence) -> Html:
    """Slices that are worse, residuals by column, and the worst rows."""
    return join(_slices(evidence), _patterns(evidence), _worst(evidence))


def _slices(evidence: Evidence) -> Html:
    slices = evidence.plots["slices"]
    if not len(slices):
        return tag("p", "The test set has too few rows to compare slices.", class_="quiet")
    metric, loss = evidence.task.main_metric, evidence.task.loss_title
    title = metric.title
    head = ["slice", "rows", title, "95 % interval", loss, "other rows", "boosted trees", "rate"]
    rows = [_slice(line, metric) for line in slices.head(MEASURED).to_dicts()]
    worse = int((slices["rate"] <= LEVEL).sum())
    count = min(worse, SHOWN)
    note = (
        f"The {loss} is significantly higher than in the other rows in {worse:,} of"
        f" {len(slices):,} slices. A slice is a value of a category, a tenth of a number or a range"
        " of dates; slices overlap. Rate is the false discovery rate: the expected share of false"
        " alarms among slices flagged at this level (Benjamini and Hochberg 1995); up to"
        f" {LEVEL:.0%} is significant. The test uses the {loss}, because {title} also depends on"
        " how similar the rows of a slice are. If boosted trees do equally badly, the slice is hard"
        " rather than the model weak."
    )
    parts = [tag("h3", "Errors by slice"), tag("p", note, class_="quiet")]
    if count:
        parts.append(table(head, rows[:count], "numbers"))
    if rest := rows[count:]:
        parts.append(_fold(format_count(len(rest), "more slice"), table(head, rest, "numbers")))
    return tag("div", parts, class_="card")


def _slice(line: dict[str, float | str | None], metric: Metric) -> list[Content]:
    value, lower, upper, loss, elsewhere, trees, rate = (
        None if line[key] is None else float(line[key] or 0)
        for key in ("metric", "lower", "upper", "loss", "elsewhere", "baseline", "rate")
    )
    ends = interval(metric, {"lower": lower, "upper": upper})
    others = [number(mean) for mean in (loss, elsewhere, trees)]
    name = f"{line['column']}: {line['slice']}"
    return [
        name,
        f"{line['rows']:,}",
        format_metric(metric, value),
        ends,
        *others,
        _rate(rate or 0),
    ]


def _rate(rate: float) -> str:
    return "< 0.001" if rate < 0.001 else f"{rate:.3f}"


def _patterns(evidence: Evidence) -> Html:
    patterns, bins = evidence.plots["patterns"], evidence.plots["pattern_bins"]
    there = patterns.filter(pl.col("rate") <= LEVEL)["column"].to_list()
    drawn = [
        _figure(
            f"Residuals by {name}", charts.residuals_by(part, name, evidence.task.residual_axis)
        )
        for (name,), part in bins.group_by("column", maintain_order=True)
        if len(part) > 1
    ][:MOST]
    if not drawn:
        return tag("p", "The test set has too few rows for residuals by column.", class_="quiet")
    note = (
        "Mean residual in groups of a column, with 95 % intervals. Away from the line, predictions"
        f" are {evidence.task.residual_signs}. {_significant(there)}"
    )
    parts = [tag("h3", "Residuals by column"), tag("p", note, class_="quiet")]
    parts.append(tag("div", drawn[:DRAWN], class_="grid"))
    if rest := drawn[DRAWN:]:
        parts.append(_fold(more_columns(len(rest)), tag("div", rest, class_="grid")))
    return join(parts)


def _significant(names: list[str]) -> str:
    if not names:
        return "No column shows a significant pattern in the residuals."
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    shown = ", ".join(map(str, names[:SHOWN]))
    return f"The residuals have a significant pattern in {shown}{more}: there is more to learn."


def _worst(evidence: Evidence) -> Html:
    errors, values = evidence.plots["worst"], evidence.plots["worst_values"]
    if not len(errors):
        return tag("p", "Every test row was predicted correctly.", class_="quiet")
    columns = values["column"].unique(maintain_order=True).to_list()
    is_number = "residual" in errors.columns
    head = ["row", "actual", "predicted", "residual" if is_number else "probability"]
    raw = {
        index: part["value"].to_list()
        for (index,), part in values.group_by("place", maintain_order=True)
    }
    rows = [
        [*_prediction_cells(line, is_number), *_cells(raw[line["place"]][:ROW_COLUMNS])]
        for line in errors.to_dicts()
    ]
    kind = "the largest residuals" if is_number else "wrong labels with the highest probability"
    left = len(columns) - ROW_COLUMNS
    others = format_count(left, "more column")
    more = f" evaluate/plots/worst_values.parquet has {others}." if left > 0 else ""
    note = (
        f"Test rows as in the table, with their row number (from 1): {kind}, at most ten of each"
        f" kind of error. Check these for labelling errors first.{more}"
    )
    drawn = table([*head, *map(str, columns[:ROW_COLUMNS])], rows)
    inside = (tag("h3", "Worst errors"), tag("p", note, class_="quiet"))
    return tag("div", *inside, tag("div", drawn, class_="tall"), class_="card")


def _prediction_cells(line: dict[str, float | str], is_number: bool) -> list[Content]:
    row = f"{line['row']:,}"
    if is_number:
        return [row, *(number(float(line[key])) for key in ("actual", "predicted", "residual"))]
    return [row, str(line["actual"]), str(line["predicted"]), percent(float(line["certainty"]))]


def _cells(values: list[object]) -> list[Content]:
    return ["" if value is None else str(value) for value in values]


def _fold(title: str, inside: Html) -> Html:
    return tag("details", tag("summary", title), inside)


def _figure(title: str, svg: str) -> Html:
    return tag("figure", tag("figcaption", title), Html(svg), class_="card")
