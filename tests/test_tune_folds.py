"""The best settings on folds: tried after the search, and taken if better beyond noise."""

import json
import logging
import math
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from interrupted import KilledError, kill
from tiny_search import CONFIG, enter_copy, make, search, searched_copy, space

from onward.artifacts.prepared import Prepared
from onward.cli._best_settings import write_best_settings
from onward.errors import NotFiniteError
from onward.network.heads import Head
from onward.settings.config import section
from onward.settings.read_yaml import read_yaml
from onward.stages import train
from onward.training import effort, folds
from onward.training.batches import Rows
from onward.training.default_settings import Table, complete
from onward.training.folds import fit_folds
from onward.training.run import Trained, fit
from onward.training.settings import Settings
from onward.tuning import on_folds as on_folds_module
from onward.tuning import trainer, winner
from onward.tuning.comparison import Gain
from onward.tuning.ensemble import Ensemble
from onward.tuning.journal import Journal
from onward.tuning.on_folds import FOLDS, OnFolds, compare_on_folds, prefer, relative_time
from onward.tuning.results import Result, Training
from onward.tuning.search import Search
from onward.tuning.settings import Budget

RESULTS = ("best.yaml", "tuning.json")
REFUSED = Ensemble(refusal="each one takes too long for one row")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def tuned(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return searched_copy(prepared, tmp_path_factory)


@pytest.fixture
def project(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return enter_copy(prepared, tmp_path, monkeypatch)


@pytest.fixture
def again(tuned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose search is finished."""
    return enter_copy(tuned, tmp_path, monkeypatch)


def found(folder: Path) -> dict[str, Any]:
    """What the search has written about folds."""
    document = json.loads((folder / "artifacts/c/tune/tuning.json").read_text())
    about: dict[str, Any] = document["folds"]
    return about


def test_folds_that_gain_are_written_into_the_config(again: Path) -> None:
    about = found(again)
    assert (about["refusal"], about["folds"]) == ("", FOLDS)
    assert about["loss"] == pytest.approx(about["single"] - about["gain"]["value"])
    best, config = again / "artifacts/c/tune/best.yaml", again / "c.yaml"
    assert "5 networks with the settings of trial" in " ".join(best.read_text().split())
    said = write_best_settings(best, config)
    assert "folds: 5 networks are trained, and averaged in one file" in said
    assert section(config, "train", train.Settings).folds == FOLDS


TABM = CONFIG.replace("type: mlp, width: 4, depth: 1, dropout: 0.0", "type: tabm, width: 4")
NO_MODEL = TABM.replace("{width: [4, 8], dropout: {low: 0.0, high: 0.4, or_zero: true}}", "{}")


@pytest.mark.parametrize("is_refused", [False, True])
@pytest.mark.parametrize("config", [pytest.param(CONFIG, marks=pytest.mark.slow), TABM, NO_MODEL])
def test_what_is_compared_is_what_the_config_then_trains(
    project: Path, monkeypatch: pytest.MonkeyPatch, config: str, is_refused: bool
) -> None:
    """Also if the default of a setting differs with folds, and the best trial is refused."""
    asked: list[Settings] = []

    def note(settings: Settings, *others: Any) -> Trained:
        asked.append(settings)
        return fit_folds(settings, *others)

    monkeypatch.setattr(trainer, "fit_folds", note)
    monkeypatch.setattr(on_folds_module, "_refusal", lambda *_: "")
    monkeypatch.setattr(effort, "ENOUGH_ROWS", 100)
    if is_refused:
        monkeypatch.setattr(winner, "gain", lambda *_: Gain(-0.01, -0.03, 0.01))
    path = project / "c.yaml"
    path.write_text(config.replace("trials: 5", "trials: 4"))

    write_best_settings(search(project) / "best.yaml", path)

    given = section(path, "train", train.Settings)
    assert (given.learner.learning_rate == 1e-4) == is_refused
    table = Table.of(Prepared(project / "artifacts/c/prepare"))
    assert asked == [complete(given, table)]
    if config != CONFIG:  # and without folds it is the trial
        alone = given.model_copy(update={"folds": 1})
        models = [complete(one, table).network.model for one in (alone, given)]
        assert [model.model_dump()["k"] for model in models] == [8, 4]


def test_a_finished_search_trains_no_folds_again(
    again: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (again / "artifacts/c/tune/tuning.json").read_bytes()
    monkeypatch.setattr(trainer, "fit_folds", kill)
    search(again)
    assert (again / "artifacts/c/tune/tuning.json").read_bytes() == before


@pytest.mark.parametrize("whole", [pytest.param(0, marks=pytest.mark.slow), 3])
def test_a_kill_in_any_fold_changes_nothing(
    tuned: Path, project: Path, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    """After so many folds."""
    finished = 0

    def train_some(*arguments: Any) -> Trained:
        nonlocal finished
        if finished == whole:
            raise KilledError
        finished += 1
        return fit(*arguments)

    monkeypatch.setattr(folds, "fit", train_some)
    with pytest.raises(KilledError):
        search(project)
    lines = (project / "artifacts/c/.tune.checkpoints/journal.jsonl").read_text()
    assert '"trial": 4' in lines
    assert '"folds"' not in lines

    monkeypatch.undo()
    monkeypatch.chdir(project)
    search(project)

    for name in RESULTS:
        path = Path("artifacts/c/tune", name)
        assert (project / path).read_bytes() == (tuned / path).read_bytes()


def test_a_training_that_fails_leaves_the_single_network(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Trained:
        raise NotFiniteError("learner")

    monkeypatch.setattr(trainer, "fit_folds", fail)
    search(project)
    assert found(project) == {"refusal": "a training failed: the loss is not finite"}
    assert "folds" not in read_yaml(project / "artifacts/c/tune/best.yaml")["train"]


@pytest.mark.parametrize(
    ("before", "after", "refusal"),
    [
        ("trials: 5", "trials: 2\n  members: 4", "tune.members is 4"),
        ("\ntrain:", "\ntrain:\n  folds: 1", "train.folds is 1"),
        ("\ntrain:", "\ntrain:\n  folds: 3", "train.folds is 3"),
        ("\ntrain:", "\ntrain:\n  effort: best", "the config has train.effort: best"),
        ("\ntrain:", "\ntrain:\n  refit: test", "the config has train.refit"),
    ],
)
def test_a_config_that_rules_folds_out_has_none(
    project: Path, caplog: pytest.LogCaptureFixture, before: str, after: str, refusal: str
) -> None:
    caplog.set_level(logging.INFO)
    config = CONFIG.replace("trials: 5", "trials: 2") if before != "trials: 5" else CONFIG
    (project / "c.yaml").write_text(config.replace(before, after))
    search(project)
    assert found(project) == {"refusal": refusal}
    assert f"tune: No folds: {refusal}." in caplog.text
    assert "on 5 folds" not in caplog.text


def test_few_rows_have_no_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, CONFIG.replace("validation: 0.3, test: 0.2", "validation: 0.5, test: 0.46"))
    monkeypatch.chdir(tmp_path)
    search(tmp_path)
    assert found(tmp_path) == {"refusal": "there are 16 training rows"}


def test_rows_of_groups_have_no_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split = "{type: group, name: a, validation: 0.3, test: 0.2}"
    make(tmp_path, CONFIG.replace("{type: random, validation: 0.3, test: 0.2}", split))
    monkeypatch.chdir(tmp_path)
    search(tmp_path)
    assert found(tmp_path) == {"refusal": "folds are drawn row by row, and the split is 'group'"}


class Known:
    """A trainer whose networks predict a number with these errors."""

    def __init__(self, errors: torch.Tensor) -> None:
        targets = torch.linspace(-1.7, 1.7, errors.shape[1], dtype=torch.float64)
        head = Head.build(Head.members["regression"].Config.model_validate({}), 0)
        head.fit(targets)
        truth = ((targets - targets.mean()) / targets.std(correction=0)).float()
        self.predicted = (truth + errors)[..., None]
        self.trained: list[Settings] = []
        self.scores = SimpleNamespace(head=head, rows=Rows({}, targets), load=self.load)

    def load(self, name: str) -> torch.Tensor:
        return self.predicted[int(name.rpartition("-")[2])]

    def train_on_folds(self, settings: Settings, name: str) -> str:
        self.trained.append(settings)
        return ""


@pytest.mark.parametrize(
    ("own", "refusal"),
    [
        (0.5, ""),
        (0.0, "the gain may be noise"),
        (0.1, "a gain of 0.7 % is not worth 5 networks"),
    ],
)
def test_the_mean_of_networks_with_errors_of_their_own_is_better(
    tmp_path: Path, own: float, refusal: str
) -> None:
    draw = torch.Generator().manual_seed(0)
    errors = torch.randn(1000, generator=draw) + own * torch.randn(FOLDS, 1000, generator=draw)
    settings, known = space().base.model_copy(update={"folds": FOLDS}), Known(errors)
    trainer: Any = known
    about = compare_on_folds(settings, trainer, Journal(tmp_path / "journal.jsonl", {}))
    assert about.refusal == refusal
    assert about.single == pytest.approx(float(errors.square().mean()), rel=1e-4)
    assert about.loss == pytest.approx(float(errors.mean(0).square().mean()), rel=1e-4)
    assert about.gain is not None
    assert about.gain.value == pytest.approx(about.single - about.loss, abs=1e-6)


def test_other_settings_are_trained_again_and_the_same_are_not(tmp_path: Path) -> None:
    known, journal = Known(torch.zeros(FOLDS, 100)), Journal(tmp_path / "journal.jsonl", {})
    trainer_: Any = known
    settings = [space().base.model_copy(update={"folds": FOLDS, "seed": n}) for n in (0, 1, 0)]
    for one in settings:
        compare_on_folds(one, trainer_, journal)
    assert known.trained == settings[:2]


def test_a_loss_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    errors = torch.zeros(FOLDS, 100)
    errors[0, 0] = math.inf
    trainer_: Any = Known(errors)
    settings = space().base.model_copy(update={"folds": FOLDS})
    about = compare_on_folds(settings, trainer_, Journal(tmp_path / "journal.jsonl", {}))
    assert (about.refusal, about.gain) == ("a loss is not finite", None)


GAIN = Gain(0.02, 0.01, 0.03)


@pytest.mark.parametrize(
    ("ensemble", "several", "chosen"),
    [
        (Ensemble(gain=GAIN), OnFolds(gain=replace(GAIN, value=0.015)), "ensemble"),
        (Ensemble(gain=GAIN), OnFolds(gain=replace(GAIN, value=0.025)), "folds"),
        (Ensemble(gain=GAIN), OnFolds(gain=GAIN, refusal="there is no gain"), "ensemble"),
        (REFUSED, OnFolds(gain=GAIN), "folds"),
        (REFUSED, OnFolds(refusal="train.folds is 1"), ""),
    ],
)
def test_the_larger_gain_is_preferred(ensemble: Ensemble, several: OnFolds, chosen: str) -> None:
    left = prefer(ensemble, several)
    refusals = {"ensemble": left[0].refusal, "folds": left[1].refusal}
    assert [name for name, one in refusals.items() if not one] == ([chosen] if chosen else [])


class Sampled:
    """A sampler that always asks for one more batch."""

    bracket = 9

    def __init__(self, batch: int) -> None:
        self.batch = batch

    def following(self, results: list[Result], trials: float) -> list[Training]:
        batch = self.batch if results else 1
        return [Training(len(results) + one, 9, (), {}) for one in range(batch)]

    def asked(self, results: list[Result], trials: float) -> list[Result]:
        return results


class Trainings:
    """Trainings; the first has the lowest loss."""

    limit = None

    def groups(self, trainings: list[Training]) -> list[list[Training]]:
        return [trainings]

    def train(self, group: list[Training]) -> list[Result]:
        return [Result(one, 1.0 + one.trial, 9) for one in group]


def new_search(folder: Path, batch: int = 1) -> Search:
    """With a budget of 100 seconds, and folds that take as long as five trainings."""
    sampler: Any = Sampled(batch)
    trainer_: Any = Trainings()
    journal = Journal(folder / "journal.jsonl", {})
    return Search(sampler, trainer_, journal, Budget(math.inf, 100.0), float(FOLDS))


@pytest.mark.parametrize(
    ("seconds", "batch", "trainings", "affords"),
    [(5.0, 1, 15, True), (10.0, 1, 5, True), (10.1, 1, 10, False), (2.0, 2, 40, True)],
)
def test_the_search_leaves_time_for_the_folds(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    batch: int,
    trainings: int,
    affords: bool,
) -> None:
    """Of 100 seconds, if folds take at most half of them; a batch shares its time."""
    one = new_search(tmp_path, batch)
    journal = one.journal
    add = journal.add_results
    monkeypatch.setattr(journal, "add_results", lambda results, _: add(results, batch * seconds))
    monkeypatch.setattr(Search, "_log", lambda *_: None)
    one.run()
    assert len(journal.results) == pytest.approx(trainings, abs=batch - 1)
    assert one.affords_folds(journal.results[0]) == affords


def test_a_training_of_a_batch_would_take_longer_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", {})
    results = [Result(Training(trial, 9, (), {}), 1.0, 9) for trial in range(3)]
    journal.add_results(results[:1], 6.0)
    journal.add_results(results[1:], 8.0)
    for one in (journal, Journal(tmp_path / "journal.jsonl", {})):
        assert one.seconds == 14.0
        assert one.seconds_alone == {"0-9": 6.0, "1-9": 12.0, "2-9": 12.0}


def test_smaller_networks_take_less_time() -> None:
    alone = space()
    assert relative_time(alone) == FOLDS
    assert relative_time(replace(alone, automatic=frozenset({"k"}))) == pytest.approx(FOLDS * 2 / 3)


@pytest.mark.parametrize(("used", "affords"), [(64.0, True), (66.0, False)])
def test_folds_may_end_a_tenth_late(tmp_path: Path, used: float, affords: bool) -> None:
    one = new_search(tmp_path)
    journal = one.journal
    result = Result(Training(0, 9, (), {}), 1.0, 9)
    journal.add_results([result], 9.0)
    journal.add_lost(used - 9.0)
    assert one.affords_folds(result) == affords
    assert (one._kept > 0) == affords


def test_slow_settings_of_the_config_leave_time_for_the_best(tmp_path: Path) -> None:
    one = new_search(tmp_path)
    journal = one.journal
    slow, fast = (Result(Training(trial, 9, (), {}), 2.0 - trial, 9) for trial in range(2))
    journal.add_results([slow], 10.1)
    journal.add_results([fast], 4.0)
    assert one._kept == FOLDS * 4.0


def test_folds_that_are_trained_count_whatever_the_time(
    again: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = found(again)
    monkeypatch.setattr(Search, "affords_folds", lambda *_: False)
    search(again)
    assert found(again) == before


def test_a_search_without_a_network_has_no_folds(project: Path) -> None:
    rates = "learning_rate: 1.0e+30  # much too high"
    text = CONFIG.replace("learning_rate: 1.0e-4  # much too low", rates)
    empty = "  space:\n    learner: {}\n    embedder: {}"
    text = text.replace("trials: 5", "trials: 2").replace("  space:", empty)
    (project / "c.yaml").write_text(text)
    search(project)
    assert found(project) == {"refusal": "no training succeeded"}


def test_folds_of_slower_settings_than_the_best_are_not_started_late(tmp_path: Path) -> None:
    """Those of the config, which stay although another training has the lowest loss."""
    one = new_search(tmp_path)
    journal = one.journal
    slow, fast = (Result(Training(trial, 9, (), {}), 2.0 - trial, 9) for trial in range(2))
    journal.add_results([slow], 9.0)
    journal.add_results([fast], 1.0)
    assert one._kept == FOLDS * 9.0
    journal.add_lost(60.0)
    assert one.affords_folds(fast)
    assert not one.affords_folds(slow)


def test_a_budget_without_time_for_folds_says_so(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (project / "c.yaml").write_text(CONFIG.replace("trials: 5", "minutes: 1.0e-9"))
    search(project)
    assert found(project)["refusal"].endswith("too long for tune.minutes: raise it")
    assert "with 0.0 minutes for the folds" not in caplog.text


def test_the_estimate_has_the_folds(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    search(project)
    words = r"about \d.\d minutes for 5 trials, with \d.\d minutes for the folds"
    assert re.search(words, caplog.text)
