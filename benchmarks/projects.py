"""Projects for public tables, made as a user would make them: `onward init`, and no hand edits."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

DATA = Path(__file__).resolve().parents[2] / "shared/data"
"""A folder for each table, with the table, ``meta.json`` and ``split.csv.gz``."""
METRICS = {
    "adult": "AUC",
    "california_housing": "RMSE",
    "covertype_20k": "accuracy",
    "diamonds": "RMSE",
    "employee_salaries": "R2",
    "penguins": "accuracy",
    "taxis": "RMSE",
    "telco_churn": "AUC",
    "titanic": "AUC",
    "ai4i2020": "AUC",
    "bank_4k": "AUC",
    "quakes": "RMSE",
    "letters": "accuracy",
    "credit_default": "AUC",
    "cars93": "RMSE",
    "wine": "accuracy",
}
"""The first nine are those that the rules for defaults were found on."""
SPLIT = "onward_split"


def meta_of(name: str, data: Path) -> dict[str, Any]:
    """What is known of the table: its target, the kinds of its columns."""
    meta: dict[str, Any] = json.loads((data / name / "meta.json").read_text())
    return meta


def write_table(
    name: str, data: Path, folder: Path, seed: int, rows: int | None = None, *, redraw: bool = False
) -> Path:
    """The table as CSV, its texts for missing values as they are; returns the file.

    Columns that are known as leaks are dropped. One is added for the split that comes with the
    table; a tenth of its training rows, drawn by the seed, is for validation (a fifth of fewer
    than 5,000).

    Args:
        name: of the table.
        data: the folder with all tables.
        folder: where to write.
        seed: of the draws.
        rows: most rows for training and validation, and most for testing; None is all.
        redraw: draw the test rows, too; as many as come with the table.
    """
    meta = meta_of(name, data)
    table = pl.read_csv(data / name / meta["file"], infer_schema=False)
    splits = pl.read_csv(data / name / "split.csv.gz")["split"].to_numpy().astype(object)
    draw = np.random.default_rng(seed)
    if redraw:
        splits = draw.permutation(splits)
    train, test = (draw.permutation(np.flatnonzero(splits == name)) for name in ("train", "test"))
    used = train[:rows]
    share = 0.1 if len(used) >= 5_000 else 0.2
    splits[used[: round(share * len(used))]] = "validation"
    splits[np.concatenate([train[len(used) :], test[len(test[:rows]) :]])] = "unused"
    split = pl.Series(SPLIT, splits.tolist(), dtype=pl.String)
    path = folder / f"{name}.csv"
    table = table.drop(meta["column_kinds"]["leak"]).with_columns(split)
    table.filter(split != "unused").write_csv(path)
    return path


def write_project(
    name: str, data: Path, folder: Path, seed: int, rows: int | None = None, *, redraw: bool = False
) -> Path:
    """A project as `onward init` makes it, and its table; returns the config."""
    path = write_table(name, data, folder, seed, rows, redraw=redraw)
    target = meta_of(name, data)["target"]
    onward(folder, "init", path.name, "--target", target, "--split", SPLIT)
    (folder / "data").mkdir()
    path.rename(folder / "data" / path.name)
    config = folder / "configs" / f"{name}.yaml"
    text = config.read_text().replace("seed: 0", f"seed: {seed}")
    config.write_text(text)
    return config


def onward(folder: Path, *words: str) -> None:
    """Run a command of ours."""
    command = [sys.executable, "-m", "onward", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"onward {' '.join(words)}: exit code {done.returncode}\n{done.stderr}")
