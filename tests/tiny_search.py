"""A search of five small networks, in this process."""

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from onward.settings.config import section
from onward.stages import prepare, train, tune
from onward.training.settings import Settings
from onward.tuning.settings import SpaceSettings
from onward.tuning.space import Space

CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: y, kind: number}
  split: {type: random, validation: 0.3, test: 0.2}
  columns: {a: {type: numerical}, b: {type: numerical}}
tune:  # a small search
  trials: 5
  space:
    model: {width: [4, 8], dropout: {low: 0.0, high: 0.4, or_zero: true}}
train:
  network:
    embedder: {type: piecewise_linear, bins: 4}
    model: {type: mlp, width: 4, depth: 1, dropout: 0.0}
  learner:
    learning_rate: 1.0e-4  # much too low
    max_epochs: 9
    batch_size: 32
"""


ONE_NETWORK = "  folds: 1\n"  # at the end of the config, for a search without folds


def make(folder: Path, config: str = CONFIG) -> Path:
    """A folder with a config and prepared rows."""
    a, b = np.random.default_rng(0).normal(size=(2, 400)).round(3)
    pl.DataFrame({"a": a, "b": b, "y": a * b + a}).write_csv(folder / "table.csv")
    (folder / "c.yaml").write_text(config)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        prepare.run(section(Path("c.yaml"), "prepare", prepare.Settings), Path("artifacts/c"))
    return folder


def search(folder: Path) -> Path:
    """The stage, in this process."""
    config = folder / "c.yaml"
    wanted, given = (
        section(config, "tune", tune.Settings),
        section(config, "train", train.Settings),
    )
    tune.run(wanted, given, folder / "artifacts/c")
    return folder / "artifacts/c/tune"


def enter_copy(project: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a project in a folder, which is now the working directory."""
    monkeypatch.chdir(shutil.copytree(project, folder / "project"))
    return Path.cwd()


def searched_copy(project: Path, factory: pytest.TempPathFactory) -> Path:
    """A copy of a project whose search is finished."""
    folder = Path(shutil.copytree(project, factory.mktemp("tuned") / "project"))
    search(folder)
    return folder


def space() -> Space:
    """That of a perceptron whose config has a width of 128 and 27 epochs."""
    network = {
        "embedder": {"type": "identity"},
        "model": {"type": "mlp", "width": 128, "depth": 2},
        "head": {"type": "regression"},
    }
    learner = {"max_epochs": 27}
    settings = Settings.model_validate({"seed": 0, "network": network, "learner": learner})
    return Space.of(SpaceSettings(), settings, has_numbers=True)
