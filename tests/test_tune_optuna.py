"""Searches whose trials Optuna chooses."""

import json
import sys
from pathlib import Path

import pytest
from tiny_search import CONFIG, make, search, space

from onward.errors import ExtraError
from onward.tuning.optuna_points import OptunaPoints
from onward.tuning.results import Result
from onward.tuning.sampler import Sampler
from onward.tuning.space import Values


def test_a_search_runs_to_its_end_and_again_with_the_same_result(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "c.yaml").write_text(CONFIG.replace("tune:", "tune:\n  sampler: optuna"))
    best = search(folder) / "best.yaml"
    trainings = json.loads(best.with_name("tuning.json").read_text())["trainings"]
    assert {one["trial"] for one in trainings} == set(range(5))
    assert "learning_rate" in best.read_text()
    before = best.read_bytes()
    assert search(folder).joinpath("best.yaml").read_bytes() == before


def test_shapes_that_are_not_feasible_are_asked_for_again() -> None:
    def is_feasible(values: Values) -> bool:
        return bool(values["model.width"] <= 128)

    sampler = Sampler(OptunaPoints(space(), 0, is_feasible), 3)
    done = [Result(sampler.following([], 10)[0], 1.0, 1)]
    assert max(one.values["model.width"] for one in sampler.following(done, 10)) <= 128


def test_without_optuna_nothing_is_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ExtraError, match=r"pip install 'onward\[optuna\]'`, or remove `sampler`"):
        OptunaPoints(space(), 0)
