"""Two model files side by side: the same or not, and whether one replaces the other."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from simple_models import X, line, rows
from typer.testing import CliRunner, Result

from onward import Predictor
from onward.artifacts.replacing import replacing
from onward.cli.compare import compare
from onward.cli.promote import promote
from onward.errors import ArtifactError, DataError, LockedError
from onward.evaluation.promotion.checks import check_inputs, check_loss
from onward.evaluation.promotion.comparison import Comparison
from onward.evaluation.promotion.looks import Look, Looks
from onward.evaluation.promotion.pair import predict_pair
from onward.evaluation.promotion.paired_difference import PairedDifference, holm
from onward.evaluation.promotion.slices import differences_by_code
from onward.schema import Field, Schema, Target
from onward.table.sources import Source

TASKS = ("binary", "regression")


def run(*words: str | Path | float) -> Result:
    app = typer.Typer()
    for command in (compare, promote):
        app.command()(command)
    return CliRunner(env={"COLUMNS": "80"}).invoke(app, [str(word) for word in words])


def comparison(folder: Path, first: Path, second: Path, table: pl.DataFrame) -> Comparison:
    table.write_parquet(folder / "rows.parquet")
    models = Predictor(first), Predictor(second)
    pair = predict_pair(models, ("A", "B"), Source.for_path(folder / "rows.parquet"))
    return Comparison(pair, 0.01)


@pytest.mark.parametrize("task", TASKS)
def test_a_model_is_the_same_as_itself(tmp_path: Path, task: str) -> None:
    model = line(tmp_path / "a.onnx", task=task)
    found = comparison(tmp_path, model, model, rows(60, task=task))
    assert found.verdict == "same"
    assert found.difference == PairedDifference(0.0, 0.0, 60)
    assert found.difference.provable_margin() == 0
    assert "no significant difference" in "\n".join(found.lines())


def test_a_metric_of_two_classes_is_undefined_for_rows_of_one(tmp_path: Path) -> None:
    model = line(tmp_path / "a.onnx")
    found = comparison(tmp_path, model, model, rows(200).filter(pl.col("outcome") == "no"))
    text = "\n".join(found.lines())
    assert "AUC" in text
    assert "undefined" in text
    assert "nan" not in text


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("slope", [0.0, 1.9, 2.05, 3.0])
def test_a_comparison_is_symmetric(tmp_path: Path, task: str, slope: float) -> None:
    a, b = line(tmp_path / "a.onnx", task=task), line(tmp_path / "b.onnx", slope, task)
    one, other = (comparison(tmp_path, *pair, rows(500, task=task)) for pair in ((a, b), (b, a)))
    mirrored = {"A is better": "B is better", "B is better": "A is better"}
    assert other.verdict == mirrored.get(one.verdict, one.verdict)
    assert other.difference.mean == -one.difference.mean
    assert other.margin == pytest.approx(one.margin)
    provable = [each.difference.provable_margin() for each in (one, other)]
    assert provable[0] == pytest.approx(provable[1])


def test_sameness_needs_rows(tmp_path: Path) -> None:
    a, b = line(tmp_path / "a.onnx"), line(tmp_path / "b.onnx", 2.1)
    few, many = (comparison(tmp_path, a, b, rows(count)) for count in (200, 30_000))
    assert (few.verdict, many.verdict) == ("undecided", "same")
    assert few.difference.provable_margin() > few.margin
    needed = few.difference.rows_to_prove(few.margin)
    assert needed is not None
    assert 200 < needed < 100_000


def test_large_differences_have_no_exponent() -> None:
    looks = Looks((Look("", 500, "undecided"),))
    check = check_loss(PairedDifference(-1703.4, 9_000.0, 500), looks, 27_343.0, "error")
    assert "-1,703 (" in check.reason
    assert "e+" not in check.reason


@pytest.mark.parametrize("task", TASKS)
def test_the_verdicts_are_worded(tmp_path: Path, task: str, golden: Any) -> None:
    champion = line(tmp_path / "champion.onnx", task=task, trained=rows(300, 9, task))
    challengers = {"same": 2.0, "better": 2.2, "worse": 0.5, "close": 2.2}
    old = line(tmp_path / "old.onnx", 1.2, task)
    pl.concat([rows(800, 1, task), rows(300, 9, task)]).write_parquet(tmp_path / "t.parquet")
    texts = []
    for name, slope in challengers.items():
        new = line(tmp_path / "new.onnx", slope, task)
        one, other = (new, old) if name == "better" else (new, champion)
        words = [one, other, tmp_path / "t.parquet"]
        promoted = run("promote", *words, "-o", tmp_path / f"{name}.json")
        texts += [f"{name}: exit code {promoted.exit_code}", promoted.stdout]
        texts += [run("compare", *words).stdout]
    without_times = re.sub(r"[\d,]+ µs", "9 µs", "\n".join(texts))
    golden(f"promotion_{task}.txt", without_times)


def outcome(folder: Path, *words: str | Path | float) -> tuple[int, dict[str, Any]]:
    """Exit code and document."""
    result = run("promote", *words, "-o", folder / "promotion.json")
    document = json.loads((folder / "promotion.json").read_text())
    return result.exit_code, document


def failed(document: dict[str, Any]) -> list[str]:
    return [check["name"] for check in document["checks"] if check["outcome"] == "failed"]


def test_a_planted_worse_challenger_is_kept(tmp_path: Path) -> None:
    champion, worse = line(tmp_path / "a.onnx"), line(tmp_path / "b.onnx", 0.5)
    rows(2_000).write_csv(tmp_path / "t.csv")
    code, document = outcome(tmp_path, worse, champion, tmp_path / "t.csv")
    assert (code, document["outcome"]) == (4, "kept")
    assert "loss" in failed(document)


def test_a_worse_slice_keeps_the_champion(tmp_path: Path) -> None:
    champion, worse = line(tmp_path / "a.onnx", 1.6), line(tmp_path / "b.onnx", bonn=-1.0)
    rows(8_000).write_csv(tmp_path / "t.csv")
    code, document = outcome(tmp_path, worse, champion, tmp_path / "t.csv", "--margin", 0.1)
    assert code == 4
    assert failed(document) == ["slices"]
    [slices] = [check for check in document["checks"] if check["name"] == "slices"]
    assert "city: Bonn" in slices["reason"]


def test_superior_asks_for_more_than_equal(tmp_path: Path) -> None:
    old, new = line(tmp_path / "a.onnx", 1.95), line(tmp_path / "b.onnx", 2.0)
    rows(2_000).write_csv(tmp_path / "t.csv")
    words = [new, old, tmp_path / "t.csv"]
    assert outcome(tmp_path, *words)[0] == 0
    code, document = outcome(tmp_path, *words, "--superior")
    assert code == 5
    [loss] = [check for check in document["checks"] if check["name"] == "loss"]
    assert loss["rows"] > 2_000


def test_superior_takes_no_margin(tmp_path: Path) -> None:
    old, new = line(tmp_path / "a.onnx", 1.95), line(tmp_path / "b.onnx", 2.0)
    rows(60).write_csv(tmp_path / "t.csv")
    output = tmp_path / "promotion.json"
    words = ("--superior", "--margin", "0.01", "-o", output)
    result = run("promote", new, old, tmp_path / "t.csv", *words)
    assert result.exit_code == 2
    message = " ".join(result.stderr.replace("│", " ").split())
    assert "Leave out --margin or --superior" in message


def test_a_budget_for_latency_is_kept(tmp_path: Path) -> None:
    new, old = line(tmp_path / "a.onnx"), line(tmp_path / "b.onnx", 1.99)
    rows(100).write_csv(tmp_path / "t.csv")
    code, document = outcome(tmp_path, new, old, tmp_path / "t.csv", "--latency", 0.001)
    assert code == 4
    assert failed(document) == ["latency"]


@pytest.mark.parametrize("command", ["compare", "promote"])
def test_a_file_is_not_compared_with_itself(tmp_path: Path, command: str) -> None:
    model, copy = line(tmp_path / "a.onnx"), tmp_path / "copy.onnx"
    copy.write_bytes(model.read_bytes())
    rows(60).write_csv(tmp_path / "t.csv")
    result = run(command, model, copy, tmp_path / "t.csv")
    version = hashlib.sha256(model.read_bytes()).hexdigest()[:12]
    assert result.exit_code == 2
    message = " ".join(result.stderr.replace("│", " ").split())
    assert f"both are the same file (version {version})" in message


def test_new_inputs_must_be_allowed(tmp_path: Path) -> None:
    both, one = line(tmp_path / "a.onnx"), line(tmp_path / "b.onnx", columns=(X,))
    rows(100).write_csv(tmp_path / "t.csv")
    assert outcome(tmp_path, one, both, tmp_path / "t.csv")[0] == 0
    code, document = outcome(tmp_path, both, one, tmp_path / "t.csv")
    assert (code, failed(document)) == (4, ["inputs"])
    assert outcome(tmp_path, both, one, tmp_path / "t.csv", "--new-inputs")[0] == 0


def test_a_column_that_travels_otherwise_is_refused() -> None:
    target = Target("y", "number")
    day_first = Field("day", "datetime", "text", settings={"format": "%d/%m/%Y"})
    old = Schema((Field("day", "datetime", "text"),), target)
    check = check_inputs(Schema((day_first,), target), old, new_inputs=True)
    assert check.outcome == "failed"
    assert "day" in check.reason


@pytest.mark.parametrize("who", [0, 1])
def test_rows_that_either_was_trained_on_are_left_out(tmp_path: Path, who: int) -> None:
    learned = rows(200, 5)
    trained: list[pl.DataFrame | None] = [None, None]
    trained[who] = learned
    files = [line(tmp_path / f"{i}.onnx", trained=t) for i, t in enumerate(trained)]
    pl.concat([rows(90, 6), learned]).write_csv(tmp_path / "t.csv")
    _, document = outcome(tmp_path, *files, tmp_path / "t.csv")
    assert document["loss"]["rows"] == 90

    learned.write_csv(tmp_path / "t.csv")
    result = run("compare", *files, tmp_path / "t.csv")
    assert isinstance(result.exception, DataError)
    assert "0 of 200 rows have a target and are new to both models" in str(result.exception)


def test_rows_that_repeat_by_chance_stay(tmp_path: Path) -> None:
    few = rows(400, 5).with_columns(pl.col("x").round(0))
    note = {"test": {"rows": 1_000, "known": 990}}
    model = line(tmp_path / "a.onnx", trained=few, note=note)
    again = rows(400, 6).with_columns(pl.col("x").round(0))
    found = comparison(tmp_path, model, model, again)
    assert found.difference.rows == 400
    assert any("no more than expected by chance" in text for text in found.lines())


def test_a_filter_of_some_rows_refuses_the_table(tmp_path: Path) -> None:
    learned = rows(400, 5)
    model = line(tmp_path / "a.onnx", trained=learned, note={"every": 2})
    with pytest.raises(DataError, match="its file cannot identify all of them"):
        comparison(tmp_path, model, model, learned)


def test_rows_without_a_target_wait(tmp_path: Path) -> None:
    model = line(tmp_path / "a.onnx")
    table = rows(80).with_columns(
        pl.when(pl.int_range(80) > 59).then(None).otherwise("outcome").alias("outcome")
    )
    found = comparison(tmp_path, model, model, table)
    assert found.pair.notes[0] == "20 rows left out: 'outcome' is missing"


def test_models_of_other_targets_and_other_classes_are_refused(tmp_path: Path) -> None:
    a, b = line(tmp_path / "a.onnx"), line(tmp_path / "b.onnx", task="regression")
    with pytest.raises(ArtifactError, match=r"the task is 'binary', but 'regression' in "):
        comparison(tmp_path, a, b, rows(60))
    strange = rows(60).with_columns(outcome=pl.lit("maybe"))
    with pytest.raises(
        DataError, match=r"not classes of the models; the first is 'maybe' in row 1"
    ):
        comparison(tmp_path, a, a, strange)


def test_a_task_of_a_plug_in_needs_the_config(tmp_path: Path) -> None:
    model = Predictor(line(tmp_path / "a.onnx"))
    model.metadata["task"] = "ordinal"
    rows(60).write_parquet(tmp_path / "rows.parquet")
    with pytest.raises(ArtifactError, match=r"no task 'ordinal'\. If .* give `--config` with a"):
        predict_pair((model, model), ("A", "B"), Source.for_path(tmp_path / "rows.parquet"))


def test_another_look_uses_an_interval_for_all_looks(tmp_path: Path) -> None:
    old, new = line(tmp_path / "a.onnx"), line(tmp_path / "b.onnx", 2.2)
    words = [new, old, tmp_path / "t.csv"]
    rows(800, 1).write_csv(tmp_path / "t.csv")
    first = outcome(tmp_path, *words)
    assert first == (5, first[1])
    assert outcome(tmp_path, *words)[1]["looks"] == first[1]["looks"]  # the same table

    pl.concat([rows(800, 1), rows(20, 2)]).write_csv(tmp_path / "t.csv")
    _, second = outcome(tmp_path, *words)
    assert [look["rows"] for look in second["looks"]] == [800, 820]
    width = second["loss"]["upper"] - second["loss"]["lower"]
    assert width > first[1]["loss"]["upper"] - first[1]["loss"]["lower"]

    rows(60).write_csv(tmp_path / "t.csv")
    result = run("promote", *words, "-o", tmp_path / "promotion.json")
    assert isinstance(result.exception, DataError)
    assert "Add the new rows to the earlier ones" in str(result.exception)


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "{}",
        "{",
        '{"files": {}, "looks": [{"rows": 9}]}',
        '{"files": {}, "looks": [{"table": "a", "rows": "many", "outcome": "kept"}]}',
        '{"files": {}, "looks": 3}',
    ],
)
def test_a_file_that_promote_did_not_write_is_an_error(tmp_path: Path, text: str) -> None:
    model, output = line(tmp_path / "a.onnx"), tmp_path / "promotion.json"
    rows(60).write_csv(tmp_path / "t.csv")
    output.write_text(text)
    result = run("promote", model, model, tmp_path / "t.csv", "-o", output)
    assert isinstance(result.exception, ArtifactError)
    assert "was not written by `onward promote`, or was edited" in str(result.exception)
    assert output.read_text() == text


def test_looks_are_read_when_no_other_command_can_add_one(tmp_path: Path) -> None:
    models = line(tmp_path / "a.onnx"), line(tmp_path / "b.onnx", 2.1)
    output = tmp_path / "promotion.json"
    rows(60).write_csv(tmp_path / "t.csv")
    output.write_text("earlier looks, which are no longer the last")
    with replacing(output) as new:
        result = run("promote", *models, tmp_path / "t.csv", "-o", output)
        new.write_text("{}")
    assert isinstance(result.exception, LockedError)


def test_spellings_of_the_target_come_from_a_config(tmp_path: Path) -> None:
    models = line(tmp_path / "a.onnx"), line(tmp_path / "b.onnx", 2.1)
    config = {
        "source": {"type": "csv", "path": "t.csv", "delimiter": ";"},
        "target": {
            "name": "outcome",
            "kind": "classes",
            "classes": ["no", "yes"],
            "spellings": {"yes": ["Y"]},
        },
    }
    (tmp_path / "c.yaml").write_text(json.dumps({"prepare": config}))
    table = rows(60).with_columns(pl.col("outcome").replace("yes", "Y"))
    table.write_csv(tmp_path / "t.csv", separator=";")
    result = run("compare", *models, tmp_path / "t.csv", "--config", tmp_path / "c.yaml")
    assert result.exit_code == 0, result.exception


DIFFERENCES = st.builds(
    PairedDifference,
    st.floats(-1, 1),
    st.floats(0.01, 2),
    st.integers(50, 100_000),
)


@given(DIFFERENCES, st.floats(0, 0.5))
def test_the_rows_that_would_decide_do(difference: PairedDifference, margin: float) -> None:
    looks = Looks((Look("", 50, "undecided"),))
    check = check_loss(difference, looks, margin, "loss")
    if check.rows is not None:
        later = PairedDifference(difference.mean, difference.deviation, check.rows)
        assert check.rows >= difference.rows
        assert check_loss(later, looks, margin, "loss").outcome != "undecided"


@given(DIFFERENCES)
def test_an_interval_for_all_looks_is_wider(difference: PairedDifference) -> None:
    once, always = difference.interval(), difference.sequence(0.05, difference.rows)
    assert always.lower < once.lower < difference.mean < once.upper < always.upper


@given(st.lists(st.floats(0, 1), min_size=1))
def test_holm_corrects_no_more_than_bonferroni(chances: list[float]) -> None:
    adjusted = holm(np.array(chances))
    assert (adjusted >= chances).all()
    assert (adjusted <= np.minimum(np.array(chances) * len(chances), 1) + 1e-12).all()
    assert adjusted.min() == pytest.approx(min(1, min(chances) * len(chances)))


def test_differences_by_code_are_those_of_each_part() -> None:
    random = np.random.default_rng(0)
    values, codes = random.normal(size=300), random.integers(-1, 3, 300)
    for code, part in enumerate(differences_by_code(values, codes)):
        inside = values[codes == code]
        wanted = PairedDifference.of(inside, np.zeros(len(inside)))
        assert part.mean == pytest.approx(wanted.mean)
        assert part.deviation == pytest.approx(wanted.deviation)
        assert part.rows == wanted.rows
