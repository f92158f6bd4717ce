"""Cross-validation and learning curve; empty unless the config asks for them."""

from collections.abc import Mapping
from typing import Any

from onward.report import charts
from onward.report.formatting import format_metric, interval
from onward.report.markup import Content, Html, figure, join, table, tag
from onward.report.report_data import Evidence
from onward.tasks import Metric

KNOWN = ("mean", "lower", "upper")


def cross_validation(evidence: Evidence) -> Html:
    """The metrics of each fold, their mean and its interval."""
    results = evidence.cross_validation
    if not results:
        return Html("")
    name, main = evidence.task.main, evidence.task.main_metric
    count = len(results["folds"])
    note = (
        f"The training and validation rows are dealt into {count} folds by the rule of"
        " prepare.split. For each fold, a model is prepared, trained and exported like this one"
        " without the rows of the fold, and scored on them. The interval of the mean is corrected"
        " for overlapping training sets (Nadeau and Bengio 2003). Pooled is the metric over the"
        " predictions of all folds."
    )
    head = ["", "mean", "95 % interval", "standard deviation", "pooled"]
    means = [_mean(metric, results["metrics"][key]) for key, metric in evidence.of_task.items()]
    titles = [metric.title for metric in evidence.of_task.values()]
    folds = [
        _fold(evidence.of_task, number, fold) for number, fold in enumerate(results["folds"], 1)
    ]
    values = [
        {"fold": number, "value": fold["metrics"][name]}
        for number, fold in enumerate(results["folds"], 1)
        if fold["metrics"][name] is not None
    ]
    mean = results["metrics"][name]
    parts = [tag("div", table(head, means, "numbers"), class_="card")]
    if values and all(mean[end] is not None for end in KNOWN):
        drawn = charts.folds(values, {end: mean[end] for end in KNOWN}, main.title)
        parts.append(figure(f"{main.title} by fold, with mean and interval", drawn))
    fold_table = table(["fold", "training rows", "test rows", *titles], folds, "numbers")
    return join(
        tag("div", parts, class_="uneven"),
        tag("div", tag("h3", "Folds"), fold_table, class_="card"),
        tag("p", note, class_="quiet"),
    )


def learning_curve(evidence: Evidence) -> Html:
    """The score by number of training rows."""
    results = evidence.learning_curve
    if not results:
        return Html("")
    name, main = evidence.task.main, evidence.task.main_metric
    points = results["points"]
    values = [{"rows": point["rows"], **point["metrics"][name]} for point in points]
    known = [row for row in values if None not in row.values()]
    note = (
        "Each point is a model trained like this one on a share of the training rows and scored on"
        " the same test set; the last is this model. The intervals are from bootstrap samples of"
        " the test set; they do not cover variation from the choice of training rows."
    )
    head = ["training rows", "share", *(_with_interval(m.title) for _, m in _first_two(evidence))]
    rows = [_point(evidence, point) for point in points]
    parts = [tag("div", tag("p", results["verdict"]), table(head, rows, "numbers"), class_="card")]
    if known:
        drawn = charts.by_training_rows(known, main.title)
        parts.append(figure(f"{main.title} by training rows", drawn))
    return join(tag("div", parts, class_="uneven"), tag("p", note, class_="quiet"))


def _first_two(evidence: Evidence) -> list[tuple[str, Metric]]:
    return list(evidence.of_task.items())[:2]


def _mean(metric: Metric, estimate: Mapping[str, float | None]) -> list[Content]:
    deviation, pooled = (format_metric(metric, estimate[key]) for key in ("deviation", "pooled"))
    return [
        metric.title,
        tag("b", format_metric(metric, estimate["mean"])),
        interval(metric, estimate),
        deviation,
        pooled,
    ]


def _fold(metrics: Mapping[str, Metric], number: int, fold: Mapping[str, Any]) -> list[Content]:
    values = (format_metric(metrics[name], value) for name, value in fold["metrics"].items())
    return [f"{number}", f"{fold['training']:,}", f"{fold['test']:,}", *values]


def _point(evidence: Evidence, point: Mapping[str, Any]) -> list[Content]:
    values = []
    for name, metric in _first_two(evidence):
        estimate = point["metrics"][name]
        values.append(f"{format_metric(metric, estimate['value'])} ({interval(metric, estimate)})")
    return [f"{point['rows']:,}", f"{point['share']:g}", *values]


def _with_interval(title: str) -> str:
    return f"{title} (95 % interval)"
