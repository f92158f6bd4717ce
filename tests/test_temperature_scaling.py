"""The temperature corrects probabilities where rows say so, and leaves them alone where not."""

import pytest
import torch
from torch import Tensor, nn

from onward.network.temperature_scaling import temperature


def loss(scores: Tensor, targets: Tensor, weights: Tensor | None) -> Tensor:
    losses = nn.functional.cross_entropy(scores, targets, reduction="none")
    return (losses if weights is None else losses * weights).mean()


def drawn(rows: int, sharpness: float) -> tuple[Tensor, Tensor]:
    """Scores that are so many times too large for the classes that are drawn from them."""
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(rows, 3, generator=generator)
    targets = torch.multinomial(scores.softmax(1), 1, generator=generator)[:, 0]
    return sharpness * scores, targets


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_with_many_rows_it_is_what_was_done_to_the_scores(sharpness: float) -> None:
    assert temperature(loss, *drawn(20_000, sharpness)) == pytest.approx(sharpness, rel=0.05)


def test_separated_rows_do_not_drive_it_to_a_bound() -> None:
    targets = torch.arange(24) % 3
    scores = 5.0 * nn.functional.one_hot(targets, 3)
    assert 0.5 < temperature(loss, scores, targets) < 1


def test_rows_of_one_class_say_nothing() -> None:
    targets = torch.zeros(24, dtype=torch.int64)
    assert temperature(loss, torch.randn(24, 3), targets) == 1


def test_fewer_rows_change_less() -> None:
    scores, targets = drawn(2_000, 4.0)
    few = temperature(loss, scores[:20], targets[:20])
    assert 1 < few < temperature(loss, scores, targets)


def test_only_ratios_of_weights_matter() -> None:
    scores, targets = drawn(200, 3.0)
    weights = torch.rand(200, generator=torch.Generator().manual_seed(1))
    same = temperature(loss, scores, targets, weights)
    assert temperature(loss, scores, targets, 1_000 * weights) == pytest.approx(same)


def test_a_row_that_counts_twice_is_not_two_rows() -> None:
    scores, targets = drawn(30, 4.0)
    alike = temperature(loss, scores, targets, torch.full((30,), 2.0))
    assert alike == pytest.approx(temperature(loss, scores, targets))
