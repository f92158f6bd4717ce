"""The time of a run is told apart, and adds up."""

import tempfile
from pathlib import Path

import pytest
import torch
from lightning import LightningModule, Trainer
from two_blocks import rows as rows_of
from two_blocks import shape

from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.loop import train
from onward.training.observer import Observer
from onward.training.settings import Settings
from onward.training.timing import Speed


def rows(count: int) -> Rows:
    numerical = torch.randn(count, 2, generator=torch.Generator().manual_seed(count))
    return rows_of(numerical, None, numerical[:, 0].double())


def fit(speed: Speed, epochs: int = 2) -> None:
    network = {
        "embedder": {"type": "identity"},
        "model": {"type": "mlp", "width": 8},
        "head": {"type": "regression"},
    }
    learner = {"batch_size": 8, "max_epochs": epochs, "precision": "fp32"}
    settings = Settings.model_validate({"seed": 0, "network": network, "learner": learner})
    with tempfile.TemporaryDirectory() as folder:
        checkpoints = Checkpoints(Path(folder), {})
        train(settings, shape(2, (), 0), rows(100), rows(30), checkpoints, speed)


def test_the_shares_add_up_to_the_whole() -> None:
    speed = Speed()
    fit(speed)
    found = speed.document()
    assert sum(found["shares"].values()) == pytest.approx(1, abs=1e-3)
    assert all(share > 0 for share in found["shares"].values())
    learned_s = found["seconds"] * (found["shares"]["step"] + found["shares"]["data"])
    assert found["rows_per_s"] == pytest.approx(2 * 96 / learned_s, rel=0.05)
    assert (found["precision"], found["why"]) == ("fp32", "set in the config")
    assert (found["device"], found["is_streamed"]) == ("cpu", False)


def test_without_an_epoch_there_is_nothing_to_tell() -> None:
    assert Speed().document() == {}


def test_a_callback_of_the_user_takes_part() -> None:
    epochs = []

    class Mine(Observer):
        def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
            epochs.append(trainer.current_epoch)

    try:
        fit(Speed(), epochs=3)
    finally:
        Observer.members.remove(Mine)
    assert epochs == [0, 1, 2]
