"""How long one row takes: the exported file, and a pipeline of scikit-learn beside it.

    python benchmarks/predict.py [--quick] [--json FILE]

The table has 15 numbers, 12 categories, 2 dates and 1 boolean; the models are untrained but for
their preprocessing, and run in one thread. Ours are the default one for 30,000 rows and a
perceptron of three layers of 256, that of scikit-learn is such a perceptron, which gets no dates,
because its pipeline cannot read them.
"""

import argparse
import json
import logging
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import torch
from onnx import helper
from sklearn.compose import ColumnTransformer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from onward.export.joining import join_graphs
from onward.network.network import Network, Shape
from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns import Column
from onward.preprocessing.encoder import Encoder
from onward.schema import Field, Schema, Target
from onward.serving.predictor import Predictor
from onward.serving.sessions import session_of
from onward.tasks.binary import Binary
from onward.training.default_settings import Given, Table, complete

ROWS = 5_000  # for fitting
TRAINING_ROWS = 30_000  # of the table that the rules for the default network look at
NUMBERS = [f"number {place}" for place in range(15)]
CATEGORIES = [f"category {place}" for place in range(12)]
NETWORKS: dict[str, dict[str, Any]] = {"default": {}, "mlp": {"model": {"type": "mlp"}}}
TYPES = {
    **dict.fromkeys(NUMBERS, "numerical"),
    **dict.fromkeys(CATEGORIES, "categorical"),
    "ordered": "datetime",
    "paid": "datetime",
    "is_new": "boolean",
}
CLASSES = ("no", "yes")


def table() -> pl.DataFrame:
    """Rows like those of a shop."""
    draw = np.random.default_rng(0)
    columns: dict[str, Any] = {name: draw.normal(size=ROWS) for name in NUMBERS}
    for place, name in enumerate(CATEGORIES):
        columns[name] = [f"value {number}" for number in draw.integers(0, 2 + 4 * place, ROWS)]
    seconds = pl.Series(draw.integers(1_600_000_000, 1_700_000_000, ROWS))
    columns["ordered"] = pl.from_epoch(seconds).dt.strftime("%FT%TZ")
    columns["paid"] = pl.from_epoch(seconds + 86_400).dt.strftime("%F")
    columns["is_new"] = draw.integers(0, 2, ROWS).astype(np.float64)
    return pl.DataFrame(columns)


def exported(rows: pl.DataFrame, network: dict[str, Any]) -> bytes:
    """The file of a network; what is not said of it is the default."""
    columns: list[Column] = []
    for name, kind in TYPES.items():
        member = Column.members[kind]
        columns.append(member(member.Config(name=name)))
        columns[-1].fit(rows[name])
    features = {block: torch.from_numpy(part) for block, part in Encoder(columns)(rows).items()}
    prepared = preprocessing(columns)
    shape = Shape(prepared.blocks, len(CLASSES))
    given = Given.model_validate({"network": network})
    config = complete(
        given, Table(TRAINING_ROWS, shape, Binary(Target("y", "classes", CLASSES)))
    ).network
    built = Network.fit(config, shape, features).eval()
    fields = tuple(Field(column.name, TYPES[column.name], column.wire) for column in columns)
    schema = Schema(fields, Target("is_sold", "classes", CLASSES))
    notes = {"onward": "1", "task": "binary", "schema": schema.dump()}
    model = join_graphs(prepared.model, built, CLASSES)
    helper.set_model_props(model, notes)
    data: bytes = model.SerializeToString()
    return data


def pipeline(rows: pl.DataFrame) -> Pipeline:
    """The same of scikit-learn."""
    encode = ColumnTransformer(
        [
            ("numbers", StandardScaler(), [*NUMBERS, "is_new"]),
            ("categories", OneHotEncoder(handle_unknown="ignore"), CATEGORIES),
        ]
    )
    model = make_pipeline(encode, MLPClassifier((256, 256, 256), max_iter=1))
    return model.fit(rows.to_pandas(), np.arange(ROWS) % 2)


def session(path: Path) -> Any:
    """Of onnxruntime, in one thread that sleeps between calls."""
    return session_of(path.read_bytes())


def wire(row: dict[str, Any]) -> dict[str, np.ndarray]:
    """One row as onnxruntime takes it."""
    return {
        name: np.array([[value]], object if isinstance(value, str) else np.float64)
        for name, value in row.items()
    }


def microseconds(predict: Callable[[Any], object], rows: list[Any]) -> dict[str, float]:
    """Median and 99th percentile of the calls, the first tenth not counted."""
    times = []
    for row in rows:
        start = time.perf_counter()
        predict(row)
        times.append(1e6 * (time.perf_counter() - start))
    counted = times[len(times) // 10 :]
    p50, p99 = np.quantile(counted, [0.5, 0.99])
    return {"p50_us": round(float(p50), 1), "p99_us": round(float(p99), 1)}


def measure(calls: int) -> dict[str, dict[str, float]]:
    """All, on the same rows."""
    rows = table()
    dicts = rows[np.arange(calls) % ROWS].to_dicts()
    fed = [wire(row) for row in dicts]
    results: dict[str, dict[str, float]] = {}
    for name, network in NETWORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(exported(rows, network))
            run, predictor = session(path), Predictor(path)
        results |= {
            f"{name}, onnxruntime": microseconds(partial(run.run, None), fed),
            f"{name}, Predictor": microseconds(predictor, [[row] for row in dicts]),
        }
    model = pipeline(rows)
    frames = [pd.DataFrame([row]) for row in dicts[: max(100, calls // 20)]]
    results["scikit-learn"] = microseconds(model.predict_proba, frames)
    slowest = results["scikit-learn"]["p50_us"]
    return {
        name: {**result, "times_faster": round(slowest / result["p50_us"], 1)}
        for name, result in results.items()
    }


def main() -> None:
    """Print a table, and write it if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the calls")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # the exporter says which libraries it goes without
    warnings.simplefilter("ignore")  # and one pass of scikit-learn does not converge
    with threadpool_limits(1):
        results = measure(1_000 if arguments.quick else 10_000)
    print(f"{'one row, one thread':22}  p50 µs  p99 µs  times faster than scikit-learn")
    for name, result in results.items():
        print("{:22}  {:6.0f}  {:6.0f}  {:6.1f}".format(name, *result.values()))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
