"""What derived columns learn, from which rows, and how prepare and the exported file use them."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import polars as pl
import pytest

from onward.artifacts.prepared import Prepared
from onward.blocks import NUMERICAL
from onward.errors import ConfigError, DataError
from onward.preprocessing.columns import Column
from onward.preprocessing.derivations import Derivation
from onward.preprocessing.out_of_fold import FOLDS, Deriving
from onward.schema import Target
from onward.settings.config import section
from onward.stages import evaluate, export, prepare, train

ROWS, CITIES, SMOOTHING = 600, 12, 5.0
NUMBER = Target("y", "number")

CONFIG = """\
prepare:
  source: {type: csv, path: t.csv}
  target: {name: pay, kind: number}
  split: {type: column, name: part}
  leaks: {accept: [km]}
  derive: {DERIVE}
  columns:
    km: {type: numerical, missing: [NA], feature: false}
    city: {type: categorical}
    since: {type: datetime}
    until: {type: datetime}
    COLUMNS
"""
MINUTES = "minutes: {type: elapsed, start: since, end: until, unit: minutes}"
SPEED = "speed: {type: formula, expression: km / minutes}"
PAID = "paid: {type: target_mean, column: city}"
BINS = "far: {type: bins, column: km, quantiles: 4}"
MADE = ", ".join((MINUTES, SPEED, PAID, BINS))
TRAIN = """\
train:
  network:
    embedder: {type: identity}
    model: {type: linear}
    head: {type: regression}
  learner: {max_epochs: 1}
"""
READ = "NAME: {type: numerical}\n"


def keys(draw: np.random.Generator) -> pl.LazyFrame:
    return pl.LazyFrame({"city": [f"c{place}" for place in draw.integers(0, CITIES, ROWS)]})


def means(rows: pl.LazyFrame, targets: np.ndarray, *, training: bool) -> np.ndarray:
    column = Column.members["categorical"]
    member = Derivation.members["target_mean"]
    config = member.Config(name="x", column="city", smoothing=SMOOTHING)
    made: Derivation = member(config)
    city: Column = column(column.Config(name="city"))
    deriving = Deriving([city], [made], seed=0)
    deriving.fit(rows, targets, NUMBER)
    return pl.concat(deriving.derive(rows, are_training=training))["x"].to_numpy()


def smoothed(rows: pl.LazyFrame, targets: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Micci-Barreca's means, one row at a time."""
    cities, overall = rows.collect()["city"].to_numpy(), targets.mean()
    want = []
    for city in cities:
        of_city = targets[(cities == city) & counted]
        share = len(of_city) / (len(of_city) + SMOOTHING)
        want.append(share * of_city.mean() + (1 - share) * overall)
    return np.array(want)


def test_held_out_rows_get_what_all_training_rows_say() -> None:
    draw = np.random.default_rng(0)
    rows, targets = keys(draw), draw.normal(50, 9, ROWS)
    want = smoothed(rows, targets, np.ones(ROWS, bool))
    np.testing.assert_allclose(means(rows, targets, training=False), want)


def test_a_training_row_gets_what_the_other_parts_say() -> None:
    draw = np.random.default_rng(0)
    rows, targets = keys(draw), draw.normal(50, 9, ROWS)
    part = np.random.default_rng(0).integers(0, FOLDS, ROWS, dtype=np.int8)
    want = np.empty(ROWS)
    for fold in range(FOLDS):
        want[part == fold] = smoothed(rows, targets, part != fold)[part == fold]
    np.testing.assert_allclose(means(rows, targets, training=True), want)


def test_means_of_noise_tell_training_rows_nothing_of_their_own_target() -> None:
    """In-fold means of as many categories as this have a correlation of about 0.5."""
    draw, found = np.random.default_rng(0), []
    for _ in range(20):
        rows = pl.LazyFrame({"city": [f"c{place}" for place in draw.integers(0, 150, ROWS)]})
        targets = draw.normal(size=ROWS)
        found.append(np.corrcoef(means(rows, targets, training=True), targets)[0, 1])
    assert abs(np.mean(found)) < 0.05


def table(draw: np.random.Generator) -> pl.DataFrame:
    minutes = draw.integers(1, 300, ROWS)
    km = minutes * draw.uniform(0.1, 2, ROWS)
    frame = pl.DataFrame(
        {
            "km": km.round(2),
            "city": draw.choice(["Köln", "Paris", "Oslo"], ROWS).astype(object),
            "minutes_": minutes,
            "pay": 3 * km / minutes + draw.normal(size=ROWS),
            "part": draw.choice(["train", "validation", "test"], ROWS).astype(object),
        },
        strict=False,
    ).with_columns(pl.col("city", "part").cast(pl.String))
    start = pl.datetime(2024, 2, 28) + pl.duration(hours=pl.int_range(pl.len()))
    return frame.with_columns(
        since=start.dt.to_string("iso"),
        until=(start + pl.duration(minutes="minutes_")).dt.to_string("iso"),
    ).drop("minutes_")


def configured(folder: Path, derive: str, columns: str = "") -> prepare.Settings:
    path = folder / "c.yaml"
    text = CONFIG.replace("t.csv", str(folder / "t.csv")).replace("DERIVE", derive)
    path.write_text(text.replace("COLUMNS", columns))
    return section(path, "prepare", prepare.Settings)


def reading(*names: str) -> str:
    return "    ".join(READ.replace("NAME", name) for name in names)


def prepared(folder: Path, frame: pl.DataFrame, derive: str, columns: str) -> Prepared:
    folder.mkdir(exist_ok=True)
    frame.write_csv(folder / "t.csv")
    prepare.run(configured(folder, derive, columns), folder)
    return Prepared(folder / "prepare")


def test_features_come_from_derived_columns_and_callers_send_raw_ones(tmp_path: Path) -> None:
    frame = table(np.random.default_rng(0))
    made = prepared(tmp_path, frame, MADE, reading("minutes", "speed", "paid", "far"))
    asked = {each.name for each in onnx.load(tmp_path / "prepare/preprocess.onnx").graph.input}
    assert asked == {"km", "city", "since", "until"}
    owners = set(made.blocks()[NUMERICAL].owners)
    assert owners == {"since", "until", "minutes", "speed", "paid", "far"}  # km is no feature
    derived = {each["name"]: each["made"] for each in made.profiles()["derived"]}
    assert derived["speed"] == "km / minutes"
    assert derived["minutes"] == "until - since, in minutes"


def test_baselines_see_the_columns_that_features_are_made_of(tmp_path: Path) -> None:
    frame = table(np.random.default_rng(0))
    made = prepared(tmp_path, frame, f"{MINUTES}, {SPEED}", reading("speed"))
    for split in ("train", "validation", "test"):
        together = pl.concat([made.rows(split), made.derived(split)], how="horizontal").collect()
        lasted = pl.col("until").str.to_datetime() - pl.col("since").str.to_datetime()
        want = together.select(pl.col("km") / lasted.dt.total_seconds() * 60).to_series()
        np.testing.assert_allclose(together["speed"], want)
    text = (tmp_path / "c.yaml").read_text() + TRAIN
    (tmp_path / "c.yaml").write_text(text)
    train.run(section(tmp_path / "c.yaml", "train", train.Settings), tmp_path)
    export.run(export.Settings(), tmp_path)
    evaluate.run(evaluate.Settings(), tmp_path)
    document = json.loads((tmp_path / "evaluate/comparison.json").read_text())
    for baseline in ("linear", "boosted_trees"):
        assert document[baseline]["r2"]["value"] > 0.4  # of dates and towns nobody learns a thing


def test_nothing_is_learned_from_held_out_rows(tmp_path: Path) -> None:
    frame = table(np.random.default_rng(0))
    is_held_out = pl.col("part") != "train"
    changed = frame.with_columns(
        km=pl.when(is_held_out).then(pl.col("km") * 7).otherwise("km"),
        city=pl.when(is_held_out).then(pl.lit("Oslo")).otherwise("city"),
        pay=pl.when(is_held_out).then(pl.col("pay") - 99).otherwise("pay"),
    )
    for name, some in (("one", frame), ("other", changed)):
        prepared(tmp_path / name, some, MADE, reading("minutes", "speed", "paid", "far"))
    one, other = ((tmp_path / name / "prepare") for name in ("one", "other"))
    for file in ("preprocess.onnx", "train.numerical.npy", "train.categorical.npy"):
        assert (one / file).read_bytes() == (other / file).read_bytes()
    assert (one / "test.numerical.npy").read_bytes() != (other / "test.numerical.npy").read_bytes()


def test_a_derived_column_that_tells_the_target_stops_prepare(tmp_path: Path) -> None:
    frame = table(np.random.default_rng(0)).with_columns(fee=pl.col("pay") - pl.col("km"))
    derive = "sum: {type: formula, expression: km + fee}"
    fee = "fee: {type: numerical, feature: false}\n    "
    with pytest.raises(DataError, match=r"column 'sum' alone .* remove it from prepare.derive"):
        prepared(tmp_path, frame, derive, fee + reading("sum"))


def test_rules_of_a_derived_column_are_kept(tmp_path: Path) -> None:
    frame = table(np.random.default_rng(0))
    rule = "minutes: {type: numerical, maximum: 100}\n"
    with pytest.raises(DataError, match=r"derived: .*minutes.*100"):
        prepared(tmp_path, frame, MINUTES + ", " + BINS, rule + "    " + reading("far"))


BAD: list[tuple[str, str, str]] = [
    (MINUTES, "", "no column reads 'minutes'. Add an entry with its name to prepare.columns"),
    (MINUTES.replace("since", "sinc"), "minutes", "Did you mean 'since'?"),
    (MINUTES.replace("since", "city"), "minutes", "'city' as dates, but it has none"),
    (SPEED, "speed", "'minutes', which is neither in prepare.columns nor derived"),
    (f"{SPEED}, {MINUTES}", "speed", "Write 'minutes' before 'speed'"),
    (SPEED.replace("minutes", "pay"), "speed", "the target, which is not known"),
    (SPEED.replace("minutes", "speed"), "speed", "itself"),
    (SPEED.replace("minutes", "city"), "speed", "'city' as numbers, but it is text"),
    (SPEED.replace("km / minutes", "km ** 2"), "speed", "only + - * / ( ), numbers and names"),
    (SPEED.replace("km / minutes", "open(km)"), "speed", "not 'open(km)'"),
    (SPEED.replace("km / minutes", "km +"), "speed", "cannot be read"),
    (SPEED.replace("km / minutes", "1 + 2"), "speed", "there is no column in"),
    (f"{BINS}, {BINS}", "far", "'far' occurs twice"),
    (
        BINS.replace("far", "onward/weight"),
        "onward/weight",
        "is a reserved name in the exported file",
    ),
    (BINS.replace("far", "label"), "label", "'label' is a reserved name in the exported file"),
    (BINS.replace("quantiles", "quantile"), "far", "Did you mean 'quantiles'?"),
    (BINS.replace(", quantiles: 4", ""), "far", "give either edges or quantiles"),
    (BINS.replace("quantiles: 4", "edges: [2, 1]"), "far", "edges must ascend"),
    (
        f"{PAID}, a: {{type: group_statistic, column: paid, by: city}}",
        "a",
        "comes from the target by 'paid', and learns from it in turn",
    ),
    (
        f"{PAID}, b: {{type: formula, expression: paid * 2}}, "
        "a: {type: bins, column: b, quantiles: 3}",
        "a",
        "comes from the target by 'paid'",
    ),
    ("a: {type: crosss, columns: [city, km]}", "a", "Did you mean 'cross'?"),
    ("a: {type: cross, columns: [city, since]}", "a", "Derive a `calendar` part first"),
    ("a: {type: cross, columns: [city, km]}", "a", "Declare it `type: categorical`"),
]


@pytest.mark.parametrize(("derive", "column", "message"), BAD)
def test_settings_that_cannot_be_are_refused_before_anything_is_read(
    tmp_path: Path, derive: str, column: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        configured(tmp_path, derive, reading(column) if column else "")


@pytest.mark.parametrize(
    ("derive", "change", "message"),
    [
        (BINS, {"km": pl.lit(1.0)}, "'far'.*too few of them distinct for bins"),
        (PAID, {"city": pl.lit("Köln")}, "'paid'.*have the same 'city'"),
        (PAID.replace("city}", "city, outcome: 'yes'}"), {}, "is not a class of the target"),
        (BINS, {"far": pl.col("km")}, "'far' is already a column of the table"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    tmp_path: Path, derive: str, change: dict[str, Any], message: str
) -> None:
    frame = table(np.random.default_rng(0)).with_columns(**change)
    name = "far" if "far" in derive else "paid"
    use_km = "" if "km" in derive else ", " + BINS.replace("far", "other")
    columns = reading(name, *(["other"] if use_km else []))
    with pytest.raises(DataError, match=message):
        prepared(tmp_path, frame, derive + use_km, columns)
