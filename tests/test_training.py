"""Training keeps the best epoch, stops early, and ends with honest probabilities."""

import gc
from pathlib import Path

import pytest
import torch
from two_blocks import rows as rows_of
from two_blocks import shape

from onward.schema import Target
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.history import LOSS
from onward.training.learner import Learner
from onward.training.loop import stop_reason, train
from onward.training.run import TrainingData, fit
from onward.training.settings import Settings

SHAPE = shape(2, (5,), 2)


def rows(count: int, seed: int) -> Rows:
    """The first class where the numbers agree in sign; one of ten labels is wrong."""
    generator = torch.Generator().manual_seed(seed)
    numerical = torch.randn(count, 2, generator=generator)
    categorical = torch.randint(0, 5, (count, 1), generator=generator)
    wrong = torch.rand(count, generator=generator) < 0.1
    return rows_of(numerical, categorical, ((numerical.prod(1) < 0) ^ wrong).long())


def settings(**learner: object) -> Settings:
    network = {
        "embedder": {"type": "piecewise_linear", "bins": 8},
        "model": {"type": "mlp", "width": 32},
        "head": {"type": "binary"},
    }
    return Settings.model_validate({"seed": 0, "network": network, "learner": learner})


def test_learns_and_keeps_the_best_epoch(tmp_path: Path) -> None:
    validation = rows(1000, seed=1)
    network, history = train(
        settings(max_epochs=60, patience=3),
        SHAPE,
        rows(3000, seed=0),
        validation,
        Checkpoints(tmp_path, {}),
    )

    losses = [epoch[LOSS] for epoch in history]
    best = losses.index(min(losses))
    assert best == len(losses) - 1 - 3
    with torch.no_grad():
        probabilities = network(validation.features)["probabilities"]
    hits = probabilities.argmax(1) == validation.targets
    assert hits.float().mean() > 0.87
    loss = torch.nn.functional.nll_loss(probabilities.log(), validation.targets)
    assert loss <= min(losses) + 1e-6  # calibrated on these rows


def test_stops_in_time(tmp_path: Path) -> None:
    _, history = train(
        settings(max_epochs=10_000, patience=10_000, max_time=1.0),
        SHAPE,
        rows(300, seed=0),
        rows(100, seed=1),
        Checkpoints(tmp_path, {}),
    )
    assert 1 <= len(history) < 10_000


def test_earlier_trainings_leave_the_memory(tmp_path: Path) -> None:
    gc.collect()
    gc.disable()  # a stage seldom looks for garbage by itself
    try:
        for number in range(4):
            checkpoints = Checkpoints(tmp_path / str(number), {})
            train(settings(max_epochs=1), SHAPE, rows(64, seed=0), rows(64, seed=1), checkpoints)
        alive = [found for found in gc.get_objects() if type(found) is Learner]
    finally:
        gc.enable()
    assert len(alive) <= 1


def test_a_training_is_a_value(tmp_path: Path) -> None:
    target = Target("y", "classes", ("no", "yes"))
    data = TrainingData(SHAPE.blocks, target, rows(200, seed=0), rows(100, seed=1))

    one, other = (
        fit(settings(max_epochs=2), data, Checkpoints(tmp_path / name, {})) for name in "ab"
    )

    assert one.history == other.history
    assert one.network.dump() == other.network.dump()
    assert torch.equal(data.train.targets, rows(200, seed=0).targets)


@pytest.mark.parametrize(
    ("losses", "limits", "setting"),
    [
        ([3.0, 2.0, 1.0], {"max_epochs": 3}, "max_epochs"),
        ([1.0, 2.0, 3.0], {"max_epochs": 9, "patience": 2}, "patience"),
        ([3.0, 2.0], {"max_epochs": 9, "patience": 2, "max_time": 3.0}, "max_time"),
        ([1.0, 2.0, 3.0], {"max_epochs": 9, "patience": 2, "max_time": 3.0}, "patience"),
        ([2.0], {"max_epochs": 9}, "a loss that is not finite"),
    ],
)
def test_the_setting_that_ended_the_training_is_named(
    losses: list[float], limits: dict[str, float], setting: str
) -> None:
    epochs = [{LOSS: loss} for loss in losses]
    assert stop_reason(epochs, settings(**limits).learner) == setting
