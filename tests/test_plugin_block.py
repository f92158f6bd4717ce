"""A column and an embedder of one's own package share a block that ours do not know."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl

from onward.artifacts.prepared import Prepared
from onward.serving.predictor import Predictor

CONFIG = """\
plugins: [plugin_package]
prepare:
  source: {type: csv, path: table.csv}
  target: {name: pay, kind: number}
  split: {type: random, validation: 0.2, test: 0.2}
  columns:
    age: {type: numerical}
    code: {type: letters}
    other: {type: letters}
train:
  network:
    embedders: {letters: {type: letter_vectors, width: 2}}
    model: {type: mlp, width: 8, depth: 1}
    head: {type: quantiles}
  learner: {max_epochs: 2}
export: {}
evaluate: {}
report: {}
"""
STAGES = ("prepare", "train", "export", "evaluate", "report")


def run(folder: Path, stage: str) -> None:
    # not forked from a process that has read the settings before the plug-in was there
    command = [sys.executable, "-m", "onward", stage, "configs/run.yaml"]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
    done = subprocess.run(command, cwd=folder, env=paths, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_block_of_a_plugin_goes_through_all_stages(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    codes = {name: random.choice(["abc", "cab", "b"], 400) for name in ("code", "other")}
    age = random.normal(40, 10, 400).round(2)
    pay = (age + 9 * (codes["code"] == "b") + random.normal(0, 3, 400)).round(2)
    pl.DataFrame({"age": age, **codes, "pay": pay}).write_csv(tmp_path / "table.csv")
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/run.yaml").write_text(CONFIG)

    for stage in STAGES:
        run(tmp_path, stage)

    prepared = Prepared(tmp_path / "artifacts/run/prepare")
    block = prepared.blocks()["letters"]
    assert (block.owners, block.shape) == (("code", "other"), (2, 3))
    rows = prepared.rows("test").collect()
    letters = prepared.arrays("test").features["letters"][:, 0]
    assert letters[rows["code"].to_list().index("cab")].tolist() == [4, 2, 3]
    predictor = Predictor(tmp_path / "artifacts/run/export/model.onnx")
    assert max(predictor.verify().values()) < 1e-4
    assert predictor([{"age": 40.0, "code": "\n", "other": None}])["value"].shape == (1,)
    assert (tmp_path / "artifacts/run/report/report.html").exists()
