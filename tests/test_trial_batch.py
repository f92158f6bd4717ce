"""Networks that train as a batch have the losses that each has alone."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from two_blocks import rows as rows_of
from two_blocks import shape

from onward.network.models import Model
from onward.schema import Target
from onward.training import trial_batch
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.history import LOSS
from onward.training.run import TrainingData, fit
from onward.training.scores import compute_scores
from onward.training.settings import Settings
from onward.training.trial_batch import batch_key, fit_together, is_worthwhile

CLASSES = ("a", "b", "c")


def rows(count: int, seed: int, classes: int) -> Rows:
    draw = torch.Generator().manual_seed(seed)
    numerical = torch.randn(count, 3, generator=draw)
    categorical = torch.randint(0, 5, (count, 2), generator=draw)
    signal = numerical[:, 0] + categorical[:, 0] + torch.randn(count, generator=draw) / 3
    target = signal.double() if not classes else signal.long().clamp(0, classes - 1)
    found = rows_of(numerical, categorical, target)
    return found if classes else found.with_weights(torch.rand(count, generator=draw) + 0.5)


def data(head: str = "regression") -> TrainingData:
    classes = {"regression": 0, "binary": 2, "multiclass": 3}[head]
    target = Target("y", "classes" if classes else "number", CLASSES[:classes])
    known = shape(3, (5, 5), classes)
    return TrainingData(known.blocks, target, rows(230, 0, classes), rows(80, 1, classes))


def settings(
    model: dict[str, Any], embedder: str = "identity", head: str = "regression", **learner: Any
) -> Settings:
    network = {"embedder": {"type": embedder}, "model": model, "head": {"type": head}}
    learner = {"batch_size": 32, "max_epochs": 4, **learner}
    said = {"seed": 3, "network": network, "learner": learner}
    if head == "multiclass":
        said["class_weights"] = "balanced"
    return Settings.model_validate(said)


def variants(
    model: dict[str, Any], embedder: str = "identity", head: str = "regression"
) -> list[Settings]:
    rates = [name for name in Model.members[model["type"]].Config.model_fields if "dropout" in name]
    return [
        settings({**model, **dict.fromkeys(rates, p)}, embedder, head, **learner)
        for p, learner in (
            (0.0, {"learning_rate": 1e-3, "weight_decay": 0.0}),
            (0.2, {"learning_rate": 3e-3, "weight_decay": 0.1, "clip": 0.3}),
            (0.5, {"learning_rate": 1e-2, "patience": 1}),
        )
    ]


MODELS = [
    {"type": "mlp", "width": 16, "depth": 2},
    {"type": "resnet", "width": 8, "depth": 2},
    {"type": "tabm", "k": 3, "width": 8},
    {"type": "tabm_mini", "k": 3, "width": 8},
    {"type": "ft_transformer", "heads": 2, "head_width": 4, "depth": 2},
    {"type": "linear"},
]


@pytest.mark.parametrize(
    ("model", "embedder", "head"),
    [
        *((model, "identity", "regression") for model in MODELS),
        (MODELS[0], "piecewise_linear_embedding", "multiclass"),
        (MODELS[0], "piecewise_linear", "binary"),
        (MODELS[0], "periodic", "regression"),
    ],
    ids=lambda part: part["type"] if isinstance(part, dict) else part,
)
def test_the_losses_are_those_of_each_alone(
    model: dict[str, Any], embedder: str, head: str, tmp_path: Path
) -> None:
    chosen, table = variants(model, embedder, head), data(head)

    together = fit_together(chosen, table)

    for number, (trial, one) in enumerate(zip(together, chosen, strict=True)):
        alone = fit(one, table, Checkpoints(tmp_path / str(number), {}))
        assert len(trial.history) == len(alone.history)
        for ours, theirs in zip(trial.history, alone.history, strict=True):
            assert ours == pytest.approx(theirs, abs=1e-5)
        assert trial.scores is not None
        with torch.no_grad():
            scores = compute_scores(alone.network, table.validation, torch.device("cpu"))
        torch.testing.assert_close(trial.scores, scores, atol=1e-4, rtol=1e-4)


def test_a_trial_that_fails_leaves_the_others_alone() -> None:
    model = {"type": "mlp", "width": 16, "depth": 2}
    chosen = [settings(model, learning_rate=rate, clip=1e30) for rate in (1e-3, 1e25)]
    good, bad = fit_together(chosen, data())
    [alone] = fit_together(chosen[:1], data())
    assert bad.history == []
    assert bad.scores is None
    assert [epoch[LOSS] for epoch in good.history] == pytest.approx(
        [epoch[LOSS] for epoch in alone.history], abs=1e-6
    )


def test_trainings_share_a_batch_if_their_shapes_and_random_bits_are_the_same() -> None:
    def key(**changes: Any) -> str:
        model = {"type": "ft_transformer", "heads": 2, "head_width": 4, "depth": 1}
        learner = {name: changes.pop(name) for name in ("batch_size", "clip") if name in changes}
        return batch_key(settings({**model, **changes}, **learner))

    assert key(dropout=0.1) == key(dropout=0.5, clip=3.0)
    assert key(dropout=0.0, attention_dropout=0.0) == key(dropout=0.1)
    assert key(dropout=0.0) != key(dropout=0.1)  # the other one drops
    assert key(batch_size=16) != key(batch_size=32)
    assert key(depth=2) != key()


def test_small_steps_are_worth_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    small, table = settings({"type": "mlp", "width": 8}), data()
    assert is_worthwhile(small, table)
    assert not is_worthwhile(settings({"type": "mlp", "width": 512}), table)
    assert not is_worthwhile(settings({"type": "mlp", "width": 8}, max_time=math.inf), table)
    assert not is_worthwhile(settings({"type": "mlp", "width": 8}, precision="bf16"), table)
    monkeypatch.setattr(trial_batch, "fits", lambda *_: False)
    assert not is_worthwhile(small, table)
