"""Numbers, intervals and verdicts as text."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from onward.report.report_data import Evidence
from onward.tasks import Metric
from onward.wording import format_count

MINUS = "\u2212"  # as wide as a plus
LARGE, SMALL = 10_000.0, 1e-4
KIB = 1024
BASELINES = {
    "constant": "a constant",
    "linear": "a linear model",
    "boosted_trees": "gradient-boosted trees",
}
WHO = {
    "model": "this model",
    "constant": "constant",
    "linear": "linear model",
    "boosted_trees": "boosted trees",
}
ARROWS = {"higher": "↑", "lower": "↓", "neither": ""}
FEW = 30  # test rows; fewer are too few for bootstrap intervals

Measured = Mapping[str, float | None]
"""``value``, ``lower`` and ``upper``; None where the rows do not define it."""


def number(value: float | None) -> str:
    """Three or four digits that matter, and no exponent where one can do without."""
    if value is None or math.isnan(value):
        return "undefined"
    return _digits(value).replace("-", MINUS)


def _digits(value: float) -> str:
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 1e9 or 0 < size < SMALL:
        return f"{value:.2e}"
    if size >= LARGE:
        return f"{value:,.0f}"
    if size >= 1:
        return f"{value:.4g}" if size < 1_000 else f"{value:.0f}"
    return f"{value:.{2 - math.floor(math.log10(size))}f}"


def usual(column: Mapping[str, Any]) -> str:
    """The range of a column of numbers or dates, or the most frequent values of another.

    Of rows of several values their shape.
    """
    if "histogram" not in column:
        top = [str(value) for value, _ in column.get("top", [])]
        return ", ".join(top[:3]) or column.get("shape", "")
    low, high = (
        end if isinstance(end, str) else number(end) for end in (column["min"], column["max"])
    )
    ends = f"{low} to {high}"
    return f"{ends} {column.get('unit', '')}".strip()


def more_columns(count: int) -> str:
    """How many there are beside those shown."""
    return format_count(count, "more column")


def alike(values: Sequence[float]) -> list[str]:
    """Numbers with as many decimals as give the largest of them three digits.

    Example:
        >>> alike([0.0126, -0.00004, 0.001])
        ['0.0126', '0.0000', '0.0010']
    """
    largest = max(map(abs, values), default=0.0)
    decimals = max(0, 2 - math.floor(math.log10(largest))) if largest else 0
    return [f"{value:z.{decimals}f}".replace("-", MINUS) for value in values]


def format_metric(metric: Metric, value: float | None) -> str:
    """The value of a metric."""
    if metric.unit == "target":
        return number(value)
    return percent(value) if metric.unit == "share" and value is not None else score(value)


def score(value: float | None) -> str:
    """A number around 1, with three decimals."""
    return number(value) if value is None else f"{value:z.3f}".replace("-", MINUS)


def percent(share: float) -> str:
    """A share, to a tenth of a percent."""
    return f"{share * 100:.1f} %"


def within(title: str) -> str:
    """A title as it stands in a sentence; AUC and R² stay as they are."""
    return title.lower() if title[1].islower() else title


def interval(metric: Metric, estimate: Measured) -> str:
    """The ends of an interval."""
    return (
        f"{format_metric(metric, estimate['lower'])} to {format_metric(metric, estimate['upper'])}"
    )


def format_difference(metric: Metric, difference: float | None) -> str:
    """The difference of two values of a metric; of shares in percentage points."""
    if difference is None:
        return "undefined"
    sign = MINUS if difference < 0 else "+" if difference > 0 else ""
    if metric.unit == "share":
        return f"{sign}{abs(difference) * 100:.1f} pp"
    size = abs(difference)
    return sign + (number(size) if metric.unit == "target" else f"{size:.3f}")


def size(count: int) -> str:
    """Bytes, readable."""
    return f"{count / KIB:,.0f} KiB" if count < KIB**2 else f"{count / KIB**2:,.1f} MiB"


def chosen_rows(data: Mapping[str, Any]) -> list[str]:
    """How the training rows were sampled and weighted, and which model training started from.

    Args:
        data: the report of ``prepare``.
    """
    sentences = []
    if "sampled_from" in data:
        sentences.append(
            f"The {data['rows']['train']:,} training rows are a sample of"
            f" {data['sampled_from']:,}, stratified by class (prepare.sample)."
        )
    if "weights" in data:
        weights = data["weights"]
        sentences.append(
            f"Rows are weighted by {weights['name']} ({number(weights['min'])} to"
            f" {number(weights['max'])}); effective sample size"
            f" {weights['equal_rows']:,.0f}. Charts ignore weights."
        )
    if "start_from" in data:
        sentences.append(_start(data["start_from"]))
    return sentences


def _start(start: Mapping[str, Any]) -> str:
    kept, fitted = len(start["kept"]), start["fitted"]
    sentences = [
        f"Training starts from the model in {start['folder']}:"
        f" {kept} of {kept + len(fitted)} columns keep their preprocessing."
    ]
    if fitted:
        reasons = (f"{name} ({reason})" for name, reason in fitted.items())
        sentences.append(f"Fitted on these rows: {', '.join(reasons)}.")
    if start["new_categories"]:
        counts = (f"{name} {number:,}" for name, number in start["new_categories"].items())
        sentences.append(f"New categories: {', '.join(counts)}.")
    if start["gone"]:
        sentences.append(f"Left out: {', '.join(start['gone'])}.")
    return " ".join(sentences)


def verdict(evidence: Evidence) -> str:
    """The score of the model and its rank among the baselines, in two sentences.

    Too few test rows, or test rows of one class, have no headline.
    """
    rows = evidence.metrics["rows"]
    if rows < FEW:
        return f"The test set has {format_count(rows, 'row')}: too few to judge the model."
    if evidence.scores[evidence.task.main] is None:
        title = evidence.task.main_metric.title
        return f"The {title} is undefined on this test set, so the model cannot be judged."
    return f"{fill_in(evidence, evidence.task.summary)} {_ranking(evidence)}"


def shortages(evidence: Evidence) -> list[str]:
    """What the splits have too few rows for; reports of earlier versions do not say."""
    sentences: list[str] = evidence.data["quality"].get("shortages", [])
    return sentences


def fill_in(evidence: Evidence, sentence: str) -> str:
    """A sentence of the task with the values of the metrics that it names."""
    values = {
        name: format_metric(of, evidence.scores[name]) for name, of in evidence.of_task.items()
    }
    coverage = evidence.nominal_coverage
    nominal = "" if coverage is None else f"{coverage * 100:g} % "
    return sentence.format(target=evidence.target, nominal=nominal, **values)


def _ranking(evidence: Evidence) -> str:
    name, metric = evidence.task.main, evidence.task.main_metric
    words = {
        who: comparison(evidence.metrics["differences"][who][name], metric.sign)
        for who in BASELINES
    }
    values = {who: format_metric(metric, evidence.metrics[who][name]["value"]) for who in BASELINES}
    model = format_metric(metric, evidence.scores[name])
    parts = [f"{words[who]} {title} ({values[who]})" for who, title in BASELINES.items()]
    return f"Its {within(metric.title)} ({model}) is {', '.join(parts[:-1])}, and {parts[-1]}."


def comparison(difference: Measured, sign: int) -> str:
    """``better than`` and the like; ``about as good as`` where the difference is not significant.

    Args:
        difference: of the one that is judged to the other.
        sign: 1 if higher is better, else -1.
    """
    known = [end for end in difference.values() if end is not None]
    if len(known) < len(difference):
        return "not comparable with"
    value, lower, upper = known
    if lower <= 0 <= upper:
        return "about as good as"
    return "better than" if value * sign > 0 else "worse than"
