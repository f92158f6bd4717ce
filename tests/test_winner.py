"""Settings replace those of the config only if rows that did not choose them confirm it."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from onward.network.heads import Head
from onward.training.batches import Rows
from onward.tuning.library import Library
from onward.tuning.results import Result, Training
from onward.tuning.winner import Winner, winner


def search(errors: Tensor, config: int = 0) -> tuple[list[Result], Library]:
    """Trainings whose predictions of a number differ from the truth by these errors.

    Args:
        errors: ``(trainings, rows)``.
        config: the training with the settings of the config.
    """
    targets = torch.linspace(-1.7, 1.7, errors.shape[1], dtype=torch.float64)
    head = Head.build(Head.members["regression"].Config.model_validate({}), 0)
    head.fit(targets)
    truth = ((targets - targets.mean()) / targets.std(correction=0)).float()
    scores = (truth + errors)[..., None]
    losses = [head.loss(one, targets).item() for one in scores]
    names = [(number - config) % len(losses) for number in range(len(losses))]
    results = [
        Result(Training(name, 9, (), {"model.width": name}), loss, 1)
        for name, loss in zip(names, losses, strict=True)
    ]
    order = sorted(range(len(losses)), key=losses.__getitem__)
    known = [results[number] for number in order]
    library = Library(known, scores[order], head, Rows({}, targets), order.index(config))
    return results, library


def noise(sizes: Tensor, rows: int, seed: int) -> Tensor:
    """Errors of networks that have most of them in common."""
    draw = torch.Generator().manual_seed(seed)
    shared = torch.randn(rows, generator=draw)
    return shared + sizes[:, None] * torch.randn(len(sizes), rows, generator=draw)


def found(errors: Tensor, config: int = 0) -> Winner:
    return winner(*search(errors, config))


def test_what_is_better_everywhere_is_taken_over() -> None:
    errors = torch.stack([torch.full((100,), 0.5), torch.full((100,), 0.1)])
    best = found(errors)
    assert best.refusal == ""
    assert best.result is best.lowest
    assert best.lowest.training.trial == 1
    assert best.gain is not None
    assert best.gain.value == pytest.approx(best.of_config.loss - best.lowest.loss, rel=0.05)


def test_what_is_low_by_chance_is_worse_on_fresh_rows_and_mostly_refused() -> None:
    sizes = torch.tensor([0.3, *[0.5] * 30])  # the settings of the config are the best
    lowest, chosen = [], []
    for seed in range(40):
        errors = noise(sizes, 5_200, seed)
        best = found(errors[:, :200])
        assert best.lowest.loss <= best.of_config.loss
        fresh = errors[:, 200:].square().mean(1)
        lowest.append(fresh[best.lowest.training.trial] - fresh[0])
        chosen.append(fresh[best.result.training.trial] - fresh[0])
    assert sum(lowest) > 2 * sum(chosen) >= 0


def test_nothing_is_compared_if_the_config_has_the_lowest_loss() -> None:
    best = found(torch.stack([torch.full((100,), 0.5), torch.full((100,), 0.1)]), config=1)
    assert best == Winner(best.lowest, best.lowest)


def test_the_settings_of_the_config_drawn_again_are_those_of_the_config() -> None:
    """Trained in another batch, their losses differ by rounding."""
    results, library = search(torch.stack([torch.full((100,), 0.5), torch.full((100,), 0.4999)]))
    settings = results[0].training.values
    again = Result(Training(1, 9, (), settings), results[1].loss, 1)
    best = winner([results[0], again], library)
    assert best == Winner(results[0], results[0])


def test_settings_of_the_config_that_failed_once_and_not_again_are_the_best() -> None:
    """Such as a lack of memory, which another program had."""
    results, library = search(torch.stack([torch.full((100,), 0.5), torch.full((100,), 0.1)]))
    lost = Result(results[0].training, float("inf"), 0, "out of memory")
    again = Result(Training(1, 9, (), lost.training.values), results[1].loss, 1)
    best = winner([lost, again], replace(library, results=[again], of_config=None))
    assert best == Winner(again, lost)


def test_whatever_is_better_than_a_failure() -> None:
    results, library = search(torch.stack([torch.full((100,), 0.5), torch.full((100,), 0.1)]))
    lost = Result(results[0].training, float("inf"), 0, "out of memory")
    alone = Library(library.results[:1], library.scores[:1], library.head, library.rows)
    best = winner([lost, results[1]], alone)
    assert best.result is results[1]
    assert best.gain is None
