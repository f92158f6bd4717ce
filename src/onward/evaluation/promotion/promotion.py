"""The decision whether a challenger replaces the champion."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from onward.evaluation.bootstrap import json_number
from onward.evaluation.latency import latency
from onward.evaluation.promotion.checks import (
    Check,
    check_inputs,
    check_latency,
    check_loss,
    check_reliability,
    check_slices,
)
from onward.evaluation.promotion.looks import Look, Looks
from onward.evaluation.promotion.metric_differences import MetricDifference, metric_differences
from onward.evaluation.promotion.pair import Pair
from onward.evaluation.promotion.slices import slices
from onward.serving.predictor import Predictor
from onward.wording import text_table

TITLES = ("challenger", "champion")
Outcome = Literal["promoted", "kept", "undecided"]
MEANINGS: Mapping[str, str] = {
    "promoted": "the challenger may replace the champion",
    "kept": "the champion stays",
    "undecided": "the champion stays until more rows decide",
}


@dataclass(frozen=True)
class Rules:
    """The requirements for a challenger.

    ``margin``: share of the champion's loss by which the challenger may be worse; 0 requires a
    better one. ``latency``: microseconds for one row, in 99 of 100 calls.
    """

    margin: float = 0.01
    latency: float = math.inf
    new_inputs: bool = False


@dataclass(frozen=True)
class Promotion:
    """The checks of a challenger, and their outcome."""

    pair: Pair
    rules: Rules
    checks: tuple[Check, ...]
    metrics: Mapping[str, MetricDifference]
    latencies: Mapping[str, Mapping[str, float]]
    looks: Looks

    @property
    def outcome(self) -> Outcome:
        """Kept if a check fails, undecided if a check is."""
        outcomes = {check.outcome for check in self.checks}
        if "failed" in outcomes:
            return "kept"
        return "undecided" if "undecided" in outcomes else "promoted"

    def lines(self) -> Iterator[str]:
        """The verdict and its reasons, as printed."""
        yield f"{self.outcome}: {MEANINGS[self.outcome]}"
        rows = self.pair.difference.rows
        looks = len(self.looks.before) + 1
        repeated = f", look {looks} at these models" if looks > 1 else ""
        yield f"  {rows:,} rows that neither was trained on{repeated}"
        for note in self.pair.notes:
            yield f"  {note}"
        needed = [check.rows for check in self.checks if check.outcome == "undecided"]
        for count in needed if self.outcome == "undecided" else []:
            number = "no number of rows" if count is None else f"about {count:,} rows in total"
            yield f"  {number} would decide if the difference stays the same"
        yield ""
        for check in self.checks:
            yield f"  {check.name:12} {check.outcome:10} {check.reason}"
        yield ""
        cells = [metric.cells() for metric in self.metrics.values()]
        yield from text_table(["", *TITLES, "difference", "95 % interval"], cells)

    def document(self, files: Mapping[str, str], table: str) -> dict[str, Any]:
        """As JSON.

        Args:
            files: sha256 of challenger and champion.
            table: sha256.
        """
        difference = self.pair.difference
        interval = self.looks.interval(difference)
        ends = {"lower": json_number(interval.lower), "upper": json_number(interval.upper)}
        loss = {"difference": json_number(difference.mean), **ends, "rows": difference.rows}
        rules = {**asdict(self.rules), "latency": json_number(self.rules.latency)}
        return {
            "outcome": self.outcome,
            "files": dict(files),
            "rules": rules,
            "loss": {"name": self.pair.task.loss_title, **loss},
            "checks": [asdict(check) for check in self.checks],
            "notes": list(self.pair.notes),
            "metrics": {name: metric.document() for name, metric in self.metrics.items()},
            "latency": {name: dict(times) for name, times in self.latencies.items()},
            "looks": self.looks.document(Look(table, difference.rows, self.outcome)),
        }


def promotion(models: Sequence[Predictor], pair: Pair, rules: Rules, looks: Looks) -> Promotion:
    """Check the challenger.

    Args:
        models: challenger and champion.
        pair: their predictions.
        rules: the requirements.
        looks: earlier comparisons of the same two models.
    """
    challenger, champion = models
    task = pair.task
    margin = rules.margin * float(pair.losses[1].mean())
    wanted = {task.main: task.main_metric}
    if task.reliability is not None:
        wanted["reliability"] = task.reliability
    metrics = metric_differences(pair, wanted)
    latencies = {
        title: latency(model, rows)
        for title, model, rows in zip(TITLES, models, pair.rows, strict=True)
    }
    checks = [
        check_inputs(challenger.schema, champion.schema, new_inputs=rules.new_inputs),
        check_loss(pair.difference, looks, margin, task.loss_title),
        check_slices(slices(pair), margin),
    ]
    if "reliability" in metrics:
        checks.append(check_reliability(metrics["reliability"]))
    own, other = (latencies[title] for title in TITLES)
    checks.append(check_latency(own, other, rules.latency))
    return Promotion(pair, rules, tuple(checks), metrics, latencies, looks)
