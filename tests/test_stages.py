"""From a table to a checked file, by the command line. Real processes, real signals."""

import gc
import json
import shutil
import signal
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
from forked import Run, onward

from onward.artifacts.publishing import MANIFEST, sha256
from onward.cli._stage import _imported
from onward.serving.predictor import Predictor
from onward.table.row_filter import RowFilter, row_hashes

CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: pay, kind: number}
  split: {type: random, validation: 0.2, test: 0.2}
  leaks: {accept: [age]}
  columns:
    age: {type: numerical, missing: [NA]}
    city: {type: categorical, missing: ["?"]}
    since: {type: datetime}
train:
  seed: 0
  network:
    embedder: {type: identity}
    model: {type: mlp, width: 8, depth: 1}
    head: {type: regression}
  learner: {max_epochs: 3}
export: {}
"""
ROWS = 500
STAGES = ("prepare", "train", "export")


def table() -> pl.DataFrame:
    draw = np.random.default_rng(0)
    age = draw.normal(40, 10, ROWS).round(1)
    return pl.DataFrame(
        {
            "age": [None if value < 25 else value for value in age],
            "city": draw.choice(["Köln", "Paris", "?"], ROWS),
            "since": [f"20{year:02}-05-03T10:00:00Z" for year in draw.integers(0, 24, ROWS)],
            "pay": 1000 * age + draw.normal(0, 1, ROWS),
        }
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "pay.yaml").write_text(CONFIG)
    table().write_csv(folder / "table.csv", null_value="NA")
    for stage in STAGES:
        done = onward(folder, stage, "pay.yaml")
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines()[-1].startswith(stage)
    return folder


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "project"))


def test_the_splits_have_all_rows_once_and_their_features(finished: Path) -> None:
    prepared = finished / "artifacts/pay/prepare"
    parts = [pl.read_parquet(prepared / f"{s}.parquet") for s in ("train", "validation", "test")]
    assert sorted(pl.concat(parts)["pay"]) == sorted(table()["pay"])
    for split, rows in zip(("train", "validation", "test"), parts, strict=True):
        assert len(np.load(prepared / f"{split}.numerical.npy")) == len(rows)
        np.testing.assert_array_equal(np.load(prepared / f"{split}.target.npy"), rows["pay"])


def test_the_data_report_counts_what_is_missing(finished: Path) -> None:
    report = json.loads((finished / "artifacts/pay/prepare/data.json").read_text())
    train = pl.read_parquet(finished / "artifacts/pay/prepare/train.parquet")
    missing = {column["name"]: column["missing"] for column in report["columns"]}
    assert missing["age"] == train["age"].null_count() / len(train) > 0
    assert missing["city"] == len(train.filter(city="?")) / len(train) > 0


def test_the_file_knows_itself_and_predicts_raw_rows(finished: Path) -> None:
    path = finished / "artifacts/pay/export/model.onnx"
    model = Predictor(path)
    got = model([{"age": 30.0, "city": "Köln", "since": "2020-01-01"}])
    assert set(got) == {"value", "lower", "upper"}
    notes = {note.key: note.value for note in onnx.load(path).metadata_props}
    assert len(json.loads(notes["replay"])["rows"]["age"]) == 100
    assert notes["task"] == "regression"
    assert set(json.loads(notes["hashes"])) == {"data", "config", "code"}
    assert set(json.loads(notes["reference"])["columns"]) == {"age", "city", "since"}
    assert str(finished) not in str(notes)


def test_strict_predicts_training_rows_with_rare_categories(project: Path) -> None:
    config = project / "pay.yaml"
    config.write_text(CONFIG.replace("type: categorical", "type: categorical, min_count: 10"))
    is_rare = pl.arange(pl.len()) % 100 == 0
    towns = pl.when(is_rare).then(pl.lit("Rome")).otherwise("city").alias("city")
    table().with_columns(towns).write_csv(project / "table.csv", null_value="NA")
    for stage in STAGES:
        assert onward(project, stage, "pay.yaml").returncode == 0
    rows = pl.read_parquet(project / "artifacts/pay/prepare/train.parquet")

    model = Predictor(project / "artifacts/pay/export/model.onnx", strict=True)

    assert len(model(rows)["value"]) == len(rows)
    [unusual] = model.check(rows)
    assert unusual.column == "city"
    assert unusual.kind == "rare or not seen in training"
    assert unusual.example == "Rome"


def test_the_file_recognises_the_rows_it_was_made_from(finished: Path) -> None:
    known = RowFilter.load(
        Predictor(finished / "artifacts/pay/export/model.onnx").metadata["training_rows"]
    )
    for split, share in {"train": 1, "validation": 1, "test": 0}.items():
        rows = pl.read_parquet(finished / f"artifacts/pay/prepare/{split}.parquet")
        assert known.knows(row_hashes(rows)).mean() == share


def test_a_file_that_hides_rows_does_not_tell_which_it_was_made_from(project: Path) -> None:
    config = project / "pay.yaml"
    config.write_text(config.read_text().replace("export: {}", "export: {replay: none}"))
    assert onward(project, "export", "pay.yaml").returncode == 0
    notes = Predictor(project / "artifacts/pay/export/model.onnx").metadata
    assert "training_rows" not in notes
    assert notes["replay"]["rows"]["age"] == [None]


def test_the_file_carries_what_a_monitor_needs(project: Path) -> None:
    done = onward(project, "evaluate", "pay.yaml")
    assert done.returncode == 0, done.stderr
    assert "Interval coverage (nominal 90 %)" in done.stderr
    path = project / "artifacts/pay/export/model.onnx"
    note = Predictor(path).metadata["monitor"]
    measured = json.loads((project / "artifacts/pay/evaluate/metrics.json").read_text())
    counts = pl.read_parquet(project / "artifacts/pay/prepare/train.parquet")

    for name, metric in note["metrics"].items():
        assert metric["value"] == pytest.approx(measured[name], rel=1e-4)
    for name in ("mae", "coverage"):
        assert note["quality"][name]["mean"] == pytest.approx(measured[name], rel=1e-4)
    assert note["metrics"]["mae"]["error"] > 0
    for name, column in note["columns"].items():
        assert sum(column["counts"]) == len(counts) == note["rows"]["train"]
        values = counts[name].cast(pl.String).fill_null("?")
        assert column["counts"][-1] == (values == "?").sum()
    assert sorted(note["columns"]["city"]["values"]) == ["Köln", "Paris"]
    assert all(column["importance"] != 0 for column in note["columns"].values())
    assert set(note["outputs"]) == {"value", "interval width"}
    signature = json.loads((path.parent / "signature.json").read_text())
    assert signature["id"] == sha256(path)[:12]
    row, prediction = signature["example"]["row"], signature["example"]["prediction"]
    assert Predictor(path)([row])["value"][0] == pytest.approx(prediction["value"])
    assert "Predicts 'pay'" in onnx.load(path).graph.doc_string


def test_the_same_again_is_the_same_to_the_bit(project: Path) -> None:
    before = (project / "artifacts/pay/export/model.onnx").read_bytes()
    shutil.rmtree(project / "artifacts")
    for stage in STAGES:
        assert onward(project, stage, "pay.yaml").returncode == 0
    assert (project / "artifacts/pay/export/model.onnx").read_bytes() == before


def with_other_features(folder: Path, split: str) -> None:
    """Change all features of the rows of a split, and no target."""
    held_out = pl.read_parquet(folder / f"artifacts/pay/prepare/{split}.parquet")["pay"]
    columns = {
        "age": pl.col("age").fill_null(0.0) * 100 + 7,
        "city": pl.col("city") + "!",
        "since": pl.col("since").str.replace("^20", "19"),
    }
    is_held_out = pl.col("pay").is_in(held_out.implode())
    other = [pl.when(is_held_out).then(e).otherwise(n).alias(n) for n, e in columns.items()]
    table().with_columns(other).write_csv(folder / "table.csv", null_value="NA")


def learned_part(path: Path) -> bytes:
    """The file without its notes on its test rows, the table's hash, and its own."""
    model = onnx.load(path)
    notes = {note.key: note.value for note in model.metadata_props}
    del model.metadata_props[:]
    hashes, reference = json.loads(notes.pop("hashes")), json.loads(notes.pop("reference"))
    del hashes["data"], notes["replay"], notes["sha256"]
    watched = json.loads(notes.pop("monitor"))["columns"]
    for column in watched.values():
        for of_test_rows in ("unseen", "losses"):
            column.pop(of_test_rows, None)
    kept = [sorted(notes.items()), hashes, reference["columns"], watched]
    return bytes(model.SerializeToString(deterministic=True)) + json.dumps(kept).encode()


def test_other_features_of_test_rows_leave_the_file_as_it_is(project: Path) -> None:
    path = project / "artifacts/pay/export/model.onnx"
    before, replayed = learned_part(path), path.read_bytes()
    with_other_features(project, "test")
    shutil.rmtree(project / "artifacts")

    for stage in STAGES:
        done = onward(project, stage, "pay.yaml")
        assert done.returncode == 0, done.stderr

    assert path.read_bytes() != replayed
    assert learned_part(path) == before


@pytest.mark.parametrize(("split", "is_learned"), [("validation", False), ("train", True)])
def test_preprocessing_learns_from_training_rows_alone(
    project: Path, split: str, is_learned: bool
) -> None:
    path = project / "artifacts/pay/prepare/preprocess.onnx"
    before = path.read_bytes()
    with_other_features(project, split)
    done = onward(project, "prepare", "pay.yaml")
    assert done.returncode == 0, done.stderr
    assert (path.read_bytes() != before) == is_learned


def change(folder: Path, old: str, new: str) -> None:
    path = folder / "pay.yaml"
    path.write_text(path.read_text().replace(old, new))


def rewrite(folder: Path, name: str) -> None:
    """Have the manifests of prepare and train agree with what a file of prepare now is."""
    notes = json.loads((folder / MANIFEST).read_text())
    notes["files"][name] = sha256(folder / name)
    (folder / MANIFEST).write_text(json.dumps(notes))
    train = folder.with_name("train") / MANIFEST
    notes = json.loads(train.read_text())
    notes["inputs"]["prepare"] = sha256(folder / MANIFEST)
    train.write_text(json.dumps(notes))


def test_the_gate_names_the_column_whose_features_differ(project: Path) -> None:
    prepared = project / "artifacts/pay/prepare"
    features = np.load(prepared / "test.numerical.npy")
    features[7, 0] += 2  # as if `prepare` had scaled the age of this row in another way
    np.save(prepared / "test.numerical.npy", features)
    rewrite(prepared, "test.numerical.npy")
    shutil.rmtree(project / "artifacts/pay/export")

    done = onward(project, "export", "pay.yaml")

    assert done.returncode == 66
    assert "1 of 100 rows from row 0 of the test rows are predicted differently" in done.stderr
    assert "The worst is row 7" in done.stderr
    assert "column whose features differ is 'age'" in done.stderr
    assert not (project / "artifacts/pay/export").exists()


def test_a_damaged_input_is_refused(project: Path) -> None:
    network = project / "artifacts/pay/train/network.pt"
    network.write_bytes(network.read_bytes()[:-1])
    done = onward(project, "export", "pay.yaml")
    assert done.returncode == 66
    assert "network.pt: changed since it was written" in done.stderr


def test_a_stage_without_its_input_says_what_to_run(project: Path) -> None:
    shutil.rmtree(project / "artifacts")
    done = onward(project, "train", "pay.yaml")
    assert done.returncode == 66
    assert "Run `onward prepare`" in done.stderr


def test_garbage_is_collected_even_if_a_stage_cannot_be_imported() -> None:
    with pytest.raises(ModuleNotFoundError):
        _imported("no_stage")
    assert gc.isenabled()


def test_a_head_for_another_kind_of_target_is_refused(project: Path) -> None:
    change(project, "head: {type: regression}", "head: {type: binary}")
    done = onward(project, "train", "pay.yaml")
    assert done.returncode == 78
    assert "Choose regression" in done.stderr


def test_a_loss_that_is_no_number_ends_the_run(project: Path) -> None:
    prepared = project / "artifacts/pay/prepare"
    targets = np.load(prepared / "train.target.npy")
    targets[3] = np.nan
    np.save(prepared / "train.target.npy", targets)
    rewrite(prepared, "train.target.npy")
    done = onward(project, "train", "pay.yaml")
    assert done.returncode == 76
    assert "the loss of step 0 is nan" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_in_training_ends_with_its_code_and_leaves_the_last_run(
    project: Path, number: int, code: int
) -> None:
    change(project, "max_epochs: 3", "max_epochs: 100000, patience: 100000")
    before = (project / "artifacts/pay/train/network.pt").read_bytes()
    running = Run(project, "train", "pay.yaml")
    running.wait_for("epoch 2")
    assert onward(project, "train", "pay.yaml").returncode == 75

    running.send_signal(number)

    assert running.returncode == code
    assert (project / "artifacts/pay/train/network.pt").read_bytes() == before
    left = {path.name for path in (project / "artifacts/pay").iterdir()}
    assert left - {f".{stage}.lock" for stage in STAGES} == {*STAGES, ".train.checkpoints"}


def test_a_network_trained_on_other_rows_is_not_exported(project: Path) -> None:
    change(project, "prepare:", "prepare:\n  seed: 1")
    assert onward(project, "prepare", "pay.yaml").returncode == 0
    done = onward(project, "export", "pay.yaml")
    assert done.returncode == 66
    assert "made from another 'prepare'" in done.stderr
    assert "Run `onward train` again" in done.stderr


def test_a_learning_rate_out_of_this_world_is_no_bug(project: Path) -> None:
    change(project, "max_epochs: 3", "max_epochs: 3, learning_rate: 1.0e+30")
    done = onward(project, "train", "pay.yaml")
    assert done.returncode == 76
    assert "Lower train.learner.learning_rate" in done.stderr


def test_a_file_may_keep_few_members_of_an_ensemble(project: Path) -> None:
    change(project, "model: {type: mlp, width: 8, depth: 1}", "model: {type: tabm, k: 4, width: 8}")
    change(project, "export: {}", "export: {k: 2}")
    assert onward(project, "train", "pay.yaml").returncode == 0

    done = onward(project, "export", "pay.yaml")

    assert done.returncode == 0, done.stderr
    assert "2 of 4 members kept; validation loss" in done.stderr
    notes = onnx.load(project / "artifacts/pay/export/model.onnx").metadata_props
    metrics = json.loads(next(note.value for note in notes if note.key == "metrics"))
    assert metrics["reduction"]["trained"] == 4
    assert metrics["reduction"]["loss_of_all"] == pytest.approx(
        metrics["validation/loss"], rel=1e-4
    )


def test_more_members_than_there_are_cannot_be_kept(project: Path) -> None:
    change(project, "export: {}", "export: {k: 2}")
    done = onward(project, "export", "pay.yaml")
    assert done.returncode == 78
    assert "the model has 1. Choose at most 1" in done.stderr
