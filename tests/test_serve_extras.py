"""A canary, a shadow and the request log of a server."""

import asyncio
import json
import shutil
import time
from pathlib import Path

import numpy as np
import onnx
import polars as pl
import pytest
from example_model import TABLE, edit, example
from msgspec.structs import replace
from onnx import numpy_helper
from served import Server, serving
from test_serve import refusal

from onward import Predictor
from onward.serving.server.exchange import Exchange
from onward.serving.server.prediction import Prediction, Run, Timing
from onward.serving.server.request_log import RequestLog
from onward.serving.server.served_model import ServedModel
from onward.serving.server.shadow import MOST, Shadow

ROWS = TABLE.to_dicts()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return example(tmp_path / "income.onnx")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A model that predicts something else, and says so."""
    path = example(tmp_path / "other.onnx")
    graph = onnx.load(path)
    weight = next(w for w in graph.graph.initializer if w.dims and w.dims[-1] == 2)
    weight.CopyFrom(numpy_helper.from_array(-numpy_helper.to_array(weight), weight.name))
    onnx.save(graph, path)
    rows = TABLE.to_dict(as_series=False)
    predictions = {name: array.tolist() for name, array in Predictor(path)(TABLE).items()}
    edit(path, {"replay": json.dumps({"rows": rows, "predictions": predictions})})
    return path


def version(server: Server, request_id: str) -> str:
    answer = server.post("/predict", ROWS[:1], **{"X-Request-Id": request_id})
    return str(answer.json["model_version"])


def counted(server: Server, name: str) -> float:
    lines = server.get("/metrics").body.decode().splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def logged(folder: Path) -> pl.DataFrame:
    """The log of a server that has ended."""
    end = time.monotonic() + 30
    while not list(folder.glob("*.parquet")) or list(folder.glob("*.jsonl")):
        assert time.monotonic() < end
        time.sleep(0.1)
    return pl.read_parquet(folder / "*.parquet")


def test_a_canary_answers_the_same_ids_always(tmp_path: Path, model: Path, other: Path) -> None:
    ids = [f"request-{number}" for number in range(60)]

    with serving(tmp_path, model, "--canary", f"{other}=30%", "--grace", "0") as server:
        first = [version(server, name) for name in ids]
        second = [version(server, name) for name in ids]
        body = {
            "id": ids[0],
            "inputs": [
                {"name": name, "shape": [1, 1], "datatype": "BYTES", "data": [value]}
                for name, value in ROWS[0].items()
            ],
        }
        tensors = server.post("/v2/models/income/infer", body).json["model_version"]

    assert first == second
    assert first[0] == tensors
    assert len(set(first)) == 2
    assert 6 <= min(map(first.count, set(first))) <= 30


def test_a_shadow_is_compared_and_never_answers(tmp_path: Path, model: Path, other: Path) -> None:
    ours, theirs = Predictor(model)(TABLE), Predictor(other)(TABLE)
    difference = np.abs(ours["probabilities"] - theirs["probabilities"]).max(axis=1)

    with serving(tmp_path, model, "--shadow", other, "--grace", "0") as server:
        answer = server.post("/predict", ROWS).json
        time.sleep(0.5)
        rows = counted(server, "onward_shadow_rows_total")
        labels = counted(server, "onward_shadow_other_labels_total")
        total = counted(server, "onward_shadow_difference_total")

    log = [json.loads(line) for line in server.log.read_text().splitlines() if "shadow" in line]
    assert [prediction["label"] for prediction in answer["predictions"]] == list(ours["label"])
    assert rows == len(ROWS)
    assert labels == (ours["label"] != theirs["label"]).sum() > 0
    assert total == pytest.approx(difference.sum(), rel=1e-5)
    assert log[0]["largest_difference"] == pytest.approx(difference.max(), rel=1e-5)


def test_a_model_of_other_columns_cannot_be_the_canary(tmp_path: Path, model: Path) -> None:
    pay = example(tmp_path / "pay.onnx", "regression")

    done = refusal(model, "--canary", f"{pay}=5%", "--port", "0")

    assert done.returncode == 66
    assert "other columns" in done.stderr


def test_requests_are_logged_as_parquet(tmp_path: Path, model: Path) -> None:
    folder = tmp_path / "log"

    with serving(tmp_path, model, "--log", folder, "--grace", "0") as server:
        for first in range(0, len(ROWS), 2):
            server.post("/predict", ROWS[first : first + 2], **{"X-Request-Id": f"r{first}"})
        server.post("/predict", [{"age": "wrong"}])
        answer = server.post("/predict", ROWS).json

    table = logged(folder)
    assert len(table) == 2 * len(ROWS)
    assert table["age"].head(len(ROWS)).to_list() == TABLE["age"].to_list()
    assert table["workclass"].head(len(ROWS)).to_list() == TABLE["workclass"].to_list()
    assert table["label"].tail(len(ROWS)).to_list() == [
        prediction["label"] for prediction in answer["predictions"]
    ]
    assert table["probability_>50K"].dtype == pl.Float64
    assert table["onward/time"].dtype == pl.Datetime("us", "UTC")
    assert table["onward/id"][0] == "r0"
    assert not list(folder.glob("*.part"))


def test_a_part_of_the_requests_and_columns_can_be_logged(tmp_path: Path, model: Path) -> None:
    folder = tmp_path / "log"
    options = ("--log", folder, "--log-sample", "0.5", "--log-columns", "age,children")

    tensors = [
        {"name": name, "shape": [1, 1], "datatype": "BYTES", "data": [value]}
        for name, value in ROWS[0].items()
    ]
    body = {"inputs": tensors, "outputs": [{"name": "label"}]}

    with serving(tmp_path, model, *options, "--grace", "0") as server:
        for number in range(40):
            server.post("/v2/models/income/infer", body, **{"X-Request-Id": str(number)})

    table = logged(folder)
    assert 10 < len(table) < 30
    assert {"age", "children", "label", "probability_>50K"} <= {*table.columns}
    assert not {"workclass", "joined"} & {*table.columns}


def test_the_id_of_a_document_is_logged(tmp_path: Path, model: Path) -> None:
    folder = tmp_path / "log"
    tensors = [
        {"name": name, "shape": [1, 1], "datatype": "BYTES", "data": [value]}
        for name, value in ROWS[0].items()
    ]

    with serving(tmp_path, model, "--log", folder, "--grace", "0") as server:
        server.post("/v2/models/income/infer", {"id": "order-7", "inputs": tensors})
    access = [json.loads(line) for line in server.log.read_text().splitlines() if "/infer" in line]

    assert logged(folder)["onward/id"].to_list() == ["order-7"]
    assert [line["id"] for line in access] == ["order-7"]


def exchange(model: ServedModel) -> Exchange:
    """A request of one row."""
    feed = model.feed({name: [value] for name, value in ROWS[0].items()})
    run = Run(model, feed, model.run(feed), 1)
    prediction = Prediction(run, 0, 1, Timing(0, 0, 0))
    return Exchange("POST", "/predict", 200, 0.0, 0, 0, "id", prediction)


def test_a_shadow_goes_on_after_rows_that_it_cannot_predict(model: Path) -> None:
    served = ServedModel("income", model)
    good = exchange(served)
    assert good.prediction is not None
    no_columns = replace(good.prediction.run, feed={})
    bad = replace(good, prediction=replace(good.prediction, run=no_columns))
    counts: dict[str, float] = {}

    async def observe_all() -> None:
        shadow = Shadow(served, lambda event: None)
        for number, row in enumerate([bad] * (MOST + 6) + [good], 1):
            shadow.observe(row)
            while sum(counts.values()) < number:
                await asyncio.sleep(0.001)
                counts.update(list(shadow.samples())[:2])

    asyncio.run(asyncio.wait_for(observe_all(), 30))
    assert counts["onward_shadow_skipped_total"] == MOST + 6
    assert counts["onward_shadow_rows_total"] == 1


def test_a_request_log_goes_on_when_its_folder_is_back(tmp_path: Path, model: Path) -> None:
    row, folder = exchange(ServedModel("income", model)), tmp_path / "log"
    log = RequestLog(folder, 1.0, None)
    shutil.rmtree(folder)
    log.observe(row)
    end = time.monotonic() + 10
    while dict(log.samples())["onward_log_dropped_total"] < 1 and time.monotonic() < end:
        time.sleep(0.01)
    folder.mkdir()
    log.observe(row)
    log.close()
    converter = log._part._converter
    assert converter is not None
    assert converter.wait(30) == 0
    assert dict(log.samples()) == {"onward_log_dropped_total": 1}
    assert len(list(folder.glob("*.parquet"))) == 1
