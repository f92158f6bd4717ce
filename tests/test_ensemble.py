"""Greedy selection of an ensemble: never worse than the best training, and only if it is better."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from onward.errors import ArtifactError
from onward.network.heads import Head
from onward.training.batches import Rows
from onward.tuning.ensemble import Counted, Ensemble, best_ensemble, select
from onward.tuning.library import Library
from onward.tuning.results import Result, Training
from onward.tuning.score_files import ScoreFiles


def result(trial: int, loss: float) -> Result:
    return Result(Training(trial, 9, (), {}), loss, 1)


def head(kind: str, targets: Tensor) -> Head:
    classes = {"regression": 0, "binary": 2, "multiclass": 3}[kind]
    built = Head.build(Head.members[kind].Config.model_validate({}), classes)
    built.fit(targets)
    return built


def library(kind: str, scores: Tensor, targets: Tensor) -> Library:
    """The trainings in the order of their losses."""
    known = head(kind, targets)
    losses = [known.loss(one, targets).item() for one in scores]
    order = sorted(range(len(losses)), key=losses.__getitem__)
    results = [result(trial, losses[trial]) for trial in order]
    return Library(results, scores[order], known, Rows({}, targets))


def noisy(errors: Sequence[float], rows: int = 2_000) -> Library:
    """Predictions of numbers with independent errors of these sizes."""
    draw = torch.Generator().manual_seed(0)
    targets = torch.randn(rows, generator=draw, dtype=torch.float64)
    noise = torch.randn(len(errors), rows, 1, generator=draw)
    truth = ((targets - targets.mean()) / targets.std(correction=0)).float()[:, None]
    return library("regression", truth + torch.tensor(errors)[:, None, None] * noise, targets)


def always(_: Sequence[Counted]) -> bool:
    return True


def best(known: Library, most: int, is_fast: Callable[..., bool] = always) -> Ensemble:
    """An ensemble, compared with the training that has the lowest loss."""
    return best_ensemble(known, most, is_fast, Library.lowest)


def shares(known: Library, chosen: Sequence[int]) -> dict[int, float]:
    by_trial = [known.results[index].training.trial for index in chosen]
    return {trial: by_trial.count(trial) / len(chosen) for trial in {*by_trial}}


def test_the_counts_are_those_of_the_least_error() -> None:
    """Of independent errors, the best weights are inverse to their variances."""
    known = noisy([0.5, 0.5 * math.sqrt(3), 5.0])
    found = shares(known, select(known, 3))
    assert found[0] == pytest.approx(0.75, abs=0.07)
    assert found[1] == pytest.approx(0.25, abs=0.07)
    assert 2 not in found


def test_what_comes_after_the_lowest_loss_is_left_out() -> None:
    targets = torch.randn(50, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    truth = ((targets - targets.mean()) / targets.std(correction=0)).float()[:, None]
    known = library("regression", torch.stack([truth + 1, truth - 1, truth + 9]), targets)
    assert select(known, 3) == [0, 1]
    assert known.loss([0, 1]) == pytest.approx(0.0, abs=1e-9)


@given(st.data())
@settings(max_examples=20)
def test_no_choice_is_worse_than_the_best_training(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["regression", "binary", "multiclass"]))
    draw = torch.Generator().manual_seed(data.draw(st.integers(0, 99)))
    width = {"regression": 1, "binary": 1, "multiclass": 3}[kind]
    targets = torch.arange(40) % max(2, width)
    targets = targets.double() if kind == "regression" else targets
    known = library(kind, torch.randn(5, 40, width, generator=draw), targets)
    most = data.draw(st.integers(1, 5))

    chosen = select(known, most)

    assert known.loss(chosen) <= known.loss([0])
    assert len({*chosen}) <= most
    assert select(known, most) == chosen


def test_the_mean_is_that_of_probabilities() -> None:
    scores = torch.tensor([[[-2.0]], [[3.0]]])
    known = library("binary", scores.repeat(1, 2, 1), torch.tensor([0, 1]))
    mean = known.mean([0, 0, 1])[0].sigmoid()
    first, second = known.scores[:, 0].sigmoid()
    torch.testing.assert_close(mean, (2 * first + second) / 3)


def test_an_ensemble_that_is_better_beyond_noise_is_chosen() -> None:
    found = best(noisy([0.5, 0.51, 0.52]), 3)
    assert found.refusal == ""
    assert found.gain is not None
    assert sum(member.count for member in found.members) >= 3
    assert 0 < found.gain.lower < found.gain.value < found.gain.upper
    assert found.single - found.loss == pytest.approx(found.gain.value, rel=0.05)


def test_a_gain_whose_interval_has_zero_is_not_enough() -> None:
    found = best(noisy([0.5, 0.5], rows=25), 2)
    assert found.gain is not None
    assert found.gain.lower <= 0 < found.gain.value
    assert found.refusal == "the gain may be noise"


def test_the_gain_is_that_of_fresh_rows() -> None:
    """On the rows that choose, one of many trainings that know nothing looks better than it is."""
    inside, outside, fresh = [], [], []
    for seed in range(20):
        draw = torch.Generator().manual_seed(seed)
        targets = torch.randn(3_000, generator=draw, dtype=torch.float64)
        scores = 0.3 * torch.randn(12, 3_000, 1, generator=draw)
        known = library("regression", scores[:, :60], targets[:60])
        order = [one.training.trial for one in known.results]
        rest = Library(known.results, scores[order][:, 60:], known.head, Rows({}, targets[60:]))

        found = best(known, 6)

        chosen = [known.results.index(m.result) for m in found.members for _ in range(m.count)]
        assert found.gain is not None
        inside.append(found.single - found.loss)
        outside.append(found.gain.value)
        fresh.append(rest.loss([0]) - rest.loss(chosen))
    error = abs(np.mean(outside) - np.mean(fresh))
    assert error < 0.5 * abs(np.mean(inside) - np.mean(fresh))


def test_a_slow_ensemble_loses_members() -> None:
    def has_two(members: Sequence[Counted]) -> bool:
        sizes.append(len(members))
        return len(members) <= 2

    sizes: list[int] = []
    found = best(noisy([0.5, 0.51, 0.52, 0.53]), 4, has_two)
    assert len(found.members) == 2
    assert sizes == [2, 3, 4]
    assert found.refusal == ""


def test_a_network_that_gains_little_is_left_out() -> None:
    known = noisy([0.5, 0.51, 1.6])
    assert len({*select(known, 3)}) == 3
    assert len(best(known, 3).members) == 2
    assert len(best(noisy([0.5, 0.51, 0.52]), 3).members) == 3


def test_if_all_are_slow_the_best_training_stays() -> None:
    found = best(noisy([0.5, 0.51, 0.52]), 3, lambda _: False)
    assert not found.members
    assert found.refusal == "each one takes too long for one row"


def test_a_training_that_nothing_improves_stays() -> None:
    found = best(noisy([0.01, 3.0, 3.0]), 3)
    assert found.refusal == "no mean of several trainings has a lower validation loss"


def test_scores_are_kept_and_a_lost_file_is_named(tmp_path: Path) -> None:
    rows = Rows({}, torch.arange(50_000).double())
    files = ScoreFiles(tmp_path / "scores", head("regression", rows.targets), rows)
    assert len(files.rows) == 16_667  # every third row
    scores, one = torch.randn(len(files.rows), 1), result(3, 0.5)
    files.save(one.training.name, scores)
    assert torch.equal(Library.of([one, result(4, math.inf)], files).scores, scores[None])

    path = tmp_path / "scores/3-9.npy"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ArtifactError, match=r"3-9.npy: missing or damaged .*Remove"):
        Library.of([one], files)


def test_the_same_settings_twice_are_one_training(tmp_path: Path) -> None:
    """Of a space with few choices; trained in another batch, its scores differ by rounding."""
    rows = Rows({}, torch.arange(40).double())
    files = ScoreFiles(tmp_path, head("regression", rows.targets), rows)
    narrow, wide = ({"model.width": width} for width in (4, 8))
    tried = [(0, 9, narrow), (1, 9, wide), (2, 9, dict(narrow)), (3, 27, narrow)]
    results = [
        Result(Training(trial, epochs, (), values), 0.5 + trial * 1e-8, 1)
        for trial, epochs, values in tried
    ]
    for one in results:
        files.save(one.training.name, torch.randn(40, 1))
    found = Library.of(results, files)
    assert [one.training.trial for one in found.results] == [0, 1, 3]
    assert found.scores.shape == (3, 40, 1)


@pytest.mark.parametrize(
    ("loss", "again", "trials", "of_config"),
    [
        (0.0, None, [*range(12)], 0),
        (99.0, None, [*range(1, 13), 0], 12),  # beside the twelve best
        (99.0, 13, [*range(1, 14)], 12),  # the same settings, with a lower loss
        (99.0, 5, [*range(1, 13)], 4),
        (math.inf, None, [*range(1, 13)], None),
    ],
)
def test_the_training_with_the_settings_of_the_config_is_there(
    tmp_path: Path, loss: float, again: int | None, trials: list[int], of_config: int | None
) -> None:
    rows = Rows({}, torch.arange(40).double())
    files = ScoreFiles(tmp_path, head("regression", rows.targets), rows)
    widths = [0 if trial == again else trial for trial in range(14)]
    results = [
        Result(Training(trial, 9, (), {"model.width": width}), trial or loss, 1)
        for trial, width in enumerate(widths)
    ]
    for one in results:
        files.save(one.training.name, torch.full((40, 1), float(one.training.trial)))
    found = Library.of(results, files)
    assert [one.training.trial for one in found.results] == trials
    assert found.scores[:, 0, 0].tolist() == trials
    assert found.of_config == of_config
