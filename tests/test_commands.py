"""The commands for model files: predict, verify, describe."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import typer
from example_model import CLASSES, TABLE, edit, example
from typer.testing import CliRunner, Result

from onward.__main__ import app
from onward.cli._predictions import CHUNK
from onward.cli.describe import describe
from onward.cli.predict import predict
from onward.cli.verify import verify
from onward.errors import ArtifactError, DataError
from onward.serving.model_file import seal
from onward.serving.predictor import Predictor

ROW = TABLE.row(0, named=True)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example(tmp_path_factory.mktemp("example") / "model.onnx")


def run(*words: str | Path) -> Result:
    app = typer.Typer()
    for command in (predict, verify, describe):
        app.command()(command)
    return CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"}).invoke(app, [str(w) for w in words])


def write(table: pl.DataFrame, path: Path) -> Path:
    writers: dict[str, Any] = {
        ".csv": pl.DataFrame.write_csv,
        ".tsv": lambda frame, path: frame.write_csv(path, separator="\t"),
        ".parquet": pl.DataFrame.write_parquet,
        ".jsonl": pl.DataFrame.write_ndjson,
    }
    writers[path.suffix](table, path)
    return path


def read(path: Path) -> pl.DataFrame:
    readers: dict[str, Any] = {
        ".csv": pl.read_csv,
        ".parquet": pl.read_parquet,
        ".jsonl": pl.read_ndjson,
    }
    frame: pl.DataFrame = readers[path.suffix](path)
    return frame


@pytest.mark.parametrize("read_from", [".csv", ".tsv", ".parquet", ".jsonl"])
@pytest.mark.parametrize("written_to", [".csv", ".parquet", ".jsonl"])
def test_a_table_becomes_a_table(
    tmp_path: Path, file: Path, read_from: str, written_to: str
) -> None:
    table = write(TABLE.with_columns(pay=pl.lit("?"), id=1), tmp_path / f"table{read_from}")
    output = tmp_path / f"predictions{written_to}"

    result = run("predict", file, table, "-o", output)

    want = Predictor(file)(TABLE)
    assert result.exit_code == 0, result.output
    assert result.stderr == f"{output}: 8 rows predicted\n"
    got = read(output)
    assert got.columns == ["label", "probability_<=50K", "probability_>50K"]
    assert got["label"].to_list() == want["label"].tolist()
    np.testing.assert_allclose(got[:, 1:].to_numpy(), want["probabilities"], atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([table.name, output.name])


@pytest.mark.parametrize("is_folder", [False, True])
def test_a_table_is_read_as_a_config_says(tmp_path: Path, file: Path, is_folder: bool) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    text = TABLE.write_csv(separator=";", decimal_comma=True)
    (folder / "table.csv").write_text(text, encoding="utf-16")
    source = {"type": "csv", "path": "data", "delimiter": ";", "decimal": ",", "encoding": "utf-16"}
    source |= {"files": "*.csv"}
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"prepare": {"source": source}}))
    output = tmp_path / "out.csv"

    table = folder if is_folder else folder / "table.csv"
    result = run("predict", file, table, "--config", config, "-o", output)

    assert result.exit_code == 0, result.output
    assert read(output)["label"].to_list() == Predictor(file)(TABLE)["label"].tolist()


def test_numbers_are_predicted_with_their_interval(tmp_path: Path) -> None:
    model = example(tmp_path / "model.onnx", "regression")
    table = write(TABLE, tmp_path / "table.parquet")
    assert run("predict", model, table, "-o", tmp_path / "out.parquet").exit_code == 0
    got = pl.read_parquet(tmp_path / "out.parquet")
    want = Predictor(model)(TABLE)
    assert got.schema == {"value": pl.Float64, "lower": pl.Float64, "upper": pl.Float64}
    np.testing.assert_array_equal(got["value"], want["value"])


def test_a_table_goes_to_the_terminal_as_csv(tmp_path: Path, file: Path) -> None:
    result = run("predict", file, write(TABLE, tmp_path / "table.csv"))
    lines = result.stdout.splitlines()
    assert lines[0] == "label,probability_<=50K,probability_>50K"
    assert len(lines) == 1 + len(TABLE)
    assert result.stderr == ""


def test_a_large_table_keeps_its_order(tmp_path: Path, file: Path) -> None:
    rows = pl.concat([TABLE] * 17_000).sample(fraction=1.0, shuffle=True, seed=1)
    assert len(rows) > 2 * CHUNK
    output = tmp_path / "out.parquet"
    assert run("predict", file, write(rows, tmp_path / "t.parquet"), "-o", output).exit_code == 0
    want = Predictor(file)(rows)["probabilities"][:, 1]
    np.testing.assert_allclose(pl.read_parquet(output)["probability_>50K"], want, atol=1e-6)


def test_a_wrong_table_leaves_nothing_behind_and_the_old_file_in_place(
    tmp_path: Path, file: Path
) -> None:
    table = write(TABLE.with_columns(age=pl.lit("old")), tmp_path / "table.csv")
    output = tmp_path / "out.csv"
    output.write_text("kept")
    result = run("predict", file, table, "-o", output)
    assert isinstance(result.exception, DataError)
    assert "column 'age'" in str(result.exception)
    assert output.read_text() == "kept"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_failure_midway_leaves_nothing_behind(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Predictor.run

    def fail(self: Predictor, feed: Any, first: int = 0) -> Any:
        if len(feed["age"]):
            raise DataError("midway")
        return original(self, feed, first)

    monkeypatch.setattr(Predictor, "run", fail)
    table = write(TABLE, tmp_path / "table.csv")
    result = run("predict", file, table, "-o", tmp_path / "out.csv")
    assert isinstance(result.exception, DataError)
    assert list(tmp_path.iterdir()) == [table]


def test_one_row_is_predicted_as_json(file: Path) -> None:
    result = run("predict", file, "--row", json.dumps(ROW))
    want = Predictor(file)([ROW])
    got = json.loads(result.stdout)
    assert got["label"] == want["label"].item()
    assert list(got["probabilities"]) == list(CLASSES)
    assert got["probabilities"][">50K"] == pytest.approx(want["probabilities"][0, 1])
    assert len(str(got["probabilities"][">50K"])) <= 12


def test_one_number_is_predicted_as_json(tmp_path: Path) -> None:
    model = example(tmp_path / "model.onnx", "regression")
    got = json.loads(run("predict", model, "--row", json.dumps(ROW)).stdout)
    assert got == {name: array.item() for name, array in Predictor(model)([ROW]).items()}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give either TABLE or --row"),
        (["nowhere.csv"], "'nowhere.csv' does not exist"),
        ([__file__, "--row", "{}"], "give either TABLE or --row"),
        (["--row", "{}", "-o", "out.csv"], "--row allows only the option"),
        (["--row", "{}", "--config", "c.yaml"], "--row allows only the option"),
        (["--row", "{age: 39}"], "--row is invalid JSON"),
        (["--row", "[39]"], "--row must be a JSON object. Write it as"),
        ([__file__, "-o", "out.xlsx"], "unknown suffix. Use one of .csv, .tsv, .jsonl"),
        (
            [__file__, "--format", "xlsx"],
            "--format xlsx: unknown format. Use one of csv, tsv, jsonl",
        ),
        ([__file__, "--format", "arrow"], "is a binary format. Give --output as well"),
        (["--row", "{}", "--keep", "id"], "--row allows only the option"),
        ([__file__, "-o", "nowhere/out.csv"], "the folder nowhere does not exist"),
    ],
)
def test_wrong_usage_is_said(file: Path, words: list[str], message: str) -> None:
    result = run("predict", file, *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_folder_is_not_a_model(tmp_path: Path) -> None:
    result = run("describe", tmp_path)
    assert isinstance(result.exception, ArtifactError)
    assert str(result.exception) == f"{tmp_path}: this is a folder. Name the model file in it"


def test_a_wrong_row_is_an_error_of_the_data(file: Path) -> None:
    result = run("predict", file, "--row", json.dumps(ROW | {"age": "old"}))
    assert isinstance(result.exception, DataError)
    assert "column 'age', row 0: 'old'" in str(result.exception)


def test_verify_says_what_it_did(file: Path) -> None:
    result = run("verify", file)
    assert result.stdout.startswith(f"{file}: 8 rows replayed in onnxruntime ")
    assert result.stdout.splitlines()[0].endswith(": ok")
    assert "without a hash of its content" in result.stdout
    file.write_bytes(seal(file.read_bytes()))
    assert run("verify", file).stdout.endswith(": ok\n")


def test_verify_refuses_a_file_that_predicts_something_else(tmp_path: Path) -> None:
    model = example(tmp_path / "model.onnx")
    replay = Predictor(model).metadata["replay"]
    replay["predictions"]["probabilities"][2] = [0.5, 0.5]
    edit(model, {"replay": json.dumps(replay)})
    result = run("verify", model)
    assert isinstance(result.exception, ArtifactError)
    assert "'probabilities' of row 2" in str(result.exception)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_describe_tells_what_the_file_is(tmp_path: Path, task: str) -> None:
    output = run("describe", example(tmp_path / "m.onnx", task)).stdout
    for fact in (*TABLE.columns, task, "'pay'", "28 to 53", "Private 50%", "text or '?'", "0.25"):
        assert fact in output
    assert max(map(len, output.splitlines()[1:])) <= 80


def test_describe_needs_only_the_schema(tmp_path: Path) -> None:
    model = example(tmp_path / "m.onnx")
    edit(model, dict.fromkeys(["replay", "metrics", "versions", "hashes", "reference"]))
    result = run("describe", model)
    assert result.exit_code == 0
    assert "workclass" in result.stdout


@pytest.mark.parametrize("command", ["verify", "describe"])
def test_what_is_no_model_is_refused(tmp_path: Path, command: str) -> None:
    (tmp_path / "model.onnx").write_text("not a model")
    error = run(command, tmp_path / "model.onnx").exception
    assert isinstance(error, ArtifactError)
    assert "is not an ONNX file, or is damaged" in str(error)


def test_the_table_that_is_read_is_not_written_over(file: Path, tmp_path: Path) -> None:
    table = write(TABLE, tmp_path / "t.csv")
    before = table.read_bytes()
    result = run("predict", file, table, "-o", table)
    assert result.exit_code == 2
    assert table.read_bytes() == before


def test_the_version_is_said() -> None:
    said = CliRunner().invoke(app, ["--version"]).output
    assert said == f"onward {version('onward')}\n"
