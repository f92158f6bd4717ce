"""`onward monitor`, from a table to its verdict."""

import json
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from example_model import example
from forked import Run, onward

from onward.cli import _monitor_log
from onward.cli._monitor_job import MonitorJob
from onward.cli._monitor_log import MonitoredLog, log_tables
from onward.errors import DataError
from onward.monitoring.profile import Distribution, Profile
from onward.monitoring.tally import Tally
from onward.monitoring.unseen import UnseenCategories
from onward.schema import Field, Schema, Target
from onward.serving.model_file import identity
from onward.serving.predictor import Predictor

CONFIG = """\
prepare:
  source: {type: csv, path: table.csv}
  target: {name: paid, kind: classes, classes: ["no", "yes"]}
  split: {type: random, validation: 0.2, test: 0.3}
  columns:
    age: {type: numerical}
    size: {type: numerical}
    city: {type: categorical}
    since: {type: datetime}
    weight: {type: quantity, units: {kg: 1.0, g: 0.001}}
    member: {type: boolean, true_values: ["Yes"], false_values: ["No"]}
train:
  network:
    embedder: {type: identity}
    model: {type: linear}
    head: {type: binary}
  learner: {max_epochs: 20, learning_rate: 0.01, patience: 20}
export: {hide: [size]}
"""
ROWS, DAYS, DAILY = 4_000, 6, 500


def rows(number: int, seed: int, shift: float = 0.0, flip: float = 0.0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    age = draw.normal(40 + 10 * shift, 10, number)
    paid = (age - 40) / 10 + draw.normal(0, 0.7, number) > 0
    paid = np.where(draw.random(number) < flip, ~paid, paid)
    start = datetime(2024, 1, 1)
    return pl.DataFrame(
        {
            "age": age,
            "size": draw.lognormal(0, 1, number),
            "city": draw.choice(["Köln", "Paris", "Rome"], number, p=[0.5, 0.3, 0.2]),
            "since": [
                (start + timedelta(hours=int(h))).isoformat()
                for h in draw.integers(0, 9_999, number)
            ],
            "weight": [f"{value:.2f} kg" for value in draw.gamma(3, 2, number)],
            "member": draw.choice(["Yes", "No"], number),
            "paid": np.where(paid, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("monitor")
    (folder / "pay.yaml").write_text(CONFIG)
    rows(ROWS, 0).write_csv(folder / "table.csv")
    for stage in ("prepare", "train", "export"):
        done = onward(folder, stage, "pay.yaml")
        assert done.returncode == 0, done.stderr
    return folder


def week(**changes: Any) -> pl.DataFrame:
    """Rows of six days; the last three have changed."""
    parts = [
        rows(DAILY, 10 + day, **(changes if day >= DAYS - 3 else {})).with_columns(
            pl.lit(datetime(2025, 3, 1 + day)).alias("at"),
            pl.Series("id", np.arange(DAILY) + day * DAILY),
        )
        for day in range(DAYS)
    ]
    return pl.concat(parts)


def monitored(
    project: Path, log: pl.DataFrame | Path, *options: str
) -> tuple[Run, dict[str, Any], str]:
    """What the command says, its JSON, and its page."""
    path = project / "log.parquet" if isinstance(log, pl.DataFrame) else log
    if isinstance(log, pl.DataFrame):
        log.write_parquet(path)
    model = "artifacts/pay/export/model.onnx"
    out, page = project / "monitor.json", project / "monitor.html"
    words = ("monitor", model, str(path), "-o", str(out), "--html", str(page), *options)
    done = onward(project, *words)
    if done.returncode not in (0, 3):
        return done, {}, ""
    return done, json.loads(out.read_text()), page.read_text()


def entries(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in (*found["columns"], *found["predictions"])}


def test_the_same_rows_are_quiet(project: Path) -> None:
    done, found, page = monitored(project, week(), "--time", "at")

    assert done.returncode == 0, done.stderr
    assert found["verdict"]["state"] == "quiet"
    want = "The rows look like the training rows. Estimated accuracy"
    assert found["verdict"]["sentence"].startswith(want)
    assert [window["rows"] for window in found["windows"]] == [DAILY] * DAYS
    names = {"age", "size", "city", "since", "weight", "member", "probability of yes"}
    assert names == set(entries(found))
    assert not found["contract"] or {e["kind"] for e in found["contract"]} == {"out of range"}
    model = project / "artifacts/pay/export/model.onnx"
    assert found["model"]["id"] == identity(model.read_bytes())
    assert found["model"]["id"] in page
    assert "<script" not in page


def test_a_shift_is_named_with_the_day_it_began(project: Path) -> None:
    done, found, page = monitored(project, week(shift=0.8), "--time", "at")

    assert done.returncode == 3
    assert found["verdict"]["state"] == "drift"
    assert found["columns"][0]["name"] == "age"
    age = entries(found)["age"]
    assert age["states"] == ["quiet"] * 3 + ["watch", "drift", "drift"]
    assert age["since"] == "2025-03-04"
    assert 0.5 < age["effect"]["lower"] < age["effect"]["upper"] < 1.5
    assert entries(found)["city"]["state"] == "quiet"
    assert "drift, since 2025-03-04" in page
    assert "--labels TABLE --on ID" in found["verdict"]["next"]


def test_days_that_always_differ_raise_what_is_negligible(project: Path) -> None:
    shifts = np.random.default_rng(4).normal(0, 0.5, 20)
    days = [
        rows(DAILY, day, shift).with_columns(pl.lit(datetime(2025, 3, 1 + day)).alias("at"))
        for day, shift in enumerate(shifts)
    ]
    done, found, page = monitored(project, pl.concat(days), "--time", "at")

    age, city = entries(found)["age"], entries(found)["city"]
    assert age["negligible"] > 0.2 > 0.15 > city["negligible"]
    assert f"<td>{age['negligible']:.2f}</td>" in page
    assert done.returncode == 0, done.stderr


def test_shuffled_columns_do_not_drift(project: Path) -> None:
    log = week(shift=0.0)
    shuffled = log.with_columns(pl.col("age", "city", "weight").shuffle(3))
    done, found, _ = monitored(project, shuffled, "--time", "at")
    assert done.returncode == 0
    assert {entries(found)[name]["state"] for name in ("age", "city", "weight")} == {"quiet"}


def test_unseen_categories_and_unreadable_texts_are_named(project: Path) -> None:
    is_one = pl.int_range(pl.len()) % 100 == 7
    log = week().with_columns(
        city=pl.when(is_one).then(pl.lit("Oslo")).otherwise("city"),
        weight=pl.when(is_one).then(pl.lit("heavy")).otherwise("weight"),
    )
    done, found, page = monitored(project, log, "--rows", "1500")

    breaches = {(e["column"], e["kind"]): e for e in found["contract"]}
    unseen = breaches["city", "unseen"]
    assert (unseen["rows"], unseen["examples"]) == (30, ["Oslo"])
    assert unseen["latest"]["lower"] < 0.01 < unseen["latest"]["upper"]
    assert breaches["weight", "unreadable"]["examples"] == ["heavy"]
    assert "Oslo" in page
    assert done.returncode == 3


def test_booleans_of_another_spelling_are_unreadable(project: Path) -> None:
    is_last = pl.col("at") == datetime(2025, 3, DAYS)
    log = week().with_columns(member=pl.when(is_last).then(pl.lit("Y")).otherwise("member"))

    done, found, page = monitored(project, log, "--time", "at")

    [entry] = [entry for entry in found["contract"] if entry["column"] == "member"]
    assert (entry["kind"], entry["rows"], entry["examples"]) == ("unreadable", DAILY, ["Y"])
    assert entry["latest"]["share"] == 1
    assert entry["states"] == ["quiet"] * (DAYS - 1) + ["watch"]
    assert "member (unreadable)" in found["verdict"]["sentence"]
    assert "<td>unreadable</td>" in page
    assert done.returncode == 0, done.stderr


def test_numbers_other_than_1_and_0_are_unreadable_booleans() -> None:
    field = Field("open", "boolean", "number")
    note = {"values": ["1", "0"], "counts": [5, 5, 0, 0], "spread": 0.0}
    profile = Profile({"open": Distribution("open", note)}, {}, {}, {}, None)
    schema = Schema((field,), Target("paid", "classes", ("no", "yes")))
    tally = Tally(schema, profile, {}, [], UnseenCategories(b"", [field], None))
    values = pl.DataFrame({"open": [1.0, 0.5, None, 0.0]})

    tally.add(values, np.zeros(4, np.int64), {})

    assert tally.windows[0].breaches == {("open", "unreadable"): 1}
    assert tally.examples["open", "unreadable"] == ["0.5"]


def test_lost_quality_is_seen_with_labels(project: Path) -> None:
    log = week(flip=0.3)
    labels = log.select("id", "paid")
    labels.filter(pl.col("id") < 5 * DAILY + DAILY // 2).write_parquet(project / "labels.parquet")
    options = ("--time", "at", "--labels", "labels.parquet", "--on", "id")
    done, found, page = monitored(project, log.drop("paid"), *options)

    assert done.returncode == 3, done.stderr
    quality = {entry["name"]: entry for entry in found["quality"]}
    assert quality["accuracy"]["states"] == ["quiet"] * 3 + ["watch", "drift", "too few"]
    assert found["verdict"]["state"] == "quality lost"
    assert found["verdict"]["sentence"].startswith("The accuracy")
    assert found["verdict"]["next"].startswith("train a new model on recent rows, then onward")
    assert [window["labelled"] for window in found["windows"]][-1] == DAILY // 2
    assert quality["calibration_slope"]["states"][3:] == ["watch", "drift", "too few"]
    assert quality["calibration_slope"]["windows"][4]["upper"] < 0.8
    assert 0.7 < quality["calibration_slope"]["held_out"] < 1.3
    assert {part["rows"] for part in found["calibration"]} < {*range(DAILY)}
    slices = {(part["column"], part["slice"]): part for part in found["slices"]["slices"]}
    assert slices["city", "Köln"]["state"] == "drift"
    assert slices["city", "Köln"]["since"] == "2025-03-04"
    assert "above all for" in found["verdict"]["sentence"]
    assert "city = Köln" in page
    assert "observed (95 %)" in page
    truth = log.filter(pl.col("at") == datetime(2025, 3, 4))
    predicted = Predictor(project / "artifacts/pay/export/model.onnx")(truth)["label"]
    want = float((predicted == truth["paid"].to_numpy()).mean())
    assert quality["accuracy"]["windows"][3]["value"] == pytest.approx(want)


def test_labels_that_are_no_classes_have_a_remedy(project: Path) -> None:
    labels = week().select("id", paid=pl.col("paid") + " ")
    labels.write_parquet(project / "labels.parquet")

    done, _, _ = monitored(project, week(), "--labels", "labels.parquet", "--on", "id")

    assert done.returncode == 65
    assert " ', which is not a class of the model. Correct the labels: " in done.stderr


@pytest.mark.parametrize("shift", [0.0, 0.8])
def test_the_window_of_an_older_measurement_is_named(project: Path, shift: float) -> None:
    log = week(shift=shift)
    log.select("id", "paid").head(DAILY).write_parquet(project / "labels.parquet")
    options = ("--time", "at", "--labels", "labels.parquet", "--on", "id")

    _, found, page = monitored(project, log.drop("paid"), *options)

    accuracy = next(entry for entry in found["quality"] if entry["name"] == "accuracy")
    measured = f"Measured accuracy {accuracy['windows'][0]['value']:.3g} in the window 2025-03-01 ("
    assert measured in found["verdict"]["sentence"]
    estimate = found["estimate"]["windows"][-1]["value"]
    assert f"Estimated accuracy {estimate:.3g} in the last window (" in found["verdict"]["sentence"]
    assert "), window 2025-03-01</td>" in page
    assert (found["verdict"]["state"] == "drift") == (shift > 0)
    is_to_label = found["verdict"]["next"].startswith("add labels of the last window to labels")
    assert is_to_label == (shift > 0)


def test_a_slice_that_became_worse_is_named(project: Path) -> None:
    # of middle ages: of others the model is confident, and slices of these would lose more
    is_paris = (
        (pl.col("city") == "Paris")
        & pl.col("age").is_between(27.5, 53)
        & (pl.col("at") >= datetime(2025, 3, 4))
    )
    flipped = pl.when(pl.col("paid") == "no").then(pl.lit("yes")).otherwise(pl.lit("no"))
    log = week().with_columns(paid=pl.when(is_paris).then(flipped).otherwise("paid"))
    log.select("id", "paid").write_parquet(project / "labels.parquet")
    options = ("--time", "at", "--labels", "labels.parquet", "--on", "id")
    done, found, _ = monitored(project, log.drop("paid"), *options)

    assert done.returncode == 3, done.stderr
    first = found["slices"]["slices"][0]
    assert (first["column"], first["slice"], first["state"]) == ("city", "Paris", "drift")
    worse = [part["slice"] for part in found["slices"]["slices"] if part["state"] == "drift"]
    assert "Köln" not in worse
    assert "city = Paris" in found["verdict"]["sentence"]


def test_the_estimate_follows_a_shift_of_the_columns(project: Path) -> None:
    log = week(shift=2.0)
    _, found, _ = monitored(project, log, "--time", "at")
    last = log.filter(pl.col("at") == datetime(2025, 3, 6))
    predicted = Predictor(project / "artifacts/pay/export/model.onnx")(last)["label"]
    truth = float((predicted == last["paid"].to_numpy()).mean())
    estimate = found["estimate"]["windows"][-1]
    assert estimate["lower"] <= truth <= estimate["upper"]
    assert estimate["value"] > found["estimate"]["held_out"] + 0.03


def test_a_log_of_a_server_is_read_with_its_predictions(project: Path) -> None:
    model = project / "artifacts/pay/export/model.onnx"
    log, predictor = week(), Predictor(model)
    outputs = predictor(log)
    logged = log.drop("paid", "at", "id", "weight").with_columns(
        pl.lit("2025-03-01T10:00:00.000+00:00").alias("onward/time"),
        pl.Series("onward/id", [str(n) for n in range(len(log))]),
        pl.lit(identity(model.read_bytes())).alias("onward/version"),
        pl.Series("label", outputs["label"].tolist()),
        *(
            pl.Series(f"probability_{name}", outputs["probabilities"][:, code])
            for code, name in enumerate(("no", "yes"))
        ),
    )
    folder = project / "requests"
    folder.mkdir()
    logged.head(2_000).with_columns(
        pl.col("onward/time").str.to_datetime(time_zone="UTC")
    ).write_parquet(folder / "a.parquet")
    logged.head(2_000).write_ndjson(folder / "a.jsonl")  # is removed once the other is complete
    logged.tail(1_000).write_ndjson(folder / "b.jsonl")
    log.select("id", "paid").rename({"id": "request"}).write_csv(project / "truth.csv")

    options = ("--labels", "truth.csv", "--on", "request")
    done, found, _ = monitored(project, folder, *options)

    assert done.returncode == 0, done.stderr
    assert [(w["rows"], w["labelled"]) for w in found["windows"]] == [(3_000, 3_000)]
    assert {part["state"] for part in found["slices"]["slices"]} == {"quiet"}
    assert found["slices"]["tested"] == len(found["slices"]["slices"])
    assert "weight" not in entries(found)  # the server was told not to log it
    assert entries(found)["probability of yes"]["state"] == "quiet"

    pairs = logged.with_columns((pl.int_range(pl.len()) // 2).cast(pl.String).alias("onward/id"))
    done, found, _ = monitored(project, pairs, *options)
    assert "no label for 3,000 rows, since the id of a request names several" in done.stderr
    assert [window["labelled"] for window in found["windows"]] == [0]

    parts = [logged, logged.with_columns(pl.lit(None, pl.Float32).alias("probability_yes"))]
    all_columns = pl.concat(parts).with_columns(log["weight"].append(log["weight"]))
    _, found, _ = monitored(project, all_columns)
    assert entries(found)["probability of yes"]["shares"][-1] == 0  # missing

    older = logged.with_columns(pl.lit("0" * 12).alias("onward/version"))
    done, *_ = monitored(project, older)
    assert done.returncode == 65
    assert "log.parquet: has rows of another version than " in done.stderr


def test_a_log_of_another_model_version_is_named(project: Path) -> None:
    of_this = identity((project / "artifacts/pay/export/model.onnx").read_bytes())
    of_other = "0" * 12
    other, this = (
        week().with_columns(pl.lit(version).alias("onward/version"))
        for version in (of_other, of_this)
    )

    done, found, _ = monitored(project, other, "--time", "at")
    warning = f"log.parquet: the log is of model version {of_other} (3,000 rows), not of {of_this}"
    assert warning in done.stderr
    assert found["versions"] == {of_other: 3_000}

    canary, found, _ = monitored(project, pl.concat([other.head(500), this]), "--time", "at")
    assert f"has also rows of model version {of_other} (500 rows)" in canary.stderr
    assert "the log is of" not in canary.stderr
    assert found["versions"] == {of_this: 3_000, of_other: 500}

    same, *_ = monitored(project, this, "--time", "at")
    assert "version" not in same.stderr


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_a_log_of_one_format_is_read_once(tmp_path: Path, suffix: str) -> None:
    frame = pl.DataFrame({"age": [39.0, 40.0]})
    (frame.write_parquet if suffix == "parquet" else frame.write_ndjson)(tmp_path / f"a.{suffix}")
    assert [table.num_rows() for table in log_tables(tmp_path)] == [2]


def test_a_table_beside_the_parts_of_a_server_is_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame({"age": [39.0, 40.0]})
    frame.write_parquet(tmp_path / "a.parquet")
    frame.write_ndjson(tmp_path / "b.jsonl")
    frame.write_csv(tmp_path / "labels.csv")

    with pytest.raises(DataError, match=r"tables that end in \.csv, \.jsonl, \.parquet"):
        list(log_tables(tmp_path))


@pytest.mark.parametrize("later", ["age", "age,size,city"])
@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_a_log_whose_columns_changed_is_refused(
    project: Path, tmp_path: Path, later: str, suffix: str
) -> None:
    week().select("age", "size").write_parquet(tmp_path / "a.parquet")
    changed = week().select(later.split(","))
    (changed.write_parquet if suffix == "parquet" else changed.write_ndjson)(
        tmp_path / f"b.{suffix}"
    )

    done, *_ = monitored(project, tmp_path)

    assert done.returncode == 65
    which = "no column 'size'" if later == "age" else "also column 'city'"
    assert f"b.{suffix}: there is {which}, unlike in {tmp_path / 'a.parquet'}" in done.stderr


def test_parts_in_folders_are_read_in_both_formats(tmp_path: Path) -> None:
    frame = pl.DataFrame({"age": [39.0, 40.0]})
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        frame.write_parquet(tmp_path / name / "a.parquet")
    frame.write_ndjson(tmp_path / "two" / "b.jsonl")
    frame.write_ndjson(tmp_path / "two" / "a.jsonl")  # being converted

    assert [table.num_rows() for table in log_tables(tmp_path)] == [2, 2, 2]


def test_a_request_is_seen_to_have_several_rows_where_a_chunk_ends(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = ["one", "two", "two", "three", "four", "four"]
    moments = ["2025-03-01", "2025-03-01", "2025-03-01", "2025-03-01", "2025-03-01", "2025-03-02"]
    names = pl.DataFrame({"onward/id": ids, "onward/time": moments})
    log = project / "split.parquet"
    pl.concat([rows(len(ids), 0), names], how="horizontal").write_parquet(log)
    model = project / "artifacts/pay/export/model.onnx"
    job = MonitorJob(model, log, log, "request", "day", None, None)

    for chunk in (1, 2, 3, 6):
        monkeypatch.setattr(_monitor_log, "CHUNK", chunk)
        watched = MonitoredLog(job)
        got = [name for part in watched.parts() if part.ids is not None for name in part.ids]
        assert got == ["one", None, None, "three", "four", "four"]
        assert watched.shared_ids == 2


def test_no_value_of_a_hidden_column_is_in_the_file_or_on_the_page(project: Path) -> None:
    _, found, _ = monitored(project, week(), "--time", "at")
    assert entries(found)["size"]["bins"] == ["present", "missing"]
    signature = json.loads((project / "artifacts/pay/export/signature.json").read_text())
    assert signature["example"]["row"]["size"] is None
    assert "minimum" not in next(i for i in signature["inputs"] if i["name"] == "size")
    assert onward(project, "verify", "artifacts/pay/export/model.onnx").returncode == 0


def test_files_and_logs_that_do_not_fit_are_refused(project: Path, tmp_path: Path) -> None:
    done, *_ = monitored(project, week().drop("age"), "--time", "at")
    assert done.returncode == 65
    assert "there is no column 'age'" in done.stderr
    old = example(tmp_path / "old.onnx")
    done = onward(project, "monitor", str(old), "table.csv")
    assert done.returncode == 66
    assert "Export it again" in done.stderr
    done, *_ = monitored(project, week(), "--time", "when")
    assert done.returncode == 65


@pytest.mark.parametrize(
    ("options", "next_command"),
    [
        (["--time", "at", "--by", "month"], "--labels TABLE --on ID --time at --by month"),
        (["--rows", "400"], "--labels TABLE --on ID --rows 400"),
    ],
)
def test_the_next_command_has_the_options_of_this_one(
    project: Path, options: list[str], next_command: str
) -> None:
    log = pl.concat(
        [week(shift=0.8), week(shift=0.8).with_columns(pl.col("at").dt.offset_by("1mo"))]
    )

    done, found, _ = monitored(project, log, *options)

    assert done.returncode == 3
    command = found["verdict"]["next"]
    assert sorted(command.split()[4:]) == sorted(next_command.split())


def test_rows_without_a_time_are_a_window_of_that_name(project: Path) -> None:
    has_time = pl.int_range(pl.len()) % 2 == 0
    log = week().with_columns(pl.when(has_time).then(pl.col("at")).alias("at"))

    _, found, page = monitored(project, log, "--time", "at")

    assert found["windows"][0]["name"] == "no time"
    assert "1969" not in page


def test_hours_with_too_few_rows_lead_to_days(project: Path) -> None:
    hours = pl.duration(hours=pl.int_range(pl.len()) % 24)
    log = week().with_columns(pl.col("at") + hours)

    done, found, _ = monitored(project, log, "--time", "at", "--by", "hour")

    assert done.returncode == 0
    assert found["verdict"]["state"] == "too few rows"
    largest = max(window["rows"] for window in found["windows"])
    sentence = found["verdict"]["sentence"]
    assert sentence.endswith(f" that a comparison needs; the largest has {largest}.")
    assert found["verdict"]["next"].endswith("log.parquet --time at")  # by day


def test_too_few_rows_do_not_lead_to_windows_of_a_time_that_is_not_there(project: Path) -> None:
    _, found, _ = monitored(project, week().head(150))

    assert found["verdict"]["next"].startswith("collect more rows, then onward monitor ")


def test_windows_at_the_end_that_are_not_compared_are_counted(project: Path) -> None:
    few, some = (
        week().tail(count).with_columns(pl.col("at").dt.offset_by("7d")) for count in (9, 1)
    )
    later = some.with_columns(pl.col("at").dt.offset_by("1d"))

    sentences = [
        monitored(project, pl.concat(parts), "--time", "at")[1]["verdict"]["sentence"]
        for parts in ([week()], [week(), few], [week(), few, later])
    ]

    end = "too few to compare."
    assert not sentences[0].endswith(end)
    assert sentences[1].endswith(f" The last window has 9 rows, {end}")
    assert sentences[2].endswith(f" The last 2 windows have at most 9 rows, {end}")


def test_labels_of_other_rows_are_named(project: Path) -> None:
    (project / "other.csv").write_text("id,paid\nx1,yes\n")
    options = ("--time", "at", "--labels", "other.csv", "--on", "id")

    done, *_ = monitored(project, week(), *options)

    assert "other.csv: labels for none of the rows of " in done.stderr
    assert "such as '0', those of the labels such as 'x1'. Correct --on" in done.stderr


def test_a_log_that_is_still_written_is_named(project: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.part").write_text('{"age": 3')

    done, *_ = monitored(project, tmp_path)
    week().write_ndjson(tmp_path / "b.jsonl")
    later, found, _ = monitored(project, tmp_path)

    assert done.returncode == 65
    assert (
        f"{tmp_path}: no part of the log is finished. The server finishes a part after"
        in done.stderr
    )
    assert "1 part still written and not read, such as a.jsonl.part" in later.stderr
    assert found["rows"] == DAYS * DAILY


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--html", "nowhere/a.html"], 2, "nowhere/a.html: there is no folder nowhere"),
        (["--time", "att"], 65, "there is no column 'att' (--time). Did you mean 'at'?"),
        (["--time", "nope"], 65, "there is no column 'nope' (--time). There are 'age', 'size', "),
        (
            ["--labels", "orders.csv", "--on", "order"],
            65,
            "there is no column 'order' (--on). There are 'age', 'size', ",
        ),
        (["--html", "artifacts"], 2, "file 'artifacts' is a directory"),
        (["--rows", "300", "--time", "at"], 2, "--rows counts rows, and --time is for windows of"),
        (["--rows", "300", "--by", "day"], 2, "--rows counts rows, and --by is for windows of"),
        (
            ["--by", "day"],
            65,
            "no column 'onward/time', which --by needs. Name the column of times",
        ),
        (
            ["--time", "city"],
            65,
            "log.parquet: column 'city' has values that are no times, such as '",
        ),
    ],
)
def test_a_wrong_option_is_named(
    project: Path, options: list[str], code: int, message: str
) -> None:
    week().write_parquet(project / "log.parquet")
    (project / "orders.csv").write_text("order,paid\n1,yes\n")

    done = onward(project, "monitor", "artifacts/pay/export/model.onnx", "log.parquet", *options)

    assert done.returncode == code
    assert message in " ".join(done.stderr.replace("│", " ").split())


def test_the_computing_part_needs_few_libraries() -> None:
    code = """
import importlib, pkgutil, sys
import onward.monitoring
for module in pkgutil.iter_modules(onward.monitoring.__path__):
    importlib.import_module(f"onward.monitoring.{module.name}")
slow = {"torch", "lightning", "onnx", "pydantic", "dvc", "typer", "scipy.stats", "scipy.optimize"}
print(sorted(slow & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
