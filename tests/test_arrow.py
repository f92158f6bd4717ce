"""`onward.arrow`: the model as a function of Arrow tables."""

import pickle
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from example_model import TABLE, example
from test_commands import run
from test_input_policy import file as file  # a model that knows its training rows

import onward.arrow
from onward import Predictor
from onward.arrow import score
from onward.errors import ArtifactError, DataError

ROWS = TABLE.with_columns(id=pl.int_range(100, 108), tags=[["a"]] * 8).to_arrow()


def test_the_names_are_those_of_the_last_version() -> None:
    assert onward.arrow.__all__ == ("score",)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_predictions_are_those_of_onward_predict(tmp_path: Path, task: str) -> None:
    model = example(tmp_path / "model.onnx", task)
    pl.DataFrame(ROWS).write_parquet(tmp_path / "rows.parquet")
    run("predict", model, tmp_path / "rows.parquet", "-o", tmp_path / "out.parquet", "--keep", "id")
    want = pl.read_parquet(tmp_path / "out.parquet")

    for batch in (ROWS, ROWS.to_batches()[0]):
        got = score(batch, model, ["id"])

        assert type(got) is type(batch)
        assert pl.DataFrame(got).equals(want)
        assert pl.DataFrame(got).schema == want.schema


@pytest.mark.parametrize("form", [str, Path, Path.read_bytes, Predictor])
def test_a_model_is_a_path_its_content_or_a_predictor(file: Path, form: Any) -> None:
    want = Predictor(file)(TABLE)["label"].tolist()
    assert score(ROWS, form(file)).column("label").to_pylist() == want


def test_no_rows_tell_the_types(file: Path) -> None:
    empty = score(ROWS.schema.empty_table(), file, ["tags"])
    assert empty.num_rows == 0
    assert empty.schema == score(ROWS, file, ["tags"]).schema


def test_columns_are_kept_as_they_are_in_slices_too(file: Path) -> None:
    got = score(ROWS.slice(3, 2), file, ["tags", "id"])
    assert got.column("id").to_pylist() == [103, 104]
    assert got.column("tags").type == ROWS.column("tags").type
    assert got.column("label").to_pylist() == Predictor(file)(TABLE)["label"][3:5].tolist()


def test_a_file_that_changes_is_loaded_again(tmp_path: Path) -> None:
    path = example(tmp_path / "model.onnx")
    assert "label" in score(ROWS, path).column_names
    example(path, "regression")
    assert "value" in score(ROWS, path).column_names


def test_what_does_not_fit_is_said(tmp_path: Path, file: Path) -> None:
    with pytest.raises(DataError, match=r"keep: the batch has no column 'day'\. There are"):
        score(ROWS, file, ["day"])
    with pytest.raises(DataError, match="keep: 'label' is also an output of the model"):
        score(ROWS.append_column("label", ROWS.column("id")), file, ["label"])
    with pytest.raises(DataError, match="'commute', row 0: '12 miles'"):
        score(ROWS.set_column(6, "commute", pa.array(["12 miles"] * 8)), file)
    with pytest.raises(ArtifactError, match="there is no such file"):
        score(ROWS, tmp_path / "no.onnx")


def test_the_function_travels_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(score)) is score
