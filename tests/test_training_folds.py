"""Networks of folds: no row is judged by a network that learned from it."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import polars as pl
import pytest
import torch
from two_blocks import network as untrained
from two_blocks import rows as rows_of
from two_blocks import shape

from onward.artifacts.prepared import Prepared
from onward.errors import ConfigError
from onward.export.deciding import decide
from onward.network.bag import Bag, load_network
from onward.network.network import Network
from onward.schema import Target
from onward.stages import prepare, train
from onward.tasks.decision import Decision
from onward.training import folds as module
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.fitting import fit_prepared
from onward.training.folds import fit_folds, folds
from onward.training.history import LOSS
from onward.training.learner import Learner
from onward.training.run import Trained, TrainingData, fit
from onward.training.scores import compute_scores
from onward.training.settings import Settings
from onward.training.start import load_start

SHAPE = shape(2, (5,), 0)
CPU = torch.device("cpu")


def rows(count: int) -> Rows:
    generator = torch.Generator().manual_seed(count)
    numerical = torch.randn(count, 2, generator=generator)
    categorical = torch.randint(0, 5, (count, 1), generator=generator)
    return rows_of(numerical, categorical, 3.0 + numerical.sum(1).double())


def network(head: str) -> Network.Config:
    model = {"type": "tabm", "width": 8, "k": 2}
    parts = {"embedder": {"type": "identity"}, "model": model, "head": {"type": head}}
    return Network.Config.model_validate(parts)


def result(folder: Path, whole: Rows) -> Trained:
    learner = Learner.Config(max_epochs=2, batch_size=16)
    settings = Settings(seed=0, folds=3, network=network("regression"), learner=learner)
    data = TrainingData(SHAPE.blocks, Target("y", "number"), rows(40), rows(20))
    return fit_folds(settings, data, whole, Checkpoints(folder, {"config": "a"}))


def trained(folder: Path) -> Bag:
    bag = result(folder, rows(60)).network
    assert isinstance(bag, Bag)
    return bag


def prepared(folder: Path, split: Mapping[str, str]) -> Prepared:
    days = [f"2024-01-{row % 28 + 1:02}" for row in range(100)]
    table = pl.DataFrame({"x": range(100), "day": days, "y": [row % 7 for row in range(100)]})
    table.write_csv(folder / "table.csv")
    config = {
        "source": {"type": "csv", "path": folder / "table.csv"},
        "target": {"name": "y", "kind": "number"},
        "split": split,
        "columns": {"x": {"type": "numerical"}},
    }
    prepare.run(prepare.Settings.model_validate(config), folder)
    return Prepared(folder / "prepare")


def test_folds_have_the_same_classes() -> None:
    targets = torch.tensor([0] * 10 + [1] * 5)
    fold_of = folds(targets, 5, seed=0)
    assert [targets[fold_of == fold].tolist() for fold in range(5)] == [[0, 0, 1]] * 5
    assert not torch.equal(fold_of, folds(targets, 5, seed=1))


def test_scores_are_of_the_network_that_did_not_learn_from_the_row(tmp_path: Path) -> None:
    bag, whole = trained(tmp_path), rows(60)
    fold_of = folds(whole.targets, 3, seed=0)

    assert bag.out_of_fold is not None
    assert bag.ensemble_size == 6
    for fold, one in enumerate(bag.members):
        own = whole.take((fold_of == fold).nonzero()[:, 0])
        with torch.no_grad():
            alone = compute_scores(one, own, CPU)
        assert torch.equal(bag.out_of_fold[fold_of == fold], alone)
        assert one.head.mean == whole.targets.mean(), "members would have several scales"
    values = bag.head(bag.out_of_fold)
    inside = (values["lower"] <= whole.targets) & (whole.targets <= values["upper"])
    assert inside.double().mean() >= 0.9


def test_prediction_is_the_mean_of_the_networks_and_is_restored(tmp_path: Path) -> None:
    bag, features = trained(tmp_path), rows(9).features
    with torch.no_grad():
        mean = torch.stack([one.scores(features) for one in bag.members]).mean(0)
        assert torch.allclose(bag.scores(features), mean, atol=1e-6)
        again = load_network(bag.dump()).eval()
        assert torch.equal(again(features)["lower"], bag(features)["lower"])


def test_the_decision_is_fitted_on_out_of_fold_scores() -> None:
    whole = rows_of(torch.randn(40, 2), torch.zeros(40, 1, dtype=torch.int64), torch.arange(40) % 2)
    one = untrained(network("binary"), shape(2, (5,), 2))
    scores = 3.0 + whole.targets[:, None].float()  # all above 0: the likeliest label is one class
    bag = Bag([one, one], out_of_fold=scores).eval()

    rule = decide(
        bag, Decision(metric="f1"), Target("y", "classes", ("no", "yes")), {"validation": whole}
    )

    assert rule["validation"] == {"before": pytest.approx(2 / 3), "after": 1.0}
    assert torch.sigmoid(torch.tensor(3.0)) < rule["threshold"] < torch.sigmoid(torch.tensor(4.0))


def test_the_validation_loss_is_out_of_fold(tmp_path: Path) -> None:
    whole = rows(61)  # folds of different sizes: the mean of their losses is another number
    found = result(tmp_path, whole)
    scores = found.network.out_of_fold
    assert scores is not None
    loss = found.network.head.loss(scores, whole.targets, whole.weights).item()
    assert found.ensemble == {LOSS: loss, "folds": 3}
    assert loss != min(epoch[LOSS] for epoch in found.history)


def test_more_folds_than_rows_are_refused(tmp_path: Path) -> None:
    prepared(tmp_path, {"type": "random"})
    message = "90 folds of 85 rows for training and validation. Set at most 85"
    with pytest.raises(ConfigError, match=message):
        train.run(train.Settings.model_validate({"folds": 90}), tmp_path)


def test_the_stage_says_that_the_networks_are_several(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    prepared(tmp_path, {"type": "random"})
    model = {"model": {"type": "linear"}}
    given = {"folds": 3, "network": model, "learner": {"max_epochs": 2}}
    train.run(train.Settings.model_validate(given), tmp_path)
    metrics = json.loads((tmp_path / "train/metrics.json").read_text())
    assert metrics["folds"] == 3
    said = f"3 networks, stopped by max_epochs; validation loss {metrics[LOSS]:.5g}, out of fold"
    assert said in caplog.text


def test_what_ended_any_of_the_networks_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = iter([("patience",), ("max_time",), ("patience",)])
    monkeypatch.setattr(module, "fit", lambda *args: replace(fit(*args), stopped_by=next(reasons)))
    assert result(tmp_path, rows(60)).stopped_by == ("patience", "max_time")


@pytest.mark.parametrize("split", ["group", "time"])
def test_folds_across_groups_and_times_are_refused(tmp_path: Path, split: str) -> None:
    rows = prepared(tmp_path, {"type": split, "name": "day"})
    settings = Settings(seed=0, folds=3, network=network("regression"), learner=Learner.Config())
    with pytest.raises(ConfigError, match=f"'{split}'.*`effort: best`.*Set `folds: 1`"):
        fit_prepared(settings, rows, Checkpoints(tmp_path, {}))


def test_a_training_that_starts_from_networks_of_folds_is_refused(tmp_path: Path) -> None:
    class Earlier:
        @staticmethod
        def profiles() -> dict[str, Any]:
            return {"start_from": {"kept": []}}

        @staticmethod
        def start() -> bytes:
            return trained(tmp_path).dump()

    with pytest.raises(ConfigError, match=r"train that model again with `folds: 1`"):
        load_start(cast(Prepared, Earlier))


def test_a_training_that_is_cut_between_folds_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = trained(tmp_path / "whole").dump()
    done: list[Trained] = []

    def cut(*args: Any) -> Trained:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(fit(*args))
        return done[-1]

    monkeypatch.setattr(module, "fit", cut)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "cut")
    monkeypatch.undo()
    assert trained(tmp_path / "cut").dump() == whole
