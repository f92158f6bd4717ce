"""The contract that every task head keeps; a new head is tested as soon as its file exists."""

import numpy as np
import pytest
import torch

from onward.errors import ConfigError, DataError
from onward.network.heads import Head
from onward.tasks import Task

every_head = pytest.mark.parametrize("name", sorted(Head.members))


def build(name: str, **settings: object) -> Head:
    member = Head.members[name]
    classes = len(member.examples) if Task.members[member.task].has_labels else 0
    head: Head = member(member.Config(**settings), classes)
    return head


def targets(head: Head) -> torch.Tensor:
    return torch.tensor(
        list(head.examples),
        dtype=torch.int64 if Task.members[head.task].has_labels else torch.float64,
    )


@every_head
def test_type_is_the_name_of_the_file(name: str) -> None:
    assert Head.members[name].__module__ == f"onward.network.heads.{name}"


@every_head
def test_it_predicts_the_outputs_of_its_task(name: str) -> None:
    head = build(name)
    head.fit(targets(head))
    assert tuple(head(torch.zeros(3, head.width))) == Task.members[head.task].outputs


@every_head
def test_the_best_scores_predict_the_target(name: str) -> None:
    """The loss and the prediction agree: what minimizes the one makes the other right."""
    head = build(name)
    head.fit(targets(head))
    scores = torch.zeros(len(head.examples), head.width, requires_grad=True)
    optimizer = torch.optim.Adam([scores], lr=0.1)
    for _ in range(500):
        optimizer.zero_grad()
        torch.autograd.backward(head.loss(scores, targets(head)))
        optimizer.step()

    predictions = head(scores.detach())

    for row, expected in enumerate(head.examples.values()):
        for output, value in expected.items():
            np.testing.assert_allclose(predictions[output][row], value, atol=0.05)


@every_head
def test_members_together_predict_the_mean_of_what_they_predict(name: str) -> None:
    head = build(name)
    head.fit(targets(head))
    scores = torch.rand(20, 4, head.width, generator=torch.Generator().manual_seed(0)) - 0.5

    together = head(head.together(scores))

    for output, value in together.items():
        if output != "label":
            alone = torch.stack([head(one)[output] for one in scores.unbind(1)])
            torch.testing.assert_close(value, alone.mean(0))


@pytest.mark.parametrize("name", ["binary", "multiclass"])
def test_calibration_finds_how_overconfident_the_scores_are(name: str) -> None:
    generator = torch.Generator().manual_seed(0)
    head = build(name)
    honest = torch.randn(20_000, head.width, generator=generator) * 2
    probabilities = head(honest)["probabilities"]
    drawn = torch.multinomial(probabilities, 1, generator=generator)[:, 0]

    head.calibrate(honest * 3, drawn)

    got = head(honest * 3)["probabilities"]
    np.testing.assert_allclose(got, probabilities, atol=0.02)


@pytest.mark.parametrize("logarithm", [False, True])
def test_the_interval_holds_its_share_of_new_rows(logarithm: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    head = build("regression", logarithm=logarithm, coverage=0.8)
    target = (torch.randn(8000, generator=generator, dtype=torch.float64) + 3).exp()
    head.fit(target)
    scores = torch.zeros(8000, 1)
    head.calibrate(scores[:4000], target[:4000])

    predictions = head(scores[4000:])

    inside = (predictions["lower"] <= target[4000:]) & (target[4000:] <= predictions["upper"])
    assert inside.float().mean().item() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("logarithm", [False, True])
def test_predictions_stay_near_the_training_targets(logarithm: bool) -> None:
    target = torch.tensor([10.0, 20.0, 110.0], dtype=torch.float64)
    head = build("regression", logarithm=logarithm)
    head.fit(target)
    free = build("regression", logarithm=logarithm, bounds="none")
    free.fit(target)

    low, high = head(torch.tensor([[-50.0], [50.0]]))["value"].tolist()

    wanted = (10 * 11**-0.1, 110 * 11**0.1) if logarithm else (0.0, 120.0)
    assert (low, high) == pytest.approx(wanted)
    assert free(torch.tensor([[50.0]]))["value"].item() > 10 * high


@pytest.mark.parametrize(("rows", "rank"), [(9, 9), (10, 10), (20, 19), (99, 90), (100, 91)])
def test_the_radius_is_the_distance_of_the_finite_sample_rank(rows: int, rank: int) -> None:
    """Rank ``ceil((rows + 1) * coverage)`` of the distances, as in algorithm 2 of Lei et al."""
    head = build("regression", coverage=0.9)
    distances = torch.arange(1, rows + 1, dtype=torch.float64)

    head.calibrate(torch.zeros(rows, 1), distances)

    assert head.radius == rank


def test_a_logarithm_needs_positive_targets() -> None:
    with pytest.raises(DataError, match=r"1 of 2 training values are not above 0"):
        build("regression", logarithm=True).fit(torch.tensor([0.0, 1.0], dtype=torch.float64))


def test_three_classes_are_not_binary() -> None:
    member = Head.members["binary"]
    with pytest.raises(ConfigError, match=r"this one has 3\. Choose {type: multiclass}"):
        member(member.Config(), 3)
