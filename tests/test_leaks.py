"""Planted leaks are found before training, and honest tables raise no alarm."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.artifacts.prepared import Prepared
from onward.errors import DataError
from onward.quality.leaks import LeakRules, search
from onward.quality.leaks._overlap import num_held_out_too_early
from onward.quality.leaks._univariate_strength import outcomes, strength
from onward.schema import Field, Kind, Schema, Target
from onward.settings.config import section
from onward.stages import prepare
from onward.table.splits import Split

ROWS = 2000
CLASSES = ("low", "middle", "high")
Plant = Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]


def honest(kind: str, draw: np.random.Generator) -> pl.DataFrame:
    """Columns that know a part of the target, as those of real tables do."""
    size, weight = draw.normal(size=(2, ROWS))
    city = draw.integers(0, 30, ROWS)
    target = size + 0.5 * weight + np.cos(city) + draw.normal(0, 0.8, ROWS)
    frame = pl.DataFrame(
        {
            "size": size.round(4),
            "weight": (weight + 0.3 * size).round(4),
            "city": [f"city {number}" for number in city],
            "since": [f"20{number:02}-05-03" for number in draw.integers(0, 24, ROWS)],
            "target": target,
        }
    )
    if kind == "number":
        return frame
    ranks = pl.col("target").rank("ordinal") * len(CLASSES) // (ROWS + 1)
    return frame.with_columns(ranks.replace_strict([0, 1, 2], CLASSES).alias("target"))


def found_in(frame: pl.DataFrame, rules: LeakRules, split: str = "random") -> list[str]:
    """What the errors are about."""
    kind: Kind = "number" if frame["target"].dtype == pl.Float64 else "classes"
    classes = CLASSES if kind == "classes" else ()
    targets = (
        frame["target"].to_numpy()
        if kind == "number"
        else frame["target"].replace_strict(CLASSES, [0, 1, 2], return_dtype=pl.Int64).to_numpy()
    )
    fields = [
        Field(
            name,
            "datetime" if name == "since" else "any",
            "number" if frame[name].dtype.is_numeric() else "text",
        )
        for name in frame.columns
        if name not in ("target", *rules.columns)
    ]
    schema = Schema(tuple(fields), Target("target", kind, classes))
    member = Split.members[split]
    by = {} if split == "random" else {"name": {"group": "patient", "time": "visited"}[split]}
    values = frame[by["name"]] if by else None
    splits = member(member.Config(**by)).assign(targets, values, 0)
    leaks = search(frame.lazy(), splits, targets, schema, rules)
    return [leak.what for leak in leaks]


def copied(frame: pl.DataFrame, target: pl.Expr) -> pl.DataFrame:
    return frame.with_columns(target.alias("leak"))


def noisy(frame: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    """The target, but for one row of a thousand."""
    other = frame["target"].to_numpy().copy()
    wrong = draw.choice(ROWS, ROWS // 1000, replace=False)
    other[wrong] = draw.permutation(other)[wrong]
    return frame.with_columns(leak=pl.Series(other))


def by_target(frame: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    """Numbered in an order that has much to do with the target."""
    order = frame["target"].rank().to_numpy() + draw.normal(0, ROWS / 4, ROWS)
    return frame[np.argsort(order)].with_row_index("leak").cast({"leak": pl.Float64})


def after_the_event(frame: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    """A date that is there only once the target is known, and which says how long it took."""
    days = pl.col("target").rank("dense") * 5
    when = pl.lit("2024-01-01").str.to_date() + pl.duration(days=days)
    return frame.with_columns(leak=when.dt.strftime("%F"))


def repeating(frame: pl.DataFrame, change: pl.Expr) -> pl.DataFrame:
    """One row of twenty is there twice."""
    return pl.concat([frame, frame[:100].with_columns(change)])


def with_total(frame: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    """What is paid in total, and the tip, tell the fare but for small fees."""
    tip = pl.Series(draw.exponential(5, ROWS).round(2))
    fee = pl.Series(draw.choice([0.0, 0.2], ROWS))
    total = pl.col("target") + tip + fee
    return frame.with_columns(tip=tip, leak=total)


def with_parts(frame: pl.DataFrame, draw: np.random.Generator) -> pl.DataFrame:
    """Two parts that make the target up, one of them often missing."""
    part = pl.Series(draw.normal(0, 20, ROWS))
    has_part = pl.Series(draw.random(ROWS) < 0.5)
    return frame.with_columns(
        part=pl.when(has_part).then(part),
        leak=pl.col("target") - pl.when(has_part).then(part).otherwise(0.0),
    )


NUMBER: dict[str, Plant] = {
    "copy": lambda frame, _: copied(frame, pl.col("target")),
    "scaled": lambda frame, _: copied(frame, 7 - 1e9 * pl.col("target")),
    "rounded": lambda frame, _: copied(frame, pl.col("target").round(1)),
    "function": lambda frame, _: copied(frame, (pl.col("target") - 20).pow(2)),
    "noisy": noisy,
    "row id": by_target,
    "after the event": after_the_event,
}
LABEL: dict[str, Plant] = {
    "relabelled": lambda frame, _: copied(
        frame, pl.col("target").replace(CLASSES, ["b", "c", "a"])
    ),
    "coded": lambda frame, _: copied(
        frame, pl.col("target").replace_strict(CLASSES, [3.0, 9.0, 1.0])
    ),
    "missing where": lambda frame, _: frame.with_columns(
        target=pl.when(pl.col("target") == "low").then(pl.col("target")).otherwise(pl.lit("high")),
    ).with_columns(leak=pl.when(pl.col("target") == "low").then(pl.col("size"))),
    "noisy": noisy,
    "row id": lambda frame, _: frame.sort("target").with_row_index("leak"),
}
PLANTED = [("number", *each) for each in NUMBER.items()]
PLANTED += [("classes", *each) for each in LABEL.items()]


@pytest.mark.parametrize(("kind", "name", "plant"), PLANTED)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_column_that_tells_the_target_is_found(
    kind: str, name: str, plant: Plant, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    frame = plant(honest(kind, draw), draw)
    [found] = found_in(frame, LeakRules())
    assert found.startswith("column 'leak' alone explains"), name
    assert found_in(frame, LeakRules(accept=("leak",))) == []


@pytest.mark.parametrize("plant", [with_total, with_parts])
@pytest.mark.parametrize("seed", [0, 1])
def test_columns_that_add_up_to_the_target_are_found(plant: Plant, seed: int) -> None:
    draw = np.random.default_rng(seed)
    frame = plant(honest("number", draw), draw)
    [found] = found_in(frame, LeakRules())
    assert re.fullmatch("columns .*'leak'.* add up to [0-9.]*% of the target .*", found)
    assert "'size'" not in found
    assert found_in(frame, LeakRules(accept=("leak",))) == []


def pairs(draw: np.random.Generator, rows: int = ROWS) -> pl.DataFrame:
    left, right = draw.integers(0, 7, (2, rows)).astype(float)
    more = {"price": draw.lognormal(3, 1, rows), "pieces": draw.integers(1, 40, rows).astype(float)}
    cities = {name: draw.choice(["Bonn", "Köln", "Ulm"], rows) for name in ("from", "to")}
    return pl.DataFrame({"left": left, "right": right, **more, **cities})


SIGN = pl.when(pl.col("left") > pl.col("right")).then(pl.lit("high"))
PAIRS = {
    "'left' - 'right'": SIGN.when(pl.col("left") == pl.col("right"))
    .then(pl.lit("middle"))
    .otherwise(pl.lit("low")),
    "'price' / 'pieces'": pl.col("price") / pl.col("pieces"),
    "'price' * 'pieces'": (pl.col("price") * pl.col("pieces")).log(),
    "'from' = 'to'": pl.when(pl.col("from") == pl.col("to"))
    .then(pl.lit("low"))
    .otherwise(pl.lit("high")),
}


@pytest.mark.parametrize("formula", PAIRS)
@pytest.mark.parametrize("rows", [93, ROWS])
def test_a_function_of_two_columns_that_tells_the_target_is_found(formula: str, rows: int) -> None:
    frame = pairs(np.random.default_rng(0), rows).with_columns(target=PAIRS[formula])
    leaks = found_in(frame, LeakRules(repeated_rows="accept"))
    names = {name for name in frame.columns if f"'{name}'" in formula}
    assert leaks, formula
    assert all(names <= set(re.findall("'(.+?)'", leak)) for leak in leaks), leaks
    accepted = LeakRules(repeated_rows="accept", accept=(min(names),))
    assert found_in(frame, accepted) == []


@pytest.mark.parametrize("kind", ["number", "classes"])
@pytest.mark.parametrize("rows", [60, 93, 200])
def test_few_honest_rows_raise_no_alarm(kind: str, rows: int) -> None:
    for seed in range(5):
        frame = honest(kind, np.random.default_rng(seed))[:rows]
        assert found_in(frame, LeakRules()) == []


def test_a_copy_of_the_target_is_found_in_few_rows() -> None:
    for kind in ("number", "classes"):
        frame = copied(honest(kind, np.random.default_rng(0))[:60], pl.col("target"))
        [leak] = found_in(frame, LeakRules())
        assert leak.startswith("column 'leak' alone explains")


def test_too_few_rows_to_search_for_leaks_are_reported() -> None:
    [leak] = found_in(honest("number", np.random.default_rng(0))[:29], LeakRules())
    assert leak == "the search for leaks was skipped: it needs 30 rows, the table has 29"


def test_a_column_that_a_sum_does_without_is_not_in_it() -> None:
    draw = np.random.default_rng(0)
    before = draw.pareto(1.0, ROWS) * 1000
    flags = draw.integers(0, 2, (ROWS, 30)).astype(np.float64) * 10
    frame = pl.DataFrame(flags, [f"flag {place}" for place in range(30)]).with_columns(
        before=pl.Series(before), target=pl.Series(before + draw.normal(0, 30, ROWS))
    )
    assert not [what for what in found_in(frame, LeakRules()) if "add up" in what]


def test_a_law_of_nature_is_no_bookkeeping() -> None:
    draw = np.random.default_rng(0)
    parts = draw.normal(size=(2, ROWS))
    target = 3.2 * parts[0] - 1.5 * parts[1] + draw.normal(0, 0.1, ROWS)
    frame = pl.DataFrame({"size": parts[0], "weight": parts[1], "target": target})
    assert found_in(frame, LeakRules()) == []


@pytest.mark.parametrize("kind", ["number", "classes"])
@pytest.mark.parametrize(
    "change", [pl.col("size"), pl.format(" {}", pl.col("city").str.to_uppercase()).alias("city")]
)
def test_rows_that_are_there_twice_are_found(kind: str, change: pl.Expr) -> None:
    frame = repeating(honest(kind, np.random.default_rng(0)), change)
    [found] = found_in(frame, LeakRules())
    assert "of the held-out rows duplicate a training row" in found
    assert found_in(frame, LeakRules(repeated_rows="accept")) == []


def test_groups_and_times_across_the_splits_are_found_and_the_right_split_parts_them() -> None:
    frame = honest("number", np.random.default_rng(0)).with_columns(
        patient=pl.format("patient {}", pl.int_range(ROWS) // 4),
        visited=pl.format("20{}-01-01", pl.int_range(ROWS) % 80 + 10),
    )
    rules = {"group": LeakRules(groups=("patient",)), "time": LeakRules(time="visited")}
    frames = {"group": frame.drop("visited"), "time": frame.drop("patient")}
    for name, message in (("group", "'patient' in training"), ("time", "no later than")):
        [found] = found_in(frames[name], rules[name])
        assert message in found
        assert found_in(frames[name], rules[name], split=name) == []


@pytest.mark.parametrize("kind", ["number", "classes"])
@pytest.mark.parametrize("seed", range(5))
def test_honest_tables_raise_no_alarm(kind: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    frame = honest(kind, draw).with_columns(
        id=pl.format("{}", pl.Series(draw.permutation(ROWS))), empty=pl.lit(None, pl.Float64)
    )
    assert found_in(frame, LeakRules()) == []


def test_rows_of_few_categories_may_repeat_each_other() -> None:
    draw = np.random.default_rng(0)
    frame = honest("classes", draw).select("city", "target")
    assert (
        found_in(frame.with_columns(sex=pl.Series(draw.choice(["f", "m"], ROWS))), LeakRules())
        == []
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_a_column_of_noise_explains_nothing(seed: int, classes: int) -> None:
    draw = np.random.default_rng(seed)
    targets = draw.integers(0, classes + 1, 600) if classes > 1 else draw.normal(size=600)
    is_train = draw.random(600) < 0.7
    some = np.array([np.nan, 1.0, 2.0, *draw.normal(size=50)])
    values = pl.Series(draw.choice(some, 600), nan_to_null=True)
    assert strength(values, outcomes(targets), is_train) < 0.2


CONFIG = """\
prepare:
  source: {type: csv, path: t.csv}
  target: {name: target, kind: number}
  split: {type: random}
  leaks: LEAKS
  columns:
    size: {type: numerical}
    leak: {type: numerical}
    city: {type: categorical}
"""


def prepared(folder: Path, frame: pl.DataFrame, leaks: str) -> Prepared:
    frame.write_csv(folder / "t.csv")
    config = folder / "c.yaml"
    config.write_text(CONFIG.replace("LEAKS", leaks).replace("t.csv", str(folder / "t.csv")))
    prepare.run(section(config, "prepare", prepare.Settings), folder)
    return Prepared(folder / "prepare")


def test_prepare_stops_at_a_leak_and_says_what_to_do(tmp_path: Path) -> None:
    frame = copied(honest("number", np.random.default_rng(0)), pl.col("target") * 2)
    with pytest.raises(DataError, match=r"t.csv: column 'leak' alone .* prepare.leaks.accept$"):
        prepared(tmp_path, frame, "{}")
    assert not (tmp_path / "prepare").exists()


def test_a_suspicion_is_told_and_goes_into_the_report(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    draw = np.random.default_rng(0)
    frame = honest("number", draw)
    frame = frame.with_columns(leak=frame["target"] + draw.normal(0, 0.22, ROWS))
    quality: dict[str, Any] = prepared(tmp_path, frame, "{}").profiles()["quality"]
    [leak] = quality["leaks"]
    assert leak["level"] == "warning"
    assert "column 'leak' alone explains 9" in leak["what"]
    assert leak["what"] in caplog.text


def test_columns_of_the_leak_checks_are_read_though_nothing_is_predicted_from_them(
    tmp_path: Path,
) -> None:
    frame = honest("number", np.random.default_rng(0)).with_columns(
        leak=pl.lit(1.0) * pl.int_range(ROWS) % 7
    )
    with pytest.raises(DataError, match=r"values of the group column 'since' in training and"):
        prepared(tmp_path, frame, "{groups: [since]}")


def test_a_held_out_row_of_the_instant_of_the_last_training_row_is_too_early() -> None:
    when = pl.Series("when", ["2024-05-01", "2024-05-03", "2024-05-03", "2024-05-04"])
    is_train = np.array([True, True, False, False])
    assert num_held_out_too_early(when, is_train) == 1
