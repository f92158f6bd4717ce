"""A search ends with the same settings however often it is killed, and the config can have them."""

import json
import logging
import math
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from interrupted import KilledError, in_step, kill
from tiny_search import CONFIG, ONE_NETWORK, enter_copy, make, search, searched_copy
from torch.nn.modules.module import register_module_forward_hook
from typer.testing import CliRunner

from onward.__main__ import app
from onward.errors import ConfigError
from onward.network.embedders import Embedder
from onward.network.models import Model
from onward.settings.config import section
from onward.settings.read_yaml import read_yaml
from onward.settings.search_space import Interval, Range, share_of, value_at
from onward.stages import train
from onward.training.settings import Settings
from onward.tuning.documents import best_settings
from onward.tuning.ensemble import Counted, Ensemble
from onward.tuning.journal import Journal
from onward.tuning.on_folds import OnFolds
from onward.tuning.optuna_points import OptunaPoints
from onward.tuning.points import Points, SobolPoints
from onward.tuning.results import Result, Training
from onward.tuning.sampler import Sampler
from onward.tuning.search import Search, best_of
from onward.tuning.settings import Budget, SpaceSettings
from onward.tuning.space import Space


def base(**learner: Any) -> Settings:
    network = {
        "embedder": {"type": "identity"},
        "model": {"type": "mlp", "width": 128, "depth": 2},
        "head": {"type": "regression"},
    }
    learner = {"max_epochs": 27, **learner}
    return Settings.model_validate({"seed": 0, "network": network, "learner": learner})


KINDS = pytest.mark.parametrize("kind", [SobolPoints, OptunaPoints])


def sampler(kind: type[Points] = SobolPoints, seed: int = 0) -> Sampler:
    space = Space.of(SpaceSettings(), base(), has_numbers=True)
    return Sampler(kind(space, seed), 3)


def loss_of(training: Training) -> float:
    """Lower with more epochs, and near a rate of 2e-3 and a width of 256."""
    rate, width = (training.values[name] for name in ("learner.learning_rate", "model.width"))
    return math.log(rate / 2e-3) ** 2 + math.log(width / 256) ** 2 + 10 / training.epochs


def simulated(chosen: Sampler, trials: float, results: Sequence[Result] = ()) -> list[Result]:
    """A search whose losses follow from the settings."""
    found = list(results)
    while following := chosen.following(found, trials):
        found += [Result(training, loss_of(training), 1) for training in following]
    return found


def order(result: Result) -> tuple[int, int]:
    return (result.training.trial, result.training.epochs)


def test_the_best_third_of_a_bracket_trains_three_times_as_long() -> None:
    results = simulated(sampler(), 10)
    lengths = [result.training.epochs for result in results]
    assert lengths == [27, *[3] * 9, *[9] * 3, 27]
    short = sorted((r.loss, r.training.trial) for r in results if r.training.epochs == 3)
    longer = {r.training.trial for r in results if r.training.epochs == 9}
    assert longer == {trial for _, trial in short[:3]}
    assert results[0].training.values == sampler().space.base_values


@KINDS
def test_later_brackets_look_near_the_best_trials(kind: type[Points]) -> None:
    results = simulated(sampler(kind), 28)
    first, last = (
        [r.loss for r in results if r.training.epochs == 3 and r.training.trial in trials]
        for trials in (range(1, 10), range(19, 28))
    )
    assert np.median(last) < np.median(first)
    assert best_of(results).loss < results[0].loss


@KINDS
@drawn(data=st.data())
@settings(max_examples=6, deadline=None)
def test_a_search_that_was_cut_goes_on_as_if_it_was_not(
    kind: type[Points], data: st.DataObject
) -> None:
    whole = simulated(sampler(kind), 20)
    kept = data.draw(st.integers(0, len(whole)))
    shuffled = data.draw(st.permutations(whole[:kept]))
    rest = simulated(sampler(kind), 20, shuffled)[kept:]
    assert sorted(rest, key=order) == sorted(whole[kept:], key=order)


@pytest.mark.parametrize("trials", [2, 5, 10, 12])
def test_a_budget_that_was_raised_or_lowered_finds_what_one_asked_for_at_once_finds(
    trials: int,
) -> None:
    few, many = simulated(sampler(), trials), simulated(sampler(), 12)
    for given, wanted, budget in ((few, many, 12), (many, few, trials)):
        together = simulated(sampler(), budget, given)
        assert [*sampler().asked(together, budget)] == wanted


def test_a_longer_training_has_the_settings_of_the_short_one() -> None:
    """Also if another version of a library now draws other points."""
    [first] = sampler().following([], 10)
    done = [Result(first, 1.0, 1)]
    before = [Result(one, loss_of(one), 1) for one in sampler(seed=1).following(done, 10)]
    recorded = {one.training.trial: one.training.values for one in before}
    longer = sampler().following([*done, *before], 10)
    assert [one.values for one in longer] == [recorded[one.trial] for one in longer]


@KINDS
def test_another_seed_draws_other_trials(kind: type[Points]) -> None:
    assert simulated(sampler(kind, 1), 10) != simulated(sampler(kind, 2), 10)


@KINDS
def test_trials_of_a_block_have_one_shape(kind: type[Points]) -> None:
    space = sampler().space
    short = [r.training for r in simulated(sampler(kind), 28) if r.training.epochs == 3]
    for start in range(0, len(short), 3):
        block = short[start : start + 3]
        shapes = {tuple(training.point[axis] for axis in space.shape_axes) for training in block}
        assert len(shapes) == 1
        assert len({training.values["learner.learning_rate"] for training in block}) == 3


@drawn(
    st.sampled_from(
        [
            Interval(low=1e-4, high=1e-1, log=True),
            Interval(low=1e-4, high=1e-1, log=True, or_zero=True),
            Interval(low=0.0, high=0.5, or_zero=True),
            Interval(low=8, high=32, step=4),
            Interval(low=32, high=1024, log=True),
            Interval(low=1, high=1),
            Interval(low=0.9991, high=0.9999),  # rounded, all of these are outside
            Interval(low=0.0126789, high=0.0126791, log=True),
            Interval(low=0, high=0.00012345, or_zero=True),
            (64, 128, 256),
            ("a", "b"),
        ]
    ),
    st.floats(0, 1),
)
def test_a_share_of_a_range_is_a_value_in_it(choice: Range, share: float) -> None:
    value = value_at(choice, share)
    if isinstance(choice, Interval):
        assert value == 0 or choice.low <= value <= choice.high
        assert isinstance(value, int) == choice.is_whole
    else:
        assert value in choice
    again = value_at(choice, share_of(choice, value))
    assert again == (pytest.approx(value, rel=0.01) if isinstance(value, float) else value)


@pytest.mark.parametrize("family", [Model, Embedder])
def test_the_search_spaces_of_members_are_valid(family: Any) -> None:
    for member in family.members.values():
        for name, choice in member.search_space.items():
            for share in (0.0, 0.3, 0.7, 1.0):
                config = member.Config.model_validate({name: value_at(choice, share)})
                assert 0 <= share_of(choice, getattr(config, name)) <= 1


def plan_of(trials: int, **searched: Any) -> list[str]:
    space = Space.of(SpaceSettings(**searched), base(), has_numbers=True)
    trainer: Any = SimpleNamespace(limit=None)
    journal: Any = SimpleNamespace(results=[])
    chosen, budget = Sampler(SobolPoints(space, 0), 3), Budget(trials, math.inf)
    return [*Search(chosen, trainer, journal, budget).plan()]


@pytest.mark.parametrize(
    ("trials", "following"),
    [
        (2, "1 trial for 3 epochs, then for 9 epochs, then for 27 epochs"),
        (3, "2 trials: all for 3 epochs, the best for 9 epochs, the best for 27 epochs"),
        (10, "9 trials: all for 3 epochs, the best 3 for 9 epochs, the best for 27 epochs"),
        (
            15,
            "9 trials at a time, 5 at the end: all for 3 epochs, the best 3 for 9 epochs, the best"
            " for 27 epochs",
        ),
    ],
)
def test_the_plan_has_the_trials_of_the_budget(trials: int, following: str) -> None:
    first, second, *_ = plan_of(trials)
    assert first == f"tune: {trials} trials: first the settings of the config, for 27 epochs,"
    assert second == f"tune: then {following}"


def test_the_plan_tells_what_is_searched_from_what_has_one_value() -> None:
    one = {"low": 0.1, "high": 0.1}
    searched = {"model": {"width": (8, 16), "depth": (2, 2)}, "learner": {"weight_decay": one}}
    _, _, *lines = plan_of(28, embedder={}, **searched)
    assert lines == [
        "tune: searching model.width",
        "tune: one value in the space, and not searched: model.depth 2, learner.weight_decay 0.1",
    ]


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"model": {"widht": (1, 2)}}, "tune.space.model: there is no setting 'widht'.*'width'"),
        ({"model": {"width": (8, 0)}}, "tune.space.model.width: 0 is not valid"),
        ({"learner": {"max_epochs": (8,)}}, "no setting 'max_epochs' to search"),
        ({"learner": {"max_time": (8.0,)}}, "no setting 'max_time' to search"),
        ({"embedder": {}, "model": {}, "learner": {}}, "there is nothing to search"),
        (
            {"embedder": {}, "model": {"width": Interval(low=8, high=10, step=4)}, "learner": {}},
            "no range has two values",
        ),
    ],
)
def test_a_wrong_space_is_refused(space: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Space.of(SpaceSettings(**space), base(), has_numbers=True)


def test_a_journal_forgets_the_line_that_was_cut(tmp_path: Path) -> None:
    results = simulated(sampler(), 4)[:3]
    path, key = tmp_path / "journal.jsonl", {"data": "1"}
    first = Journal(path, key)
    first.add_results(results[:1], 2.0)
    first.add_results(results[1:], 4.0)  # a batch
    whole = path.read_bytes()
    for cut in range(len(whole.splitlines()[0]) + 1, len(whole), 23):
        path.write_bytes(whole[:cut])
        again = Journal(path, key)
        assert again.results in (results[:0], results[:1], results)
        assert again.seconds == 2.0 * len(again.results)
        again.add_results(results[:1], 2.0)
        assert Journal(path, key).results == again.results


def test_the_journal_of_another_search_starts_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "journal.jsonl"
    key = {"train.learner": "1", "tune.seed": "1", "data": "1"}
    Journal(path, key).add_results(simulated(sampler(), 2)[:1], 2.0)
    assert Journal(path, {**key, "tune.seed": "2", "data": "2"}).results == []
    assert "starting over: changed since the finished trials: tune.seed, data" in caplog.text
    assert Journal(path, {"config": "1"}).results == []
    assert caplog.messages[-1].endswith(": version of onward")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def tuned(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return searched_copy(prepared, tmp_path_factory)


@pytest.fixture
def project(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter_copy(prepared, tmp_path, monkeypatch)


def test_the_training_with_the_best_settings_is_that_trial(tuned: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tuned, tmp_path / "project"))
    config, out = folder / "c.yaml", folder / "artifacts/c"
    before = config.read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = CliRunner().invoke(app, ["tune", "c.yaml", "--write"])
        assert done.exit_code == 0, done.output
        given = section(config, "train", train.Settings)
        train.run(given.model_copy(update={"folds": 1}), out)

    found = json.loads((out / "tune/tuning.json").read_text())
    [best] = [
        training
        for training in found["trainings"]
        if (training["trial"], training["epochs"])
        == (found["best"]["trial"], found["best"]["epochs"])
    ]
    assert best["loss"] == min(training["loss"] for training in found["trainings"])
    assert best["loss"] < found["trainings"][0]["loss"]
    metrics = json.loads((out / "train/metrics.json").read_text())
    assert metrics["validation/loss"] == best["loss"]
    written = read_yaml(config)
    assert written["train"]["learner"]["learning_rate"] == best["values"]["learner.learning_rate"]
    assert written["train"]["learner"]["batch_size"] == 32
    assert {**written, "train": 0} == {**read_yaml(tuned / "c.yaml"), "train": 0}
    assert before.splitlines()[:10] == config.read_text().splitlines()[:10]  # with its comment


def test_the_best_settings_have_the_patience_of_the_trial() -> None:
    space = Space.of(SpaceSettings(), base(max_epochs=60, patience=20), has_numbers=True)
    values = {**space.base_values, "model.width": 64}
    best = Result(Training(1, 20, (), values), 0.1, 20)
    member = Counted(best, 2)
    found = best_settings(space, best, Ensemble([member]), OnFolds(refusal="train.folds is 1"))
    trained = space.settings(values, 20).learner
    assert trained.patience == 20  # that of the config, not of so few epochs
    for learner in (found["learner"], found["members"][0]["learner"]):
        assert {**trained.model_dump(), **learner} == trained.model_dump()
        assert learner["patience"] == 20


def test_the_same_again_trains_nothing_and_more_trials_continue(
    tuned: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(tuned, tmp_path / "project"))
    caplog.set_level(logging.INFO)
    text = (folder / "artifacts/c/tune/best.yaml").read_bytes()
    config = folder / "c.yaml"

    assert (search(folder) / "best.yaml").read_bytes() == text
    config.write_text(config.read_text().replace("trials: 5", "trials: 6"))
    more = json.loads((search(folder) / "tuning.json").read_text())["trainings"]

    assert {training["trial"] for training in more} == set(range(6))
    assert "finished before: 6 trainings" in caplog.text


def test_a_search_that_starts_over_names_the_sections_that_changed(
    tuned: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(tuned, tmp_path / "project"))
    config = folder / "c.yaml"
    text = config.read_text().replace("trials: 5", "minutes: 1.0e-9\n  seed: 1")
    config.write_text(text.replace("max_epochs: 9", "max_epochs: 1"))
    search(folder)
    [message] = [line for line in caplog.messages if "starting over" in line]
    assert message.endswith("since the finished trials: train.learner, tune.seed")


@pytest.mark.parametrize("step", [1, 100])
def test_a_kill_in_any_step_changes_nothing(tuned: Path, project: Path, step: int) -> None:
    with pytest.raises(KilledError), in_step(step, kill):
        search(project)
    found = search(project)
    for name in ("best.yaml", "tuning.json"):
        assert (found / name).read_bytes() == (tuned / "artifacts/c/tune" / name).read_bytes()


def test_a_module_that_cannot_train_as_a_batch_trains_alone(
    tuned: Path, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handle = register_module_forward_hook(lambda _, __, output: output.sum().item() and None)
    found = json.loads((search(project) / "tuning.json").read_text())["trainings"]
    handle.remove()
    assert "tune: trials train one by one: a module cannot train as a batch" in caplog.text
    known = json.loads((tuned / "artifacts/c/tune/tuning.json").read_text())["trainings"]
    for ours, theirs in zip(found, known, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-5)


def test_a_trial_whose_loss_is_not_finite_loses(project: Path) -> None:
    config = project / "c.yaml"
    rates = "  space:\n    learner: {learning_rate: [1.0e+30]}"
    text = config.read_text().replace("  space:", rates).replace("trials: 5", "trials: 3")
    config.write_text(text + ONE_NETWORK)
    found = search(project)
    losses = [t["loss"] for t in json.loads((found / "tuning.json").read_text())["trainings"]]
    assert losses[1:] == [None, None]
    assert "No trial of `onward tune` was better" in (found / "best.yaml").read_text()
    assert "to use the settings" not in CliRunner().invoke(app, ["tune", "c.yaml"]).output
    said = CliRunner().invoke(app, ["tune", "c.yaml", "--write"]).output
    assert "no change: the search confirmed no better settings" in said


def test_minutes_end_the_search(project: Path) -> None:
    config = project / "c.yaml"
    config.write_text(config.read_text().replace("trials: 5", "minutes: 1.0e-9"))
    trainings = json.loads((search(project) / "tuning.json").read_text())["trainings"]
    assert [training["trial"] for training in trainings] == [0]


def test_a_check_tries_the_search(project: Path) -> None:
    (project / "c.yaml").write_text(CONFIG.replace("width: [4, 8]", "width: [4, 0]"))
    done = CliRunner().invoke(app, ["check", "c.yaml"])
    assert done.exit_code == 78
    assert "tune.space.model.width: 0 is not valid" in done.output


@pytest.mark.slow
def test_whatever_kills_it_the_best_settings_have_the_same_bytes(
    tuned: Path, project: Path
) -> None:
    command = [sys.executable, "-m", "onward", "tune", "c.yaml"]
    draw = np.random.default_rng(0)
    kills = 0
    for number in [signal.SIGKILL, signal.SIGTERM] * 10:
        journal = project / "artifacts/c/.tune.checkpoints/journal.jsonl"
        before = journal.read_text().count("\n") if journal.exists() else 0
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None:  # on average a kill for each training
                time.sleep(draw.uniform(0, 0.05))
                lines = journal.read_text().count("\n") if journal.exists() else 0
                if lines > before or draw.random() < 0.02:
                    process.send_signal(number)
                    break
            kills += process.wait() != 0
    assert kills >= 5
    assert subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0
    for name in ("best.yaml", "tuning.json"):
        known = (tuned / "artifacts/c/tune" / name).read_bytes()
        assert (project / "artifacts/c/tune" / name).read_bytes() == known
