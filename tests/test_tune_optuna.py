"""Searches whose trials Optuna chooses."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tiny_search import CONFIG, make, search, space

from onward.errors import ExtraError
from onward.tuning.optuna_points import OptunaPoints
from onward.tuning.results import Result
from onward.tuning.sampler import Sampler
from onward.tuning.space import Values

JOURNAL = "artifacts/c/.tune.checkpoints/journal.jsonl"


def choose_optuna(folder: Path) -> None:
    (folder / "c.yaml").write_text(CONFIG.replace("tune:", "tune:\n  sampler: optuna"))


def test_a_search_that_lost_trainings_ends_with_the_same_bytes(tmp_path: Path) -> None:
    folder = make(tmp_path)
    choose_optuna(folder)
    best = search(folder) / "best.yaml"
    trainings = json.loads(best.with_name("tuning.json").read_text())["trainings"]
    assert {one["trial"] for one in trainings} == set(range(5))
    assert "learning_rate" in best.read_text()
    before, journal = best.read_bytes(), folder / JOURNAL
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:4]))
    assert search(folder).joinpath("best.yaml").read_bytes() == before


def test_shapes_that_are_not_feasible_are_asked_for_again() -> None:
    def is_feasible(values: Values) -> bool:
        return bool(values["model.width"] <= 128)

    sampler = Sampler(OptunaPoints(space(), 0, is_feasible), 3)
    done = [Result(sampler.following([], 10)[0], 1.0, 1)]
    assert max(one.values["model.width"] for one in sampler.following(done, 10)) <= 128


def test_the_first_bracket_learns_from_the_settings_of_the_config() -> None:
    points = OptunaPoints(space(), 0)
    [first] = Sampler(points, 3).following([], 10)
    elsewhere = replace(first, point=tuple(1 - share for share in first.point))
    here, there = (
        points.of_bracket([range(1, 10)], [Result(one, 1.0, 1)]) for one in (first, elsewhere)
    )
    assert here != there


def test_a_trial_that_failed_counts_as_worse_than_the_others() -> None:
    sampler, blocks = Sampler(OptunaPoints(space(), 0), 3), [range(10, 13)]
    done = [Result(sampler.following([], 10)[0], 1.0, 1)]
    short = sampler.following(done, 10)
    worse, failed = (
        sampler.points.of_bracket(blocks, [*done, *(Result(one, 2.0, 1, why) for one in short)])
        for why in ("", "out of memory")
    )
    assert failed == worse != sampler.points.of_bracket(blocks, done)


def test_without_optuna_a_finished_search_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make(tmp_path)
    search(folder)
    before = (folder / JOURNAL).read_bytes()
    choose_optuna(folder)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ExtraError, match=r"pip install 'onward\[optuna\]'`, or remove `sampler`"):
        search(folder)
    assert (folder / JOURNAL).read_bytes() == before
