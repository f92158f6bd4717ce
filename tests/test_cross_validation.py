"""Models from other rows: what is said of them, and that making them survives what may happen."""

import html
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil
import pytest
from finished_stages import finish
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from onward.artifacts.publishing import MANIFEST
from onward.errors import ConfigError
from onward.evaluation.baselines import predict_function, targets_of
from onward.evaluation.bootstrap import estimates
from onward.evaluation.cross_validation import cross_validation, folds, interval
from onward.evaluation.learning_curve import gain, learning_curve, parts
from onward.evaluation.retraining import RETRAINED_FOLDER, HeldOutPredictions, RetrainedModels, save
from onward.schema import Target
from onward.serving.predictor import Predictor
from onward.settings.config import section, write
from onward.settings.family import Settings as Base
from onward.stages import evaluate, report
from onward.table.splits import Part
from onward.tasks.binary import Binary

BINARY = Binary.metrics
LONGEST = 60  # seconds that a stage takes to end when its parent has
CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: pay, kind: classes, classes: ["no", "yes"]}
  split: {type: stratified}
  columns: {age: {type: numerical}, city: {type: categorical}}
train:
  seed: 0
  network: {embedder: {type: identity}, model: {type: mlp, width: 8, depth: 1}}
  learner: {max_epochs: 4}
export: {}
evaluate: {cross_validation: 2, learning_curve: [0.5, 1.0], at_once: 2}
report: {}
"""


class Two(Base):
    text: str
    number: float


def predicted(rows: int, seed: int, noise: float) -> HeldOutPredictions:
    """Made up, the better the less noise there is."""
    random = np.random.default_rng(seed)
    target = random.integers(2, size=rows)
    chance = 1 / (1 + np.exp(-(2 * target - 1 + random.normal(0, noise, rows))))
    probabilities = np.stack([1 - chance, chance], 1)
    label = (chance > 0.5).astype(np.int64)
    return HeldOutPredictions(
        4 * rows, rows, target, {"probabilities": probabilities, "label": label}
    )


def kept(folder: Path, outcomes: dict[str, HeldOutPredictions]) -> RetrainedModels:
    """As if these had been finished when an evaluation was killed."""
    reruns = RetrainedModels(folder, BINARY["auc"], 1)
    reruns.folder.mkdir(parents=True)
    for name, outcome in outcomes.items():
        save(outcome, reruns.folder / f"{name.replace(' ', '-')}.npz")
    return reruns


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    finish(folder, "binary", classes=("no", "yes"))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "c"))


def outcomes_of(folder: Path) -> dict[str, HeldOutPredictions]:
    """Three folds, and two shares whose test rows are those of the published model."""
    made = {name: predicted(50, place, 1.0) for place, name in enumerate(folds(3))}
    predictor = Predictor(folder / "export" / "model.onnx")
    test = pl.read_parquet(folder / "prepare" / "test.parquet")
    task = Binary(predictor.schema.target)
    target, whole = targets_of(task, test), predict_function(predictor, task)(test)
    worse = {**whole, "probabilities": 0.5 + 0 * whole["probabilities"]}
    for rows, name in zip((12, 60), parts([0.1, 0.5]), strict=True):
        made[name] = HeldOutPredictions(rows, 40, target, worse)
    return made


def evaluated(folder: Path) -> dict[str, Any]:
    kept(folder, outcomes_of(folder))
    evaluate.run(evaluate.Settings(cross_validation=3, learning_curve=(0.5, 1.0, 0.1)), folder)
    return {
        path.stem: json.loads(path.read_text()) for path in (folder / "evaluate").glob("*.json")
    }


@given(st.integers(2, 10), st.floats(0.05, 1))
def test_the_interval_is_that_of_nadeau_and_bengio(count: int, ratio: float) -> None:
    values = np.random.default_rng(count).normal(0.8, 0.05, count)
    error = np.sqrt((1 / count + ratio) * values.var(ddof=1))
    want = stats.t.interval(0.95, count - 1, values.mean(), error)
    np.testing.assert_allclose(interval(values, ratio), want)
    naive = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))
    assert np.ptp(interval(values, ratio)) > np.ptp(naive)


def test_the_corrected_interval_covers_where_that_of_the_spread_alone_does_not() -> None:
    """Folds share an error as large as the correction assumes: rho = tested / all rows."""
    random, count, ratio = np.random.default_rng(0), 5, 0.25
    rho = ratio / (1 + ratio)
    values = np.sqrt(rho) * random.normal(size=(4_000, 1)) + np.sqrt(1 - rho) * random.normal(
        size=(4_000, count)
    )
    covered = {
        how: np.mean([lower < 0 < upper for lower, upper in (interval(v, r) for v in values)])
        for how, r in (("corrected", ratio), ("naive", 0.0))
    }
    assert covered["corrected"] == pytest.approx(0.95, abs=0.01)
    assert covered["naive"] < 0.87


def test_each_fold_and_all_together_are_measured_as_test_rows_are(folder: Path) -> None:
    made = outcomes_of(folder)
    found = cross_validation(kept(folder, made), 3, BINARY)
    several = [made[name] for name in folds(3)]
    for name, metric in BINARY.items():
        values = [metric(fold.target, fold.predictions) for fold in several]
        assert [f["metrics"][name] for f in found["folds"]] == pytest.approx(values, rel=1e-5)
        summary = found["metrics"][name]
        assert summary["mean"] == pytest.approx(np.mean(values), rel=1e-5)
        assert metric.least <= summary["lower"] < summary["mean"] < summary["upper"] <= metric.most
    together = np.concatenate([fold.target for fold in several])
    labels = np.concatenate([fold.predictions["label"] for fold in several])
    assert found["metrics"]["accuracy"]["pooled"] == pytest.approx(
        (together == labels).mean(), rel=1e-5
    )


def test_a_metric_that_a_fold_does_not_define_is_the_mean_of_the_others(folder: Path) -> None:
    made = outcomes_of(folder)
    one = made["fold 1 of 3"]
    made["fold 1 of 3"] = HeldOutPredictions(9, 9, np.zeros(50, np.int64), one.predictions)
    auc = cross_validation(kept(folder, made), 3, BINARY)
    values = [fold["metrics"]["auc"] for fold in auc["folds"]]
    assert values[0] is None
    assert auc["metrics"]["auc"]["mean"] == pytest.approx(np.mean(values[1:]))


def test_a_gain_is_known_better_than_either_value() -> None:
    old, new = predicted(300, 0, 1.2), predicted(300, 0, 1.0)
    found = gain(BINARY["auc"], old, new, 0)
    alone = estimates({"auc": BINARY["auc"]}, new.target, new.predictions, 0)["auc"]
    assert found.lower > 0
    assert found.upper - found.lower < (alone.upper - alone.lower) / 2
    loss = gain(BINARY["log_loss"], old, new, 0)
    assert loss.value > 0  # of less loss, too


@pytest.mark.parametrize(
    ("smaller", "said"),
    [(2.0, "would probably help"), (1.0, "No significant gain"), (0.2, "are unlikely to help")],
)
def test_the_verdict_is_that_of_the_gain(folder: Path, smaller: float, said: str) -> None:
    reruns = kept(folder, {"0.5 of the training rows": predicted(400, 3, smaller)})
    found = learning_curve(
        reruns, [0.5, 1.0], Binary(Target("y", "classes", ("a", "b"))), predicted(400, 3, 1.0), 0
    )
    assert said in found["verdict"]
    assert [point["share"] for point in found["points"]] == [0.5, 1.0]


def test_what_is_found_is_in_all_files_and_on_the_page(folder: Path) -> None:
    found = evaluated(folder)
    metrics = found["metrics"]
    assert metrics["cross_validation"]["auc"] == pytest.approx(
        found["cross_validation"]["metrics"]["auc"]["mean"]
    )
    assert metrics["learning_curve"] == {
        "0.1": 0.5, "0.5": 0.5, "1": found["comparison"]["model"]["auc"]["value"]
    }  # fmt: skip
    plots = folder / "evaluate" / "plots"
    assert pl.read_csv(plots / "cross_validation.csv")["fold"].to_list() == [1, 2, 3]
    assert pl.read_csv(plots / "learning_curve.csv")["rows"].to_list() == [12, 60, 120]
    assert not (folder / RETRAINED_FOLDER).exists()
    report.run(report.Settings(), folder)
    page = (folder / "report" / "report.html").read_text()
    verdict = html.escape(found["learning_curve"]["verdict"])
    for words in ("Cross-validation", "Learning curve", verdict, "AUC of each"):
        assert words in page


def test_who_asks_for_none_gets_no_section_and_no_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(folder, {"fold 1 of 2": predicted(9, 0, 1)})
    monkeypatch.setattr("sys.executable", "/nowhere")
    evaluate.run(evaluate.Settings(), folder)
    assert not (folder / RETRAINED_FOLDER).exists()
    assert (folder / "evaluate" / "cross_validation.json").read_text() == "{}\n"
    assert len(pl.read_csv(folder / "evaluate" / "plots" / "learning_curve.csv")) == 0
    report.run(report.Settings(), folder)
    page = (folder / "report" / "report.html").read_text()
    assert "Cross-validation" not in page
    assert "Learning curve" not in page


def test_an_error_names_the_fold_the_stage_and_its_log(folder: Path) -> None:
    notes = {"prepare": {"settings": {"seed": "x"}}, "train": {"given": {}}, "export": {}}
    for stage, note in notes.items():
        path = folder / stage / MANIFEST
        path.write_text(json.dumps(json.loads(path.read_text()) | {"settings": {}} | note))
    with pytest.raises(ConfigError) as error:
        RetrainedModels(folder, BINARY["auc"], 2).run(folds(2))
    said = str(error.value)
    assert re.match(r"evaluate: fold \d of 2: `onward prepare` failed with exit code 78: ", said)
    log = Path(said.rpartition("Log: ")[2])
    assert "prepare.source: required, but missing" in log.read_text()


def test_models_of_other_files_are_forgotten(folder: Path) -> None:
    old = kept(folder, {"fold 1 of 2": predicted(9, 0, 1)})
    (folder / "export" / MANIFEST).write_text("{}")
    new = kept(folder, {name: predicted(9, 0, 1) for name in folds(2)})
    assert old.folder != new.folder
    assert len(new.run(folds(2))) == 2
    assert not old.folder.exists()


def test_a_part_has_no_folds(folder: Path) -> None:
    path = folder / "prepare" / MANIFEST
    notes = json.loads(path.read_text())
    notes["settings"]["part"] = Part(training=0.5).model_dump()
    path.write_text(json.dumps(notes))
    (folder / "export" / MANIFEST).write_text(
        json.dumps(json.loads((folder / "export" / MANIFEST).read_text()) | {"inputs": {}})
    )
    with pytest.raises(ConfigError, match=r"Remove prepare\.part, or these settings"):
        evaluate.run(evaluate.Settings(cross_validation=2), folder)


@given(st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_a_config_that_is_written_is_read_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, text: str, number: float
) -> None:
    path = tmp_path_factory.getbasetemp() / "written.yaml"
    write(path, {"some": {"text": text, "number": number}})
    assert section(path, "some", Two) == Two(text=text, number=number)


def onward(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "onward", *arguments, "c.yaml"]
    return subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)


def running(folder: Path) -> list[int]:
    """The processes that work there."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has ended, or is another user's
            if process.cwd() == str(folder):
                found.append(process.pid)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_finished_before_a_kill_is_not_made_again(tmp_path: Path, sent: int) -> None:
    random = np.random.default_rng(0)
    age = random.normal(40, 10, 300).round(1)
    city, pay = (
        random.choice(["Ulm", "Bonn"], 300),
        np.where(age + random.normal(0, 9, 300) > 40, "yes", "no"),
    )
    pl.DataFrame({"age": age, "city": city, "pay": pay}).write_csv(tmp_path / "table.csv")
    (tmp_path / "c.yaml").write_text(CONFIG)
    for stage in ("prepare", "train", "export"):
        with onward(tmp_path, stage) as done:
            assert done.communicate() is not None
        assert done.returncode == 0

    with onward(tmp_path, "evaluate") as first:
        assert first.stderr is not None
        line = first.stderr.readline()
        first.send_signal(sent)
        assert first.wait() == (128 + sent if sent == signal.SIGTERM else -sent)
    assert not (tmp_path / "artifacts/c/evaluate").exists()
    started = time.monotonic()
    while running(tmp_path) and time.monotonic() - started < LONGEST:
        time.sleep(0.1)
    assert not running(tmp_path)

    with onward(tmp_path, "evaluate") as second:
        said = second.communicate()[1]
    assert second.returncode == 0, said
    assert said.count("(reused)") >= 1
    assert line.partition(" (")[0] in said
    assert said.count(": AUC ") == 3
