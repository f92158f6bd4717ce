"""The contract that every task keeps; a new task is tested as soon as its file exists."""

from dataclasses import dataclass
from string import Formatter

import numpy as np
import polars as pl
import pytest

from onward.errors import ArtifactError
from onward.schema import Target
from onward.tasks import Array, Ask, Card, Predictions, Task, output_names, usual_task

TARGETS = (
    Target("pay", "number"),
    Target("paid", "classes", ("no", "yes")),
    Target("size", "classes", ("S", "M", "L")),
)
ROWS = 300
every_task = pytest.mark.parametrize("name", sorted(Task.members))


def task_of(name: str) -> Task:
    """With a target that it is for."""
    member = Task.members[name]
    fitting = [target for target in TARGETS if target.kind == member.kind]
    usual = [target for target in fitting if member.is_usual(target)]
    task: Task = member((usual or fitting)[0])
    return task


def rows_of(task: Task) -> pl.DataFrame:
    random = np.random.default_rng(0)
    if task.target.classes:
        return pl.DataFrame({"truth": random.choice(task.target.classes, ROWS).tolist()})
    return pl.DataFrame({"truth": random.normal(100, 10, ROWS)})


@dataclass
class Estimator:
    """Knows the truth; with ``noise`` not quite."""

    task: Task
    noise: float = 0.0

    def numbers(self) -> Ask:
        random = np.random.default_rng(1)
        return lambda rows: rows["truth"].to_numpy() + self.noise * random.normal(size=len(rows))

    def probabilities(self) -> Ask:
        random = np.random.default_rng(1)

        def ask(rows: pl.DataFrame) -> Array:
            scores = np.eye(len(self.task.target.classes))[self.task.encode(rows["truth"])]
            scores = scores + self.noise * random.random(scores.shape)
            return np.asarray(scores / scores.sum(1, keepdims=True))

        return ask


@dataclass
class Validation:
    """The same rows, and a model that is as sure as it can be."""

    rows: pl.DataFrame
    target: Array
    weights: None = None

    @property
    def predictions(self) -> Predictions:
        return {"value": self.target, "lower": self.target, "upper": self.target}


def predicted(task: Task, noise: float = 0.0) -> tuple[Array, Predictions]:
    """The truth, and predictions of an estimator."""
    rows = rows_of(task)
    target = task.encode(rows["truth"])
    predict = task.calibrate(task.answer(Estimator(task, noise)), Validation(rows, target))
    return target, predict(rows)


def cards(task: Task, noise: float) -> list[Card]:
    target, predictions = predicted(task, noise)
    random = np.random.default_rng(0)
    curves = {
        name: curve(task.target.classes, target, predictions, random)
        for name, curve in task.curves.items()
    }
    scores = {name: metric(target, predictions) for name, metric in task.metrics.items()}
    return [*task.cards(curves, scores)]


@every_task
def test_its_name_is_that_of_the_file(name: str) -> None:
    assert Task.members[name].__module__ == f"onward.tasks.{name}"


@every_task
def test_the_main_metric_says_which_way_is_up(name: str) -> None:
    assert task_of(name).main_metric.better != "neither"


@every_task
def test_baselines_predict_its_outputs(name: str) -> None:
    _, predictions = predicted(task_of(name))
    assert tuple(predictions) == task_of(name).outputs


@every_task
def test_no_predictions_are_better_than_perfect_ones(name: str) -> None:
    task = task_of(name)
    perfect, noisy = predicted(task), predicted(task, noise=5.0)
    for metric in task.metrics.values():
        best = metric.most if metric.better == "higher" else metric.least
        if metric.better != "neither":
            assert metric(*perfect) == pytest.approx(best)
        assert metric.least <= metric(*noisy) <= metric.most
    assert task.main_metric.sign * (task.main_metric(*perfect) - task.main_metric(*noisy)) > 0


@every_task
def test_nothing_is_wrong_with_perfect_predictions(name: str) -> None:
    task = task_of(name)
    target, predictions = predicted(task)
    np.testing.assert_allclose(task.losses(target, predictions), 0, atol=1e-9)
    np.testing.assert_allclose(task.residuals(target, predictions), 0, atol=1e-9)
    np.testing.assert_allclose(task.pseudo_residuals(target, predictions), 0, atol=1e-9)
    assert not task.errors(target, predictions)[0].any()


@every_task
def test_rows_are_described_one_by_one(name: str) -> None:
    task = task_of(name)
    target, predictions = predicted(task, noise=5.0)
    wrong, kinds = task.errors(target, predictions)
    described = task.describe(target, predictions)
    assert {"actual", "predicted"} < set(described)
    assert {"residual", "certainty"} & set(described)
    assert {len(column) for column in described.values()} == {ROWS}
    columns = [wrong, kinds, task.losses(target, predictions), task.variances(predictions)]
    columns += task.curves_by_output(target, predictions).values()
    assert {len(column) for column in columns} == {ROWS}


@every_task
def test_the_report_has_a_card_and_dvc_a_plot_of_its_curves(name: str) -> None:
    task = task_of(name)
    assert cards(task, noise=5.0)
    assert cards(task, noise=0.0)
    assert {plot.file.removesuffix(".csv") for plot in task.plots.values()} <= set(task.curves)


@every_task
def test_its_sentences_name_metrics_that_it_has(name: str) -> None:
    task = task_of(name)
    for sentence in (task.summary, task.caveat):
        names = {field for _, field, _, _ in Formatter().parse(sentence) if field}
        assert names <= {"target", "nominal", *task.metrics}


@every_task
def test_no_column_may_have_the_name_of_an_output(name: str) -> None:
    assert set(Task.members[name].outputs) <= output_names()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_each_target_has_one_usual_task(target: Target) -> None:
    usual = [name for name, member in Task.members.items() if member.is_usual(target)]
    assert usual == [usual_task(target).name]


def test_a_file_with_an_unknown_task_is_refused() -> None:
    with pytest.raises(ArtifactError, match=r"model\.onnx: there is no task 'ordinal'\. If it"):
        Task.by_name("model.onnx", "ordinal", TARGETS[0])
