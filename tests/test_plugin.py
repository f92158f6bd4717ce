"""What a package of one's own adds works everywhere, without a change in ours."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import onnx
import polars as pl
import pyarrow.parquet
import pytest
import tritonclient.http as triton
from jsonschema import Draft202012Validator
from served import Server, serving

from onward.arrow import score
from onward.artifacts.prepared import Prepared
from onward.cli._monitor_job import MonitorJob
from onward.cli._monitoring import watch
from onward.cli.export_triton import export_triton
from onward.cli.predict import predict
from onward.serving.model_file import seal
from onward.serving.predictor import Predictor

CONFIG = """\
plugins: [plugin_package, plugin_families]
prepare:
  source: {type: npz, path: table.npz}
  target: {name: pay, kind: number}
  split: {type: last_rows, validation: 0.2, test: 0.2}
  checks: [{type: peak, column: curve, limit: 50.0}]
  derive:
    squared: {type: square, column: age}
  columns:
    age: {type: numerical}
    squared: {type: numerical}
    curve: {type: curve}
train:
  network:
    embedders: {curves: {type: convolution, channels: 2}}
    model: two_layers
    head: quantiles
  learner: {max_epochs: 2}
export: {}
"""
STAGES = ("prepare", "train", "export", "evaluate", "report")
STARTER = """\
import json, os, sys
import lightning, onnxscript, polars, sklearn.ensemble, torch  # seconds, and nothing of ours
for line in sys.stdin:
    if not os.fork():
        os.dup2(os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        from onward.__main__ import main
        for command in json.loads(line):
            sys.argv = ["onward", *command]
            try:
                main()
            except SystemExit as ended:
                if ended.code:
                    raise
        sys.exit()
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
ROWS = 500
CURVES = [[0.5, -1.0, None, 2.0], None, [1.0, 1.0, 1.0, 1.0]]
ASKED: list[dict[str, Any]] = [{"age": 40.0, "curve": curve} for curve in CURVES]


class Starter:
    """Runs commands in processes that have not read our settings before the plug-in was there."""

    def __init__(self, folder: Path) -> None:
        paths = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sys.path))}
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-c", STARTER],
            cwd=folder,
            env=paths,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *commands: Sequence[str], code: int = 0) -> str:
        """What one process says that runs them all."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(commands) + "\n")
        self._process.stdin.flush()
        ended = self._process.stdout.readline()
        said = (self.folder / "said").read_text()
        assert ended.strip() == str(code), said
        return said

    def end(self) -> None:
        self._process.communicate()
        assert self._process.returncode == 0


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    starter = Starter(tmp_path_factory.mktemp("plugin"))
    yield starter
    starter.end()


@pytest.fixture(scope="module")
def project(starter: Starter) -> Path:
    """A table that went through all stages; no test changes it."""
    folder = starter.folder
    random = np.random.default_rng(0)
    age, curve = random.normal(40, 10, ROWS).round(2), random.normal(size=(ROWS, 4)).round(3)
    curve[::25], curve[3, 1] = np.nan, np.nan  # missing rows, and a missing point
    pay = (age + 9 * np.nan_to_num(curve[:, 0]) + random.normal(0, 3, ROWS)).round(2)
    np.savez(folder / "table.npz", age=age, curve=curve, pay=pay)
    is_missing = pl.Series(np.isnan(curve).all(axis=1))
    curves = pl.Series("curve", curve).set(is_missing, None)
    pl.DataFrame({"age": age, "curve": curves}).write_parquet(folder / "rows.parquet")
    (folder / "configs").mkdir()
    (folder / "configs/run.yaml").write_text(CONFIG)
    starter.run(*((stage, "configs/run.yaml") for stage in STAGES))
    return folder


@pytest.fixture(scope="module")
def model(project: Path) -> Path:
    return project / "artifacts/run/export/model.onnx"


def test_a_column_with_its_embedder_and_a_head_with_its_task_take_120_lines() -> None:
    text = Path(__file__).with_name("plugin_package.py").read_text()
    assert len(text.splitlines()) <= 120
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_member_of_each_family_takes_part(project: Path) -> None:
    prepared = Prepared(project / "artifacts/run/prepare")
    block = prepared.blocks()["curves"]
    assert (block.owners, block.shape) == (("curve",), (1, 4))
    assert prepared.row_numbers("test").tolist() == [*range(ROWS - 99, ROWS + 1)]
    first = prepared.rows("test").collect()
    assert prepared.derived("test").collect()["squared"][0] == first["age"][0] ** 2
    assert len((project / "losses.txt").read_text().splitlines()) == 2
    settings = json.loads((project / "artifacts/run/train/manifest.json").read_text())["settings"]
    network = settings["network"]
    assert (network["model"]["type"], network["head"]["type"]) == ("two_layers", "quantiles")


def test_the_file_verifies_and_predicts_without_the_plugin(
    project: Path, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictor = Predictor(model)
    assert predictor.verify()["quantiles"] < 1e-4
    want = predictor(ASKED)
    predict(model, row=json.dumps(ASKED[0]))
    row = json.loads(capsys.readouterr().out)
    assert row["quantiles"] == [row["lower"], row["value"], row["upper"]]
    assert row["value"] == pytest.approx(want["value"][0])
    assert abs(want["value"][0] - want["value"][1]) > 1e-6
    predict(model, str(project / "rows.parquet"), str(tmp_path / "scored.parquet"))
    scored = pl.read_parquet(tmp_path / "scored.parquet")
    names = ["value", "lower", "upper", "quantiles_0", "quantiles_1", "quantiles_2"]
    assert scored.columns == names
    batch = pyarrow.parquet.read_table(project / "rows.parquet")
    assert pl.DataFrame(score(batch, model)).equals(scored)


def test_its_metric_is_compared_with_baselines_that_read_its_column(project: Path) -> None:
    found = json.loads((project / "artifacts/run/evaluate/comparison.json").read_text())
    losses = {who: found[who]["pinball"]["value"] for who in ("constant", "linear")}
    assert found["task"] == "quantiles"
    assert 0 < losses["linear"] < losses["constant"] / 2
    assert "unread" not in found


def test_the_report_has_its_metric_its_card_and_its_column(project: Path) -> None:
    page = (project / "artifacts/run/report/report.html").read_text()
    assert "The mean pinball loss of pay is" in page
    assert "<h3>Losses</h3>" in page
    assert "4 numbers" in page


def refuse(text: str) -> NoReturn:
    raise AssertionError(f"{text} is not JSON")


def test_programs_that_know_nothing_of_it_can_read_the_file(model: Path, tmp_path: Path) -> None:
    signature = model.with_name("signature.json").read_text()
    [_, curve] = json.loads(signature, parse_constant=refuse)["inputs"]
    assert (curve["tensor"], curve["shape"]) == ("float64", ["rows", 4])
    rows = Predictor(model).metadata["replay"]["rows"]["curve"]
    json.loads(json.dumps(rows), parse_constant=refuse)
    assert None in rows
    export_triton(model, tmp_path / "triton")
    [text] = [path.read_text() for path in tmp_path.rglob("config.pbtxt")]
    assert 'name: "curve" data_type: TYPE_FP64 dims: [ -1, 4 ]' in text


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, model, "--log", folder / "requests", "--grace", "0") as server:
        yield server


def test_a_server_answers_in_all_ways_what_the_file_predicts(server: Server, model: Path) -> None:
    want = Predictor(model)(ASKED)["quantiles"]
    objects = server.post("/predict", ASKED).json["predictions"]
    np.testing.assert_allclose([row["quantiles"] for row in objects], want)

    client = triton.InferenceServerClient(server.address)
    arrays = {
        "age": np.full((3, 1), 40.0),
        "curve": np.array([c or [None] * 4 for c in CURVES], float),
    }
    for is_binary in (True, False):
        inputs = [
            triton.InferInput(name, list(array.shape), "FP64") for name, array in arrays.items()
        ]
        for tensor, array in zip(inputs, arrays.values(), strict=True):
            tensor.set_data_from_numpy(np.nan_to_num(array), binary_data=is_binary)
        got = client.infer("run", inputs).as_numpy("quantiles")
        zeros = [{"age": 40.0, "curve": row} for row in np.nan_to_num(arrays["curve"]).tolist()]
        np.testing.assert_allclose(got, Predictor(model)(zeros)["quantiles"])


@pytest.mark.parametrize(
    ("shape", "data", "message"),
    [
        ([1, 3], [1, 2, 3], "has the shape [1, 3]; expected [1, 4]"),
        ([1], [1], "has the shape [1]; expected [1, 4]"),
        ([1, 4], [1, 2, 3], "has 3 values for 1 row"),
        ([1, 4], [1, [2], 3, 4], "its lists differ in depth"),
        ([1, 4], [1, 2, 3, "x"], "row 0: [1, 2, 3, 'x'] is"),
    ],
)
def test_a_tensor_that_does_not_fit_is_refused(
    server: Server, shape: list[int], data: list[Any], message: str
) -> None:
    age = {"name": "age", "shape": [1, 1], "datatype": "FP64", "data": [40]}
    curve = {"name": "curve", "shape": shape, "datatype": "FP64", "data": data}
    answer = server.post("/v2/models/run/infer", {"inputs": [age, curve]})
    assert answer.status == 400
    assert message in answer.json["error"]


def test_a_column_that_the_model_does_not_know_may_have_any_shape(server: Server) -> None:
    columns = {"age": [40.0], "curve": [1.0, 2.0, 3.0, 4.0], "image": [0.0] * 6}
    shapes = {"age": [1, 1], "curve": [1, 4], "image": [1, 2, 3]}
    inputs = [
        {"name": name, "shape": shapes[name], "datatype": "FP64", "data": data}
        for name, data in columns.items()
    ]
    assert server.post("/v2/models/run/infer", {"inputs": inputs}).status == 200


def test_the_server_describes_its_column(server: Server) -> None:
    document = server.get("/openapi.json").json
    post = document["paths"]["/predict"]["post"]
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    answer = post["responses"]["200"]["content"]["application/json"]["schema"]
    validator = Draft202012Validator(schema)
    validator.validate(ASKED)
    validator.validate(schema["examples"][0])
    assert not validator.is_valid([{"age": 1.0, "curve": [1.0]}])
    Draft202012Validator(answer).validate(server.post("/predict", ASKED).json)
    infer = document["paths"]["/v2/models/run/infer"]["post"]["requestBody"]["content"]
    tensors = infer["application/json"]["schema"]["properties"]["inputs"]["prefixItems"]
    curve = {"name": "curve", "shape": [1, 4], "datatype": "FP64", "data": [CURVES[0]]}
    Draft202012Validator(tensors[1]).validate(curve)
    page = server.get("/").body.decode()
    assert "data-wire=float64[4]" in page
    assert "4 numbers as a list" in page


def test_missing_rows_are_counted(server: Server) -> None:
    name = 'onward_missing_total{model="run",column="curve"}'

    def count() -> float:
        lines = server.get("/metrics").body.decode().splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(name))

    server.post("/predict", ASKED)
    before = count()
    server.post("/predict", ASKED)
    assert count() == before + 1


def test_a_monitor_reads_the_log_of_a_server_and_sees_missing_rows(
    model: Path, project: Path, tmp_path: Path
) -> None:
    rows = pl.read_parquet(project / "rows.parquet").with_columns(
        pl.when(pl.col("curve").arr.get(1).is_not_nan()).then(pl.col("curve"))
    )
    is_odd = pl.int_range(pl.len()) % 2 == 1
    gaps = rows.with_columns(pl.when(is_odd).then(pl.col("curve")).alias("curve"))
    log = tmp_path / "requests"
    with serving(tmp_path, model, "--log", log, "--grace", "0") as server:
        for part in (rows, gaps):
            assert server.post("/predict", part.to_dicts()).status == 200
    job = MonitorJob(model, log, None, None, by="day", time=None, rows=ROWS)
    watch(job, tmp_path / "found.json", tmp_path / "found.html")
    found = json.loads((tmp_path / "found.json").read_text())
    curve = next(column for column in found["columns"] if column["name"] == "curve")
    assert curve["bins"] == ["present", "missing"]
    assert curve["reference"][1] == pytest.approx(0.04)
    assert curve["states"] == ["quiet", "watch"]
    assert curve["shares"][1] == pytest.approx(0.52, abs=0.02)


def test_a_rule_of_its_own_is_checked(project: Path, starter: Starter) -> None:
    config = (project / "configs/run.yaml").read_text()
    (project / "configs/low.yaml").write_text(config.replace("limit: 50.0", "limit: 2.0"))
    assert "a peak too high" in starter.run(("validate", "configs/low.yaml"), code=65)


def test_files_are_compared_on_a_table_of_its_own_source(
    project: Path, model: Path, starter: Starter
) -> None:
    other = onnx.load(model)
    other.doc_string = "the same model in another file"
    notes = [note for note in other.metadata_props if note.key != "sha256"]
    del other.metadata_props[:]
    other.metadata_props.extend(notes)
    (project / "other.onnx").write_bytes(seal(other.SerializeToString()))
    command = ["compare", str(model), "other.onnx", "table.npz", "--config", "configs/run.yaml"]
    printed = starter.run(command)
    assert printed.startswith("same: ")
    assert f"{ROWS - 100} rows left out" in printed
