"""A model that started from another one, beside the same model trained from new weights."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from onward.evaluation.bootstrap import format_value, sample
from onward.evaluation.previous_run import MeasuredModel, changes
from onward.evaluation.retraining import HeldOutPredictions, RetrainedModels, training_steps
from onward.table.splits import Part
from onward.tasks import Task
from onward.wording import format_count


def cold_start(
    models: RetrainedModels, folder: Path, task: Task, published: HeldOutPredictions, seed: int
) -> dict[str, Any]:
    """Train the published model anew on the same rows, preprocessing included, and compare.

    Args:
        models: retrained versions of the published model.
        folder: of the published model.
        task: of the model.
        published: its predictions of the test rows.
        seed: of the resamples.

    Returns:
        The optimizer steps of both, and each metric with the paired difference; ``before`` is the
        cold start, ``now`` the published model.
    """
    [cold] = models.run({"cold start": Part()})
    now, before = (_measured(task, of, seed) for of in (published, cold))
    differences = changes(task.metrics, now, before, seed)
    metrics = {name: change.document() for name, change in differences.items()}
    steps = {"cold": cold.steps, "warm": training_steps(folder)}
    return {"steps": steps, "metrics": metrics}


def cold_start_lines(document: Mapping[str, Any], task: Task) -> Iterator[str]:
    """The main metric and the steps of both, for the terminal."""
    if not document:
        return
    main, steps = document["metrics"][task.main], document["steps"]
    yield (
        f"evaluate: {task.main_metric.title} {format_value(main['now'])} after"
        f" {format_count(steps['warm'], 'step')}; from a cold start"
        f" {format_value(main['before'])} after {format_count(steps['cold'], 'step')}"
        f" ({main['verdict']})"
    )


def _measured(task: Task, of: HeldOutPredictions, seed: int) -> MeasuredModel:
    rows = of.target, of.predictions
    values = {name: metric(*rows, of.weights) for name, metric in task.metrics.items()}
    return MeasuredModel(values, sample(*rows, seed, of.weights))
