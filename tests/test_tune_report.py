"""The report has a chapter on the search, with what mattered."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from finished_stages import finish
from tiny_search import space

from onward.artifacts.publishing import inputs_of, publishing
from onward.report import charts
from onward.stages import evaluate, report
from onward.tuning.comparison import Gain
from onward.tuning.documents import document
from onward.tuning.ensemble import Counted, Ensemble
from onward.tuning.importance import importance
from onward.tuning.on_folds import OnFolds
from onward.tuning.points import SobolPoints
from onward.tuning.results import Result, Training
from onward.tuning.sampler import Sampler
from onward.tuning.search import best_of
from onward.tuning.winner import Winner


def loss_of(training: Training) -> float:
    rate, width = (training.values[name] for name in ("learner.learning_rate", "model.width"))
    return 2 * math.log(rate / 2e-3) ** 2 + math.log(width / 256) ** 2 + 10 / training.epochs


def results(trials: int) -> list[Result]:
    found: list[Result] = []
    sampler = Sampler(SobolPoints(space(), 0), 3)
    while following := sampler.following(found, trials):
        for training in following:
            is_lost = training.trial == 4
            loss = math.inf if is_lost else loss_of(training)
            found.append(Result(training, loss, 1, "out of memory" if is_lost else ""))
    return found


def found(
    known: list[Result],
    ensemble: Ensemble,
    best: Winner | None = None,
    folds: OnFolds | None = None,
) -> dict[str, Any]:
    """A search whose best settings are taken over, unless a winner says otherwise."""
    winner = best or Winner(best_of(known), known[0])
    return document(space(), known, winner, ensemble, folds or OnFolds(refusal="train.folds is 1"))


def test_what_decides_the_loss_is_important() -> None:
    shares = importance(results(55), space().names)
    assert max(shares, key=lambda name: shares[name]) == "learner.learning_rate"
    assert shares["learner.learning_rate"] > 0.3
    assert sum(shares.values()) <= 1.05
    assert shares["model.dropout"] < 0.1
    assert importance(results(55), space().names) == shares


def test_a_few_trials_say_nothing_of_importance() -> None:
    assert importance(results(5), space().names) == {}
    assert importance([], space().names) == {}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished stages, after a search."""
    out = tmp_path_factory.mktemp("searched")
    finish(out, "regression")
    evaluate.run(evaluate.Settings(), out)
    publish(out, found(results(28), Ensemble(refusal="tune.members is 1")))
    return out


def publish(folder: Path, searched: dict[str, Any]) -> None:
    with publishing(folder / "tune", inputs=inputs_of(folder, "prepare")) as work:
        (work / "tuning.json").write_text(json.dumps(searched))


def page(folder: Path) -> str:
    report.run(report.Settings(), folder)
    return (folder / "report/report.html").read_text()


def test_the_page_shows_the_search(folder: Path) -> None:
    text = page(folder)
    assert 'id="tuning"' in text
    assert "onward tune ran 28 trials in 40 trainings" in text
    for words in ("Settings of all trials", "Importance of settings", "32 more", "out of memory"):
        assert words in text
    for name in space().names:
        assert name.partition(".")[2] in text


def test_the_page_shows_the_ensemble(folder: Path) -> None:
    known = results(28)
    members = [Counted(known[0], 3), Counted(known[-1], 1)]
    chosen = Ensemble(members, 500, 0.25, 0.3, Gain(0.04, 0.01, 0.07))
    refused = replace(chosen, refusal="the gain may be noise")

    publish(folder, found(known, chosen))
    text = page(folder)
    publish(folder, found(known, refused))
    other = page(folder)

    assert "<td>75.0 %</td>" in text
    assert "its gain is 0.0400, 95 % interval 0.0100 to 0.0700. best.yaml has the ensemble." in text
    assert "best.yaml has no ensemble: the gain may be noise." in other


def test_the_page_shows_the_folds(folder: Path) -> None:
    known, alone = results(3), Ensemble(refusal="networks of folds gain more")
    chosen = OnFolds(0.25, 0.3, Gain(0.05, 0.01, 0.09))
    publish(folder, found(known, alone, folds=chosen))
    assert "interval 0.0100 to 0.0900. best.yaml has the folds." in page(folder)
    publish(folder, found(known, alone, folds=replace(chosen, refusal="there is no gain")))
    assert "best.yaml has no folds: there is no gain." in page(folder)
    publish(folder, found(known, alone))
    assert "No folds: train.folds is 1." in page(folder)


def test_the_page_says_that_the_settings_of_the_config_stay(folder: Path) -> None:
    known = results(3)
    refused = Winner(best_of(known), known[0], Gain(-0.02, -0.05, 0.01), "nothing confirms it")
    publish(folder, found(known, Ensemble(refusal="tune.members is 1"), refused))
    text = page(folder)
    assert "its gain is \N{MINUS SIGN}0.0200, 95 % interval \N{MINUS SIGN}0.0500 to 0.0100." in text
    assert "best.yaml keeps the settings of the config: nothing confirms it." in text


def test_without_an_ensemble_the_page_says_why(folder: Path) -> None:
    publish(folder, found(results(3), Ensemble(refusal="tune.members is 1")))
    assert "No ensemble: tune.members is 1." in page(folder)


def test_settings_of_two_parts_with_the_same_name_are_two_in_the_charts() -> None:
    ranges = {"embedder.width": [4, 8], "model.width": [16, 32]}
    training = {"trial": 0, "point": [0.1, 0.9]}
    shares = charts.shares({"embedder.width": 0.3, "model.width": 0.6})
    for drawn in (charts.parallel(ranges, [training], training), shares):
        assert "embedder width" in drawn
        assert "model width" in drawn


def test_a_search_of_other_rows_is_not_shown(folder: Path) -> None:
    with publishing(folder / "tune", inputs={"prepare": "of others"}) as work:
        (work / "tuning.json").write_text("{}")
    assert 'id="tuning"' not in page(folder)


def test_a_search_of_few_trials_has_no_importance(folder: Path) -> None:
    publish(folder, found(results(3), Ensemble(refusal="tune.members is 1")))
    text = page(folder)
    assert "Settings of all trials" in text
    assert "Importance of settings" not in text
