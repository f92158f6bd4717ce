"""What the settings against rare classes are worth, on a table where 3 % of the rows are positive.

    python benchmarks/imbalance.py [--data FOLDER] [--rows N] [--quick] [--json FILE]

Rows of the table adult, of which only as many positive ones are kept; half of them to learn from, a
fifth for validation. All see the same rows, and differ in one setting. With --quick the network is
a small perceptron.
"""

import argparse
import json
import tempfile
from pathlib import Path

import polars as pl
from projects import DATA, onward

from onward import Predictor
from onward.artifacts.prepared import Prepared
from onward.evaluation.baselines import targets_of
from onward.tasks.binary import Binary

QUICK = "model: {type: mlp, width: 64, depth: 2}, embedder: {type: piecewise_linear}"
SHARE, SEED = 0.03, 0
TRAIN = {
    "as it is": "",
    "class_weights: balanced": "class_weights: balanced",
    "sampler: balanced": "sampler: balanced",
    "head: {type: binary, gamma: 2}": "gamma",
}
EXPORT = {
    "": "{}",
    "decision: {metric: f1}": "{decision: {metric: f1}}",
    "decision: {metric: balanced_accuracy}": "{decision: {metric: balanced_accuracy}}",
}
SHOWN = ("balanced_accuracy", "f1", "auc", "log_loss")
WIDTH = 17  # of a column of figures


def write_table(data: Path, path: Path, rows: int) -> None:
    """Rows of both classes, in a random order."""
    table = pl.read_csv(data / "adult/adult.csv.gz", infer_schema=False)
    positive = round(rows * SHARE)
    parts = [
        table.filter((pl.col("income") == ">50K") == is_positive).sample(count, seed=SEED)
        for is_positive, count in ((True, positive), (False, rows - positive))
    ]
    pl.concat(parts).sample(fraction=1, shuffle=True, seed=SEED).write_csv(path)


def write_config(folder: Path, train: str, export: str, *, quick: bool) -> None:
    """What `init` wrote, with one setting more in each of two sections."""
    text = (folder / "configs/rare.yaml").read_text()
    text = text.replace("validation: 0.15, test: 0.15", "validation: 0.2, test: 0.3")
    if quick:
        text = text.replace("network: {head", f"network: {{{QUICK}, head")
    if train == "gamma":
        text = text.replace("{type: binary}", "{type: binary, gamma: 2}")
    elif train:
        text = text.replace("train:", f"train:\n  {train}\n ", 1)
    (folder / "configs/run.yaml").write_text(text.replace("export: {}", f"export: {export}"))


def measured(folder: Path) -> dict[str, float]:
    """What the file is worth on the test rows."""
    predictor = Predictor(folder / "export/model.onnx")
    rows = Prepared(folder / "prepare").rows("test").collect()
    task = Binary(predictor.schema.target)
    target, predictions = targets_of(task, rows), task.read(predictor(rows))
    return {name: task.metrics[name](target, predictions) for name in SHOWN}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    print(f"{'train; export':70}", *(f"{name:>{WIDTH}}" for name in SHOWN))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(given.data, folder / "rare.csv", given.rows)
        onward(folder, "init", "rare.csv", "--target", "income")
        (folder / "data").mkdir()
        (folder / "rare.csv").rename(folder / "data/rare.csv")
        for train, setting in TRAIN.items():
            for export, decision in EXPORT.items():
                write_config(folder, setting, decision, quick=given.quick)
                for stage in ("export",) if export else ("prepare", "train", "export"):
                    onward(folder, stage, "configs/run.yaml")
                metrics = measured(folder / "artifacts/run")
                title = f"{train}; {export}" if export else train
                found[title] = metrics
                print(f"{title:70}", *(f"{metrics[name]:{WIDTH}.3f}" for name in SHOWN), flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
