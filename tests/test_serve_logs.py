"""What a server counts and logs, and what it never logs."""

import json
import os
import random
import signal
import string
import time
from pathlib import Path
from typing import Any

import pytest
from example_model import TABLE, edit, example
from prometheus_client.parser import text_string_to_metric_families
from served import Server, serving

from onward.serving.server.column_counts import ColumnCounts
from onward.serving.server.prediction import Prediction, Run, Timing
from onward.serving.server.served_model import ServedModel

ROW = TABLE.to_dicts()[0]
REFERENCE = {
    "columns": {
        "age": {"missing": 0.1, "min": 20.0, "max": 60.0},
    }
}
CODES = {"tensor": "onward/categorical", "columns": ["workclass", "children"]}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = example(tmp_path / "income.onnx")
    edit(path, {"reference": json.dumps(REFERENCE), "codes": json.dumps(CODES)})
    return path


def metrics(server: Server) -> dict[tuple[str, str], float]:
    """Values by the sample's name and by its last label."""
    text = server.get("/metrics").body.decode()
    return {
        (sample.name, (*sample.labels.values(), "")[-1 if not sample.labels else -2]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_columns_are_counted(tmp_path: Path, model: Path) -> None:
    rows = [
        ROW | {"age": 60.0, "workclass": "Private"},
        ROW | {"age": None, "workclass": "?"},
        ROW | {"age": 60.1, "workclass": "private"},
        ROW | {"age": -1e9, "workclass": None},
    ]

    with serving(tmp_path, model, "--grace", "0") as server:
        assert server.post("/predict", rows).status == 200
        assert server.post("/predict", [{}]).status == 400
        counts = metrics(server)

    assert counts["onward_missing_total", "age"] == 1
    assert counts["onward_missing_total", "workclass"] == 2
    assert counts["onward_unseen_total", "workclass"] == 1
    assert counts["onward_out_of_range_total", "age"] == 2
    assert counts["onward_request_seconds_count", ""] == 2


def test_each_version_is_compared_with_its_own_training_rows(tmp_path: Path, model: Path) -> None:
    wider = example(tmp_path / "wider.onnx")
    columns = {"age": {"missing": 0.1, "min": 0.0, "max": 99.0}}
    edit(wider, {"reference": json.dumps({"columns": columns}), "codes": json.dumps(CODES)})
    versions = [ServedModel("income", path) for path in (model, wider)]
    row = {name: [value] for name, value in (ROW | {"age": 80.0}).items()}
    no_row: dict[str, list[Any]] = {name: [] for name in row}
    counts = ColumnCounts()

    for version in versions * 2:
        for rows, number in ((row, 1), (no_row, 0)):
            run = Run(version, version.feed(rows), {}, number)
            counts.add(Prediction(run, 0, number, Timing(0, 0, 0)))

    assert {version: len(feeds) for version, feeds in counts._feeds.items()} == dict.fromkeys(
        versions, 2
    )
    assert counts.counts()["out_of_range"] == {"age": 2}
    assert counts.counts()["missing"]["age"] == 0


def test_a_run_that_requests_share_is_counted_once(model: Path) -> None:
    served = ServedModel("income", model)
    feed = served.feed({name: [value] * 3 for name, value in (ROW | {"age": None}).items()})
    run = Run(served, feed, {}, 3)
    counts = ColumnCounts()

    for first, rows in ((0, 0), (0, 2), (2, 0), (2, 1)):
        counts.add(Prediction(run, first, rows, Timing(0, 0, 0)))

    assert counts.counts()["missing"]["age"] == 3


def test_workers_count_together_and_no_counter_goes_back(tmp_path: Path, model: Path) -> None:
    def rows_counted(server: Server) -> float:
        text = server.get("/metrics").body.decode()
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "onward_rows_total"
        )

    with serving(tmp_path, model, "--workers", "2", "--grace", "0") as server:
        for _ in range(20):
            server.post("/predict", [ROW] * 5)
        time.sleep(1.5)  # they publish each second
        assert rows_counted(server) == 100
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        for victim in children.read_text().split():
            os.kill(int(victim), signal.SIGKILL)
        while server.log.read_text().count("ready at") < 4:
            time.sleep(0.1)
        assert rows_counted(server) == 100


def test_no_value_is_in_any_log(tmp_path: Path, model: Path) -> None:
    draw = random.Random(0)
    values = ["".join(draw.choices(string.ascii_letters, k=12)) for _ in range(1_000)]

    with serving(tmp_path, model, "--grace", "0") as server:
        for first in range(0, 1_000, 100):
            rows = [ROW | {"workclass": value} for value in values[first : first + 90]]
            assert server.post("/predict", rows).status == 200
            for value in values[first + 90 : first + 100]:
                assert server.post("/predict", [ROW | {"age": value}]).status == 400
                server.get(f"/{value}?{value}={value}")
                server.post(f"/v2/models/{value}/infer", {"inputs": value})

    log = server.log.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert len(lines) == 310
    assert {line["status"] for line in lines} == {200, 400, 404}
    assert lines[0]["rows"] == 90
    assert not [value for value in values if value in log]
