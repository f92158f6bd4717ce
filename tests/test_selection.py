"""Columns of noise are dropped, others stay, and nothing of the dropped ones is in the file."""

import json
import logging
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from interrupted import in_step
from two_blocks import features

from onward.artifacts.prepared import Prepared
from onward.artifacts.process import signals_received
from onward.artifacts.publishing import sha256
from onward.blocks import NUMERICAL, Blocks, numerical
from onward.cli._dry_run import dry_run
from onward.errors import ConfigError, ExportError
from onward.network.network import Network, Shape
from onward.preprocessing.subset import graph_of_columns
from onward.serving.predictor import Predictor
from onward.settings.config import section
from onward.stages import evaluate, export, prepare, report, train
from onward.training.batches import Rows
from onward.training.block_losses import BLOCKS, block_losses
from onward.training.column_selection import Runs
from onward.training.permutation_loss import relevance

DATA = Path(__file__).parents[2] / "shared" / "data"
NOISE = ("luck", "chance", "tag", "day")
CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: y, kind: number}
  split: {type: random, validation: 0.3, test: 0.1}
  columns:
    day: {type: datetime}
    luck: {type: numerical}
    size: {type: numerical}
    kind: {type: categorical}
    chance: {type: numerical, scaling: quantile}
    tag: {type: categorical, words: 4}
    weight: {type: numerical, scaling: quantile}
    is_new: {type: boolean, true_values: ["yes"], false_values: ["no"]}
train:
  network:
    embedder: {type: identity}
    model: {type: mlp, width: 16, depth: 1, dropout: 0.1}
    head: {type: regression}
  learner: {batch_size: 32, max_epochs: 8, learning_rate: 0.02, patience: 8}
  selection: {trainings: 3}
export: {}
evaluate: {}
report: {}
"""


def table(rows: int = 900) -> pl.DataFrame:
    """The target follows from size, weight, kind and is_new, and from nothing else."""
    random = np.random.default_rng(0)
    size, weight, luck, chance = random.normal(size=(4, rows)).round(3)
    kind, tag = random.choice(["a", "b", "c"], rows), random.choice(["red x", "blue x", "y"], rows)
    is_new = random.random(rows) < 0.5
    y = size + weight + (kind == "b") * 1.5 + is_new * 1.5 + random.normal(0, 0.3, rows)
    days = [f"20{year:02}-0{month}-03" for year, month in random.integers(1, 9, (rows, 2))]
    columns = {"day": days, "luck": luck, "size": size, "kind": kind, "chance": chance, "tag": tag}
    found = pl.DataFrame({**columns, "weight": weight, "y": y}).with_columns(
        is_new=pl.Series(np.where(is_new, "yes", "no")),
        luck=pl.when(pl.int_range(rows) % 9 == 0).then(None).otherwise(pl.col("luck")),
    )
    return found.select("day", "luck", "size", "kind", "chance", "tag", "weight", "is_new", "y")


def project(folder: Path, config: str = CONFIG) -> Path:
    folder.mkdir(exist_ok=True)
    table().write_csv(folder / "table.csv")
    (folder / "noise.yaml").write_text(config)
    return folder


def run_stage(stage: Any, folder: Path) -> Path:
    settings = section(folder / "noise.yaml", stage.__name__.rpartition(".")[2], stage.Settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        stage.run(settings, folder / "artifacts" / "noise")
    return folder / "artifacts" / "noise"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = project(tmp_path_factory.mktemp("selection"))
    run_stage(prepare, folder)
    return folder


@pytest.fixture(scope="module")
def trained(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after training, with what that has said."""
    folder = Path(shutil.copytree(prepared, tmp_path_factory.mktemp("trained") / "project"))
    logger, said = logging.getLogger("onward"), logging.FileHandler(folder / "said.txt")
    level = logger.level
    logger.addHandler(said)
    logger.setLevel(logging.INFO)
    try:
        run_stage(train, folder)
    finally:
        logger.setLevel(level)
        logger.removeHandler(said)
        said.close()
    return folder


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / "artifacts" / "noise" / "train" / name).read_text())


def test_noise_is_dropped_and_the_file_asks_for_nothing_of_it(
    trained: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = read(trained, "selection.json")
    artifacts = run_stage(export, trained)
    run_stage(evaluate, trained)
    model = artifacts / "export" / "model.onnx"
    predictor = Predictor(model)
    kept = [name for name in table().columns if name not in (*NOISE, "y")]

    assert sorted(found["dropped"]) == sorted(NOISE)
    assert found["kept"] == [field.name for field in predictor.schema.columns] == kept
    names = {value.name for value in onnx.load(model).graph.input}
    assert names == set(predictor.metadata["replay"]["rows"]) == set(kept)
    assert set(predictor.metadata["reference"]["columns"]) == set(kept)
    predictor.verify()
    assert len(predictor(table().select(kept).head(2))["value"]) == 2
    importance = pl.read_csv(artifacts / "evaluate" / "plots" / "importance.csv")
    assert set(importance["column"]) == set(kept)


def test_the_curve_has_all_columns_and_what_was_kept(trained: Path) -> None:
    found, metrics = read(trained, "selection.json"), read(trained, "metrics.json")
    curve = {point["columns"]: point for point in found["curve"]}
    assert len(curve) <= 3
    assert max(curve) == len(table().columns) - 1
    kept = curve[len(found["kept"])]
    assert kept["loss"] == pytest.approx(metrics["validation/loss"], rel=1e-5)
    assert kept["lower"] <= 0 <= kept["upper"]
    for point in curve.values():
        assert point["lower"] <= point["worse"] <= point["upper"]


def test_what_was_dropped_is_said(trained: Path) -> None:
    said = (trained / "said.txt").read_text()
    assert "train: selection: 4 of 8 columns are significant; 4 are kept, 4 dropped" in said
    assert "train: selection: training 2 of at most 3, with 4 of 8 columns" in said
    for name in NOISE:
        assert f"\n  {name}" in said


def test_nothing_is_dropped_unasked(prepared: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "project"))
    config = folder / "noise.yaml"
    config.write_text(config.read_text().replace("  selection: {trainings: 3}\n", ""))
    artifacts = run_stage(train, folder)
    for stage in (export, evaluate, report):
        run_stage(stage, folder)
    assert read(folder, "selection.json") == {}
    assert "Column selection" not in (artifacts / "report" / "report.html").read_text()
    predictor = Predictor(artifacts / "export" / "model.onnx")
    assert len(predictor.schema.columns) == len(table().columns) - 1


@pytest.mark.parametrize(
    "kept",
    [
        ("size", "kind", "weight", "is_new"),
        ("luck", "tag"),
        ("weight", "day", "luck"),
        ("tag",),
        ("kind",),
        ("is_new", "day"),
        ("luck", "size", "chance", "weight"),
    ],
)
def test_the_graph_is_that_of_a_config_with_these_columns_only(
    prepared: Path, tmp_path: Path, kept: Sequence[str]
) -> None:
    lines = CONFIG.splitlines(keepends=True)
    shorter = [
        line
        for line in lines
        if not line.startswith("    ") or line.partition(":")[0].strip() in ("model", *kept)
    ]
    alone = Prepared(run_stage(prepare, project(tmp_path / "few", "".join(shorter))) / "prepare")
    among = Prepared(prepared / "artifacts" / "noise" / "prepare", kept)

    assert graph_of_columns(among).SerializeToString() == alone.preprocessing()
    assert among.schema() == alone.schema()
    assert among.blocks() == alone.blocks()
    for split in ("train", "validation", "test"):
        got, want = among.arrays(split), alone.arrays(split)
        assert list(got.features) == list(want.features)
        for block, values in want.features.items():
            np.testing.assert_array_equal(got.features[block], values)
        np.testing.assert_array_equal(got.targets, want.targets)


def test_columns_whose_types_would_change_places_keep_the_order_of_their_features(
    prepared: Path,
) -> None:
    """Among all columns dates come first; of these alone they would come last."""
    among = Prepared(prepared / "artifacts" / "noise" / "prepare", ("luck", "size", "is_new"))
    assert among.blocks()[NUMERICAL].owners == ("luck", "size", "luck", "is_new")
    graph_of_columns(among)


def test_columns_that_have_changed_since_are_refused(prepared: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "project"))
    artifacts = folder / "artifacts" / "noise" / "prepare"
    manifest = json.loads((artifacts / "manifest.json").read_text())
    manifest["settings"]["columns"]["tag"]["feature"] = False
    (artifacts / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ExportError, match="2 of 8 columns have different features alone"):
        graph_of_columns(Prepared(artifacts, ("tag", "size")))


def linear(weights: Sequence[float]) -> Network:
    """The score is a sum of numbers, two of which one column owns."""
    owners = [f"column {max(place - 1, 0)}" for place in range(len(weights))]
    names = [f"feature {place}" for place in range(len(weights))]
    parts = {"embedder": "identity", "model": "linear", "head": "regression"}
    config = Network.Config.model_validate({part: {"type": name} for part, name in parts.items()})
    shape = Shape(Blocks([numerical(owners, names)]), 0)
    network = Network.fit(config, shape, features(torch.zeros(1, len(weights)))).eval()
    with torch.no_grad():
        for name, weight in network.model.named_parameters():
            weight.copy_(torch.tensor([weights]) if name.endswith("weight") else torch.zeros(1))
    return network


def drawn(rows: int, width: int, seed: int) -> torch.Tensor:
    return torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def test_relevance_is_what_theory_says() -> None:
    """Of a sum, the squared error grows by twice the variance that a column brings."""
    network = linear([0.6, 0.8, 0.5, 0.0])
    numbers = drawn(20_000, 4, seed=0)
    y = (numbers @ torch.tensor([0.6, 0.8, 0.5, 0.0])).double()
    rows = Rows(features(numbers), y)
    found = {each.column: each for each in relevance(network, rows, seed=0)}
    assert list(found) == ["column 0", "column 1", "column 2"]
    for name, want in (("column 0", 2 * (0.36 + 0.64)), ("column 1", 2 * 0.25), ("column 2", 0)):
        assert found[name].lower <= want <= found[name].upper
        assert found[name].upper - found[name].lower < 0.2
    assert [each.is_above_noise for each in found.values()] == [True, True, False]


def test_noise_that_a_network_has_learned_is_rarely_above_noise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without care for the number of columns, a fifth of the networks would need one of them."""
    monkeypatch.setattr("onward.training.block_losses.BLOCKS", 30)
    network = linear([1.0, 0.0, *[0.3] * 8])
    alarms = 0
    for seed in range(16):
        numbers = drawn(150, 10, seed)
        y = (numbers[:, 0] + drawn(150, 1, seed + 999)[:, 0]).double()
        rows = Rows(features(numbers), y)
        found = relevance(network, rows, seed)
        assert found[0].column == "column 0"
        alarms += any(each.is_above_noise for each in found[1:])
    assert alarms <= 1


@settings(max_examples=20)
@given(st.integers(1, 3 * BLOCKS))
def test_blocks_add_up_to_the_loss(count: int) -> None:
    network = linear([1.0, 0.5])
    numbers = drawn(count, 2, seed=count)
    rows = Rows(features(numbers), drawn(count, 1, 7)[:, 0].double())
    losses = block_losses(network, rows)
    scores = network.scores(rows.features)
    want = network.head.loss(scores, rows.targets).item()
    assert len(losses) == min(count, BLOCKS)
    assert float(losses.mean()) == pytest.approx(want, rel=1e-4)


def chosen(needed: int, total: int, least: int, trainings: int) -> tuple[Runs, int]:
    """What is tried where fewer than ``needed`` columns cost much."""
    noise = drawn(BLOCKS, total + 1, seed=0).double() * 1e-3

    def losses(number: int) -> torch.Tensor:
        return noise[:, number] + (1.0 if number < needed else 0.0)

    runs = Runs({total: losses(total)}, least)
    while len(runs.losses) < trainings and (number := runs.next_number()) is not None:
        assert 0 < number < total
        runs = Runs({**runs.losses, number: losses(number)}, least)
    return runs, runs.fewest


@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 60), st.integers(2, 8))
def test_columns_that_are_needed_are_kept(a: int, b: int, c: int, trainings: int) -> None:
    least, needed, total = sorted((a, a + b, a + c))
    if a + b > a + c:
        least, needed, total = a, a + c, a + b
    runs, fewest = chosen(needed, total, least, trainings)
    assert len(runs.losses) <= trainings
    assert fewest >= needed
    assert fewest in runs.losses
    if trainings == 8:
        assert fewest - needed <= max(1, (total - least) // 2**5)


def test_where_noise_can_go_the_curve_goes_on() -> None:
    runs, fewest = chosen(needed=3, total=20, least=8, trainings=5)
    assert (sorted(runs.losses), fewest) == ([4, 8, 14, 20], 8)


def test_few_validation_rows_are_refused(prepared: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "project"))
    config = folder / "noise.yaml"
    config.write_text(config.read_text().replace("validation: 0.3", "validation: 0.02"))
    run_stage(prepare, folder)
    with pytest.raises(ConfigError, match=r"train\.selection: 18 validation rows"):
        run_stage(train, folder)


def test_derived_columns_are_refused(prepared: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "project"))
    config, derived = folder / "noise.yaml", "sum: {type: numerical}"
    text = config.read_text().replace("  columns:\n", f"  columns:\n    {derived}\n")
    derive = "  derive:\n    sum: {type: formula, expression: size + weight}\n"
    config.write_text(text.replace("train:\n", f"{derive}train:\n"))
    run_stage(prepare, folder)
    with pytest.raises(ConfigError, match="'sum' is one of 1"):
        run_stage(train, folder)


def published(folder: Path) -> Mapping[str, str]:
    names = ("network.pt", "history.json", "metrics.json", "selection.json")
    return {name: sha256(folder / "artifacts" / "noise" / "train" / name) for name in names}


STEPS = 900 * 6 // 10 // 32 * 8  # of each training


@pytest.mark.parametrize(
    "after", [pytest.param(STEPS + 1, marks=pytest.mark.slow), 2 * STEPS + STEPS // 2]
)
def test_a_run_that_was_cut_in_any_training_ends_with_the_same_bits(
    prepared: Path, trained: Path, tmp_path: Path, after: int, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "project"))
    with pytest.raises(SystemExit), in_step(after, lambda: signal.raise_signal(signal.SIGTERM)):
        run_stage(train, folder)
    signals_received().clear()
    with caplog.at_level(logging.INFO):
        run_stage(train, folder)

    assert "train: resumed at step" in "\n".join(caplog.messages)
    assert "starting over" not in "\n".join(caplog.messages)
    assert published(folder) == published(trained)
    assert not (folder / "artifacts" / "noise" / ".train.checkpoints").exists()


@pytest.mark.slow
def test_two_processes_drop_the_same(prepared: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(prepared, tmp_path / "project"))
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
        *("--local-addr", "127.0.0.1", "--nproc-per-node", "2", "-m"),
        *("onward", "train", "noise.yaml"),
    ]
    said = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stderr
    assert said.count("4 are kept, 4 dropped") == 1
    assert sorted(read(folder, "selection.json")["dropped"]) == sorted(NOISE)


def test_a_check_takes_part(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(shutil.copytree(prepared, tmp_path / "project"))
    assert dry_run(Path("noise.yaml")) == 0
    assert "no errors found" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the public tables are not here")
def test_noise_beside_a_real_table_goes_and_its_columns_stay(tmp_path: Path) -> None:
    raw = pl.read_csv(DATA / "california_housing" / "housing.csv.gz")
    random = np.random.default_rng(0)
    names = [f"noise {place}" for place in range(10)]
    raw = raw.with_columns(**{name: random.normal(size=len(raw)) for name in names})
    raw.write_parquet(tmp_path / "table.parquet")
    columns = {
        name: "categorical" if name == "ocean_proximity" else "numerical"
        for name in raw.columns
        if name != "median_house_value"
    }
    document = {
        "prepare": {
            "source": {"type": "parquet", "path": "table.parquet"},
            "target": {"name": "median_house_value", "kind": "number"},
            "split": {"type": "random", "validation": 0.15, "test": 0.15},
            "columns": columns,
        },
        "train": {
            "network": {"model": {"type": "mlp", "width": 128, "depth": 2}},
            "learner": {"max_epochs": 10, "learning_rate": 2e-3},
            "selection": {"trainings": 2},
        },
        "export": {},
        "evaluate": {},
    }
    (tmp_path / "noise.yaml").write_text(json.dumps(document))
    for stage in (prepare, train, export):
        run_stage(stage, tmp_path)

    found = read(tmp_path, "selection.json")
    assert sorted(found["dropped"]) == names
    assert set(found["kept"]) == set(raw.columns) - {*names, "median_house_value"}
    few, many = sorted(found["curve"], key=lambda point: point["columns"])
    assert few["loss"] < many["loss"]
