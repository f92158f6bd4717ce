"""Rare classes count more in training, and probabilities stay those of the table."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from two_blocks import shape

from onward.errors import ConfigError
from onward.network.heads import Head
from onward.schema import Target
from onward.tasks import usual_task
from onward.training.batches import Rows
from onward.training.class_balance import (
    balanced_order,
    by_class,
    factors,
    oversampling_factors,
    weigh,
)
from onward.training.default_settings import Given, Table, complete

CLASSES = ("no", "yes")


def rows_of(targets: torch.Tensor, weights: torch.Tensor | None = None) -> Rows:
    return Rows({}, targets, weights)


def settings(**said: object) -> Given:
    return Given.model_validate(said)


def table(kind: str = "classes") -> Table:
    target = Target("y", "classes", CLASSES) if kind == "classes" else Target("y", "number")
    return Table(500, shape(3, (), len(target.classes)), usual_task(target))


@given(
    counts=st.lists(st.integers(1, 60), min_size=2, max_size=5),
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 2**31),
)
def test_an_epoch_has_as_many_rows_of_each_class_and_all_of_them_as_often(
    counts: list[int], batch_size: int, seed: int
) -> None:
    targets = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    targets = targets[torch.randperm(len(targets), generator=torch.Generator().manual_seed(1))]

    order = balanced_order(by_class(targets), batch_size, seed)

    assert len(order) == len(targets) // batch_size * batch_size
    shown = torch.bincount(targets[order], minlength=len(counts))
    assert shown.max() - shown.min() <= 1
    times = torch.bincount(order, minlength=len(targets))
    for code in range(len(counts)):
        of_class = times[targets == code]
        assert of_class.max() - of_class.min() <= 1


def test_an_epoch_is_a_function_of_its_seed() -> None:
    groups = by_class(torch.tensor([0, 0, 0, 0, 0, 1, 1]))
    assert balanced_order(groups, 1, 5).tolist() == balanced_order(groups, 1, 5).tolist()
    assert len({tuple(balanced_order(groups, 1, seed).tolist()) for seed in range(5)}) > 1


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    from sklearn.utils.class_weight import compute_sample_weight

    targets = torch.tensor([0, 0, 0, 1, 2, 2])
    found = weigh(rows_of(targets), factors("balanced", rows_of(targets), 3)).weights
    assert found is not None
    np.testing.assert_allclose(found, compute_sample_weight("balanced", targets), rtol=1e-6)


def test_classes_are_balanced_by_the_weights_of_their_rows() -> None:
    targets, weights = torch.tensor([0, 0, 1]), torch.tensor([1.0, 1.0, 6.0])
    rows = rows_of(targets, weights)
    found = weigh(rows, factors("balanced", rows, 2)).weights
    assert found is not None
    assert found[:2].sum().item() == pytest.approx(found[2].item())


@pytest.mark.parametrize("name", ["binary", "multiclass"])
@pytest.mark.parametrize("way", ["class_weights", "sampler"])
def test_probabilities_are_those_of_the_table(name: str, way: str) -> None:
    """The best score of rows that all look alike gives each class its share."""
    counts = [970, 30] if name == "binary" else [900, 70, 30]
    targets = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    rows = rows_of(targets)
    head: Head = Head.members[name](Head.members[name].Config(), len(counts))
    if way == "sampler":
        head.emphasize(oversampling_factors(rows, len(counts)).float())
        rows = rows.take(balanced_order(by_class(targets), 1, seed=0))
    else:
        of_classes = factors("balanced", rows, len(counts))
        head.emphasize(of_classes.float())
        rows = weigh(rows, of_classes)
    score = torch.zeros(head.width, requires_grad=True)
    optimizer = torch.optim.LBFGS([score], line_search_fn="strong_wolfe", max_iter=100)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        scores = head.add_emphasis(score.expand(len(rows), -1))
        loss = head.loss(scores, rows.targets, rows.weights)
        torch.autograd.backward(loss)
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    predicted = head(score.detach()[None])["probabilities"][0]
    np.testing.assert_allclose(predicted, np.array(counts) / sum(counts), atol=2e-3)


@pytest.mark.parametrize("name", ["binary", "multiclass"])
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_is_that_of_the_paper(name: str, gamma: float) -> None:
    member = Head.members[name]
    head = member(member.Config(gamma=gamma), 2)
    scores = torch.randn(50, head.width, generator=torch.Generator().manual_seed(0)).double()
    targets = torch.arange(50) % 2
    p = head(scores)["probabilities"][torch.arange(50), targets]
    expected = -((1 - p) ** gamma * p.log())
    torch.testing.assert_close(head.loss(scores, targets), expected.mean())
    weights = torch.rand(50, dtype=torch.float64)
    torch.testing.assert_close(head.loss(scores, targets, weights), (expected * weights).mean())


@pytest.mark.parametrize("name", ["binary", "multiclass"])
def test_focal_loss_has_a_gradient_where_it_is_sure(name: str) -> None:
    member = Head.members[name]
    head = member(member.Config(gamma=0.5), 2)
    scores = torch.full((2, head.width), 200.0)
    scores[:, :-1] = -200.0
    scores.requires_grad_()
    torch.autograd.backward(head.loss(scores, torch.tensor([0, 1])))
    assert scores.grad is not None
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("name", ["binary", "multiclass"])
def test_a_temperature_makes_up_for_focal_loss(name: str) -> None:
    """Of scores that are half as sure as they should be, with the loss that makes them so."""
    generator = torch.Generator().manual_seed(0)
    member = Head.members[name]
    head = member(member.Config(gamma=2.0), 2)
    honest = 2 * torch.randn(20_000, head.width, generator=generator)
    truth = head(honest)["probabilities"]
    drawn = torch.multinomial(truth, 1, generator=generator)[:, 0]
    head.calibrate(honest / 2, drawn)
    np.testing.assert_allclose(head(honest / 2)["probabilities"], truth, atol=0.02)


@pytest.mark.parametrize("name", ["binary", "multiclass"])
def test_labels_follow_what_is_gained(name: str) -> None:
    member = Head.members[name]
    head = member(member.Config(), 2)
    scores = torch.tensor([[-2.0]]) if name == "binary" else torch.tensor([[1.0, -1.0]])
    assert head(scores)["label"].tolist() == [0]
    before = head(scores)["probabilities"]
    head.decide(torch.tensor([[0.1, 0.0], [0.0, 0.9]]))
    assert head(scores)["label"].tolist() == [1]
    torch.testing.assert_close(head(scores)["probabilities"], before)


def test_classes_that_are_not_named_count_once() -> None:
    found = complete(settings(class_weights={"yes": 5.0}), table()).class_weights
    assert found == {"no": 1.0, "yes": 5.0}


def test_a_class_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"class_weights: there is no class 'yess'. Did you mean"):
        complete(settings(class_weights={"yess": 5.0}), table())


@pytest.mark.parametrize("said", [{"class_weights": "balanced"}, {"sampler": "balanced"}])
def test_a_number_has_no_classes_to_balance(said: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="has no classes to balance"):
        complete(settings(**said), table("number"))


@pytest.mark.parametrize(
    "said",
    [
        {"class_weights": "balanced", "sampler": "balanced"},
        {"class_weights": {"yes": 0.0}},
        {"class_weights": {"yes": -1.0}},
        {"sampler": "random"},
    ],
)
def test_wrong_settings_are_refused(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**said)
