"""Learning curve: the metrics of models trained on fewer rows."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from onward.evaluation.bootstrap import Estimate, estimates, resample, sample
from onward.evaluation.retraining import HeldOutPredictions, RetrainedModels
from onward.table.splits import Part
from onward.tasks import Metric, Task
from onward.wording import format_number, format_signed


def parts(shares: Sequence[float]) -> dict[str, Part]:
    """The part of the rows for each share below 1, by name; the published model has share 1."""
    return {
        f"{share} of the training rows": Part(training=share)
        for share in sorted(set(shares))
        if share < 1
    }


def learning_curve(
    models: RetrainedModels,
    shares: Sequence[float],
    task: Task,
    published: HeldOutPredictions,
    seed: int,
) -> dict[str, Any]:
    """The metrics at each share of the training rows, and the gain from the last step.

    Args:
        models: retrained versions of the published model.
        shares: of the training rows; at least one below 1.
        task: of the published model.
        published: predictions of the published model for the same test rows.
        seed: of the resamples.
    """
    main, needed = task.main_metric, parts(shares)
    outcomes = models.run(needed)
    last, every = outcomes[-1], [*outcomes, published]
    improvement = gain(main, last, published, seed)
    return {
        "points": [
            {
                "share": share,
                "rows": outcome.training,
                "metrics": {
                    name: estimate.document()
                    for name, estimate in estimates(
                        task.metrics, outcome.target, outcome.predictions, seed, outcome.weights
                    ).items()
                },
            }
            for share, outcome in zip(
                [*(part.training for part in needed.values()), 1.0], every, strict=True
            )
        ],
        "gain": improvement.document(),
        "verdict": verdict(main.title, last, published, improvement),
    }


def table(document: Mapping[str, Any], main: str) -> pl.DataFrame:
    """The main metric, one row per share; empty without a learning curve."""
    points = document.get("points", [])
    estimated = ("value", "lower", "upper")
    columns = {
        "share": [point["share"] for point in points],
        "rows": [point["rows"] for point in points],
        **{end: [point["metrics"][main][end] for point in points] for end in estimated},
    }
    types = {name: pl.Int64 if name == "rows" else pl.Float64 for name in columns}
    return pl.DataFrame(columns, schema=types)


def gain(metric: Metric, old: HeldOutPredictions, new: HeldOutPredictions, seed: int) -> Estimate:
    """The improvement from the old to the new predictions of the same rows, with its interval.

    The comparison is paired: row difficulty cancels out, so the interval of the gain is narrower
    than that of either value.
    """
    before, after = (
        resample(
            {"": metric},
            {"": metric(of.target, of.predictions, of.weights)},
            sample(of.target, of.predictions, seed, of.weights),
            seed,
        )[""]
        for of in (old, new)
    )
    return after.minus(before) if metric.sign > 0 else before.minus(after)


def verdict(
    title: str, smaller: HeldOutPredictions, whole: HeldOutPredictions, improvement: Estimate
) -> str:
    """A sentence on whether more training rows would help.

    Args:
        title: of the metric.
        smaller: predictions of the model with the largest share below 1.
        whole: predictions of the model with all training rows.
        improvement: the `gain` from the smaller to the whole.
    """
    rows = f"{whole.training:,} rather than {smaller.training:,} training rows"
    change = "the same" if not improvement.value else "better" if improvement.value > 0 else "worse"
    by = f" by {format_number(abs(improvement.value), 2)}" if improvement.value else ""
    lower, upper = (format_signed(end, 2) for end in (improvement.lower, improvement.upper))
    ends = f"95 % interval of the gain: {lower} to {upper}"
    comparison = f"with {rows}, {title} is {change}{by} ({ends})"
    if not math.isfinite(improvement.lower):
        return (
            f"It is unknown whether more training rows would help: the gain of {title} has no"
            " confidence interval."
        )
    if improvement.lower > 0:
        return f"More training rows would probably help: {comparison}."
    if improvement.upper < 0:
        return f"More training rows are unlikely to help: {comparison}."
    return f"No significant gain from more training rows: {comparison}."
