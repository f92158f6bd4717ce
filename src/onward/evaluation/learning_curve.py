"""Whether more training rows would help, from what fewer of them cost."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from onward.evaluation.bootstrap import Estimate, estimates, resampled, sample
from onward.evaluation.retraining import Outcome, Reruns
from onward.table.splits import Part
from onward.tasks import Metric, Task


def parts(shares: Sequence[float]) -> dict[str, Part]:
    """What is to be made, by name: not the model of all training rows, which is there."""
    return {
        f"{share} of the training rows": Part(training=share)
        for share in sorted(set(shares))
        if share < 1
    }


def learning_curve(
    reruns: Reruns,
    shares: Sequence[float],
    task: Task,
    published: Outcome,
    seed: int,
) -> dict[str, Any]:
    """The metrics with each share of the training rows, and what they say of more rows.

    Args:
        reruns: of the published model.
        shares: of its training rows, one below 1 at least.
        task: of the published model.
        published: what the model of all training rows predicts for the same test rows.
        seed: of the resamples.
    """
    main, needed = task.main_metric, parts(shares)
    outcomes = reruns.run(needed)
    last, every = outcomes[-1], [*outcomes, published]
    found = gain(main, last, published, seed)
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
        "gain": found.document(),
        "verdict": verdict(main.title, last, published, found),
    }


def table(found: Mapping[str, Any], main: str) -> pl.DataFrame:
    """The metric that decides, a row for each share; none if nothing was found."""
    points = found.get("points", [])
    estimated = ("value", "lower", "upper")
    columns = {
        "share": [point["share"] for point in points],
        "rows": [point["rows"] for point in points],
        **{end: [point["metrics"][main][end] for point in points] for end in estimated},
    }
    types = {name: pl.Int64 if name == "rows" else pl.Float64 for name in columns}
    return pl.DataFrame(columns, schema=types)


def gain(metric: Metric, old: Outcome, new: Outcome, seed: int) -> Estimate:
    """How much better the new predictions of the same rows are, with the interval of that.

    Rows that are hard are so for both, so that this is known better than either value.
    """
    before, after = (
        resampled(
            {"": metric},
            {"": metric(of.target, of.predictions, of.weights)},
            sample(of.target, of.predictions, seed, of.weights),
            seed,
        )[""]
        for of in (old, new)
    )
    return after.minus(before) if metric.sign > 0 else before.minus(after)


def verdict(title: str, smaller: Outcome, whole: Outcome, found: Estimate) -> str:
    """A sentence.

    Args:
        title: of the metric.
        smaller: of the largest share below all training rows.
        whole: of all training rows.
        found: the `gain` from one to the other.
    """
    rows = f"{whole.training:,} rather than {smaller.training:,} training rows"
    change = "the same" if not found.value else "better" if found.value > 0 else "worse"
    by = f" by {abs(found.value):.2g}" if found.value else ""
    ends = f"95 % interval of what is gained: {found.lower:+.2g} to {found.upper:+.2g}"
    what = f"with {rows}, {title} is {change}{by} ({ends})"
    if not math.isfinite(found.lower):
        return f"Whether more training rows would help cannot be told: {title} is not defined here."
    if found.lower > 0:
        return f"More training rows would probably help: {what}."
    if found.upper < 0:
        return f"More training rows would hardly help: {what}."
    return f"There is no sign that more training rows would help: {what}."
