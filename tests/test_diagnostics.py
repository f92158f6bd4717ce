"""Where a model errs, and for whom: the references are loops, scipy and scikit-learn."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from finished_stages import finish
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from onward.errors import ConfigError
from onward.evaluation.diagnostics import HeldOut, diagnose
from onward.evaluation.diagnostics._dependence import (
    GRID_CATEGORIES,
    GRID_ENDS,
    GRID_POINTS,
    dependence,
)
from onward.evaluation.diagnostics._fairness import MAX_FAIRNESS_GROUPS, fairness
from onward.evaluation.diagnostics._groups import MAX_BINS, MISSING_GROUP, group_rows
from onward.evaluation.diagnostics._residual_patterns import patterns
from onward.evaluation.diagnostics._significance import (
    FALSE_DISCOVERY_RATE,
    differ,
    exceeds,
    false_discovery_rates,
)
from onward.evaluation.diagnostics._slices import MIN_SLICE_ROWS, slices
from onward.evaluation.diagnostics._worst_errors import ROWS_PER_KIND, worst
from onward.schema import Field, Target
from onward.stages.evaluate import Settings, run
from onward.tasks import Array, Predictions
from onward.tasks.binary import Binary
from onward.tasks.regression import Regression

AGE = Field("age", "numerical", "number")
CITY = Field("city", "categorical", "text", ("?",))
SINCE = Field("since", "datetime", "text")
COLUMNS = (AGE, CITY, SINCE)
NUMBER = Regression(Target("pay", "number"))
CLASSES = Binary(Target("paid", "classes", ("no", "yes")))


def raw(rows: int, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "age": random.normal(40, 10, rows).round(1),
            "city": random.choice(["Ulm", "Köln", "Bonn", "?"], rows, p=[0.5, 0.3, 0.15, 0.05]),
            "since": [f"20{year:02}-05-03" for year in random.integers(0, 24, rows)],
        }
    )


def numbered(rows: pl.DataFrame) -> Array:
    """As of a table where every third row is held out."""
    return np.arange(3, 3 * len(rows) + 3, 3)


def numbers(rows: pl.DataFrame, value: Array, target: Array) -> HeldOut:
    told = {"value": value, "lower": value - 1, "upper": value + 1}
    return HeldOut(NUMBER, COLUMNS, rows, numbered(rows), target, told, told)


def classes(rows: pl.DataFrame, probability: Array, target: Array) -> HeldOut:
    told = told_of(probability)
    return HeldOut(CLASSES, COLUMNS, rows, numbered(rows), target.astype(np.int64), told, told)


def told_of(probability: Array) -> Predictions:
    both = np.stack([1 - probability, probability], axis=1)
    return {"label": (probability >= 0.5).astype(np.int64), "probabilities": both}


def noisy(rows: int, seed: int) -> HeldOut:
    """Nothing is left to learn."""
    random = np.random.default_rng(seed)
    probability = random.uniform(0.05, 0.95, rows)
    return classes(raw(rows, seed), probability, random.uniform(size=rows) < probability)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_rates_are_those_of_benjamini_and_hochberg(chances: list[float]) -> None:
    want = stats.false_discovery_control(chances, method="bh")
    np.testing.assert_allclose(false_discovery_rates(np.array(chances)), want, atol=1e-12)


@pytest.mark.parametrize("size", [30, 150, 400])
def test_chances_are_those_of_permutations(size: int) -> None:
    random = np.random.default_rng(size)
    loss = random.exponential(size=500) ** 2  # skewed, as losses are
    codes = np.where(np.arange(500) < size, 0, -1)
    orders = [random.permutation(loss) for _ in range(10_000)]
    means = np.array([order[:size].mean() for order in orders])
    for share in (0.5, 0.1, 0.02):
        place = np.argsort(means)[round((1 - share) * 10_000)]
        assert exceeds(orders[place], codes, 1)[0] == pytest.approx(share, rel=0.15)


def test_two_groups_differ_as_welch_says() -> None:
    random = np.random.default_rng(0)
    one, other = random.normal(0, 1, 40), random.normal(0.5, 3, 90)
    want = stats.ttest_ind(one, other, equal_var=False).pvalue
    of_groups = [np.array([f(one), f(other)]) for f in (len, np.mean, lambda x: np.var(x, ddof=1))]
    assert differ(*of_groups) == pytest.approx(want)


def test_three_equal_groups_seldom_differ() -> None:
    random = np.random.default_rng(0)
    rows = np.array([30, 60, 120])
    found = []
    for _ in range(1_000):
        parts = [random.normal(0, scale, n) for scale, n in zip((1, 2, 4), rows, strict=True)]
        of_groups = (np.array([f(part) for part in parts]) for f in (np.mean, np.var))
        found.append(differ(rows, *of_groups))
    assert np.mean(np.array(found) < 0.1) == pytest.approx(0.1, abs=0.04)


@settings(deadline=None)
@given(st.lists(st.none() | st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_each_number_is_in_the_one_group_that_spans_it(values: list[float | None]) -> None:
    column = pl.Series("age", values, pl.Float64)
    groups = group_rows(AGE, column, 1)
    assert groups.sizes.sum() == len(values)
    assert len(groups.names) <= MAX_BINS + 1
    for name, code in zip(groups.names, range(len(groups.names)), strict=True):
        inside = column.filter(pl.Series(groups.codes == code))
        assert (name == MISSING_GROUP) == (inside.null_count() > 0)
    ends = [(x.min(), x.max()) for x in _known_parts(column, groups.codes)]
    assert all(low[1] < high[0] for low, high in itertools.pairwise(ends))


def _known_parts(column: pl.Series, codes: Array) -> list[Array]:
    known = [column.filter(pl.Series(codes == code)).drop_nulls() for code in np.unique(codes)]
    return [part.to_numpy() for part in known if len(part)]


def test_tenths_of_a_number_have_equally_many_rows() -> None:
    groups = group_rows(AGE, pl.Series(np.random.default_rng(0).normal(size=1_000)), 1)
    assert groups.sizes.tolist() == [100] * MAX_BINS


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=30, max_size=300))
def test_a_number_with_many_equal_values_is_in_a_group_that_is_large_enough(
    values: list[int],
) -> None:
    column = pl.Series("age", [*values, *range(11)], pl.Float64)
    groups = group_rows(AGE, column, 30)
    assert groups.sizes.min() >= 30
    assert groups.sizes.sum() == len(column)


def test_small_groups_are_none() -> None:
    column = pl.Series(["a"] * 60 + ["b"] * 49 + ["?"] * 50 + [None])
    groups = group_rows(CITY, column, 50)
    assert (groups.names, groups.sizes.tolist()) == (("a", MISSING_GROUP), [60, 51])
    assert (groups.codes == -1).sum() == 49


def test_names_of_integer_categories_have_no_fraction() -> None:
    threads = Field("threads", "categorical", "number")
    groups = group_rows(threads, pl.Series([2.0, 10.0, 2.0, None]), 1)
    assert groups.names == ("2", "10", MISSING_GROUP)


def test_dates_are_grouped_by_the_shortest_period_that_gives_few() -> None:
    days = pl.Series([f"2024-0{month}-{day:02}" for month in (1, 2) for day in range(1, 29)])
    assert group_rows(SINCE, days, 1).names == ("2024-01", "2024-02")
    assert group_rows(SINCE, days[:10], 1).names[0] == "2024-01-01"


@given(
    st.lists(st.integers(0, 14), min_size=40, max_size=300),
    st.sampled_from(["number", "date"]),
)
def test_all_rows_of_numbers_and_dates_are_in_a_group(values: list[int], kind: str) -> None:
    field, texts = AGE, pl.Series(values, dtype=pl.Float64)
    if kind == "date":
        field, texts = SINCE, pl.Series([f"2024-{1 + v // 5:02}-{1 + v % 5:02}" for v in values])
    groups = group_rows(field, texts, 30)
    assert groups.sizes.sum() == len(values)
    assert (groups.sizes >= 30).all()


def test_dates_are_grouped_as_their_column_reads_them() -> None:
    texts = pl.Series(["01/02/2024", "02/02/2024", "2024-02-01"])
    groups = group_rows(replace(SINCE, settings={"format": "%d/%m/%Y"}), texts, 1)
    assert groups.names == ("2024-02-01", "2024-02-02", MISSING_GROUP)


@pytest.mark.parametrize("task", ["number", "classes"])
def test_a_planted_weak_slice_comes_first(task: str) -> None:
    random, table = np.random.default_rng(0), raw(3_000)
    is_weak = (table["city"] == "Bonn").to_numpy()
    if task == "number":
        truth = random.normal(size=3_000)
        found = slices(numbers(table, truth + random.normal(0, 1 + is_weak), truth), 0)
    else:
        happened = random.integers(0, 2, 3_000)
        sure = np.where(is_weak, 0.5, 0.8)
        is_right = random.uniform(size=3_000) < sure
        probability = np.where(is_right == happened, 0.8, 0.2)
        found = slices(classes(table, probability, happened), 0)
    assert found["slice"].to_list()[:1] == ["Bonn"]
    first = found.row(0, named=True)
    assert first["rate"] < 1e-6
    assert first["loss"] > first["elsewhere"]
    assert first["rows"] == is_weak.sum()
    assert first["lower"] <= first["metric"] <= first["upper"]


def test_noise_has_weak_slices_no_more_often_than_promised(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # only the rates are tested
    monkeypatch.setattr("onward.evaluation.diagnostics._slices.SLICES_WITH_METRIC", 1)
    found = [float(slices(noisy(600, seed), 0)["rate"].to_numpy().min()) for seed in range(60)]
    assert sum(rate <= FALSE_DISCOVERY_RATE for rate in found) <= 8  # 3 expected


def test_a_slice_that_leaves_few_rows_is_none() -> None:
    table = raw(400)
    city = (
        pl.when(pl.int_range(400) < MIN_SLICE_ROWS - 1)
        .then(pl.lit("Bonn"))
        .otherwise(pl.lit("Ulm"))
    )
    table = table.with_columns(city.alias("city"))
    truth = np.zeros(400)
    assert "city" not in slices(numbers(table, truth + 1, truth), 0)["column"].to_list()


def test_a_pattern_that_was_left_is_found_and_noise_is_not() -> None:
    random, table = np.random.default_rng(1), raw(2_000)
    truth = random.normal(size=2_000) + 0.3 * (table["city"] == "Köln").to_numpy()
    tables = patterns(numbers(table, np.zeros(2_000), truth))
    assert tables["patterns"].filter(pl.col("rate") <= FALSE_DISCOVERY_RATE)[
        "column"
    ].to_list() == ["city"]
    bins = tables["pattern_bins"].filter(pl.col("group") == "Köln").row(0, named=True)
    mask = (table["city"] == "Köln").to_numpy()
    assert bins["residual"] == pytest.approx(truth[mask].mean())
    assert bins["upper"] - bins["residual"] == pytest.approx(
        1.96 * truth[mask].std() / np.sqrt(mask.sum()), rel=0.01
    )
    noise = [patterns(noisy(1_000, seed))["patterns"] for seed in range(60)]
    found = [float(table["rate"].to_numpy().min()) for table in noise]
    assert sum(rate <= FALSE_DISCOVERY_RATE for rate in found) <= 8


def test_worst_rows_are_the_surest_errors_with_their_raw_values() -> None:
    held_out = noisy(500, 3)
    tables = worst(held_out, ["city", "age", "since"])
    table, sure = tables["worst"], held_out.predictions["probabilities"].max(1)
    wrong = held_out.predictions["label"] != held_out.target
    assert table["certainty"].to_list() == sorted(table["certainty"], reverse=True)
    for kind, name in ((1, "yes"), (0, "no")):
        of_kind = table.filter(pl.col("actual") == name)
        want = np.sort(sure[wrong & (held_out.target == kind)])[::-1][:ROWS_PER_KIND]
        np.testing.assert_allclose(of_kind["certainty"].to_numpy(), want)
    first = held_out.rows[int(table["row"][0]) // 3 - 1].to_dicts()[0]
    shown = {
        column: value for place, column, value in tables["worst_values"].iter_rows() if place == 1
    }
    assert shown == {**first, "age": f"{first['age']:.15g}"}


def test_worst_rows_of_a_number_are_too_high_and_too_low() -> None:
    truth = np.random.default_rng(0).normal(size=300)
    table = worst(numbers(raw(300), np.where(truth > 0, 0.0, 0.1), truth), ["age"])["worst"]
    assert (table["residual"] > 0).sum() == (table["residual"] < 0).sum() == ROWS_PER_KIND
    assert table["residual"].abs().is_sorted(descending=True)


def test_a_perfect_model_has_no_worst_rows() -> None:
    truth = np.arange(20.0)
    tables = worst(numbers(raw(20), truth, truth), ["age"])
    assert len(tables["worst"]) == len(tables["worst_values"]) == 0


def linear(rows: pl.DataFrame) -> Predictions:
    """Knows a number and a category, which do not interact."""
    value = (2 * rows["age"] + 5 * (rows["city"] == "Ulm").cast(pl.Float64)).to_numpy()
    return {"value": value, "lower": value, "upper": value}


def test_dependence_is_the_mean_over_rows_with_one_value_changed() -> None:
    rows = raw(200)
    held_out = numbers(rows, linear(rows)["value"], np.zeros(200))
    tables = dependence(held_out, linear, ["city", "age"], np.random.default_rng(0))
    table = tables["dependence"]
    for column, value, number, mean in table.select("column", "value", "number", "mean").rows():
        new = value if number is None else number
        want = linear(rows.with_columns(pl.lit(new).alias(column)))["value"].mean()
        assert mean == pytest.approx(want)
    ages = table.filter(pl.col("column") == "age")["number"]
    assert len(ages) == GRID_POINTS
    assert ages.is_sorted()
    assert ages[0] == pytest.approx(rows["age"].quantile(GRID_ENDS[0]), abs=1)
    assert ages[-1] == pytest.approx(rows["age"].quantile(GRID_ENDS[1]), abs=1)
    lines = tables["ice"].filter(pl.col("column") == "age")
    for (_,), line in lines.group_by("line"):
        steps = np.diff(line.sort("place")["prediction"].to_numpy())
        np.testing.assert_allclose(steps, 2 * np.diff(ages.to_numpy()))


def test_a_column_with_one_value_has_no_dependence_and_many_categories_are_few() -> None:
    table = raw(300).with_columns(
        pl.lit(1.0).alias("age"), pl.int_range(300).cast(pl.String).alias("city")
    )
    held_out = numbers(table, np.zeros(300), np.zeros(300))
    found = dependence(held_out, linear, ["age", "city"], np.random.default_rng(0))["dependence"]
    assert found["column"].to_list() == ["city"] * GRID_CATEGORIES


def test_fairness_counts_what_scikit_learn_counts() -> None:
    held_out = noisy(2_000, 5)
    table = fairness(held_out, ["city"], 0)
    assert table["group"].to_list() == ["Ulm", "Köln", "Bonn", MISSING_GROUP]
    truth, label = held_out.target, held_out.predictions["label"]
    for line in table.to_dicts():
        name = "?" if line["group"] == MISSING_GROUP else line["group"]
        mask = (held_out.rows["city"] == name).to_numpy()
        cells = reference.confusion_matrix(truth[mask], label[mask]).ravel()
        negative, false_positive, false_negative, positive = cells.tolist()
        assert line["rows"] == mask.sum()
        assert line["base_rate"] == pytest.approx(truth[mask].mean())
        assert line["selection_rate"] == pytest.approx(label[mask].mean())
        assert line["tpr"] == pytest.approx(positive / (positive + false_negative))
        assert line["fpr"] == pytest.approx(false_positive / (false_positive + negative))
        want = reference.roc_auc_score(
            truth[mask], held_out.predictions["probabilities"][mask][:, 1]
        )
        assert line["metric"] == pytest.approx(want)


def test_distances_are_to_the_largest_group() -> None:
    table = fairness(noisy(2_000, 5), ["city"], 0)
    largest, *others = table.to_dicts()
    assert largest["parity"] is None
    for line in others:
        assert line["parity"] == pytest.approx(line["selection_rate"] - largest["selection_rate"])
        assert line["tpr_gap"] == pytest.approx(line["tpr"] - largest["tpr"])
        assert line["fpr_gap"] == pytest.approx(line["fpr"] - largest["fpr"])
        assert line["ratio"] == pytest.approx(line["selection_rate"] / largest["selection_rate"])
        for name in ("parity", "tpr_gap", "fpr_gap", "ratio"):
            assert line[f"{name}_lower"] < line[name] < line[f"{name}_upper"]


def test_the_largest_group_is_shown_though_it_is_the_last_of_many() -> None:
    rows = raw(2_000)
    cities = [None if place % 2 else f"city {place % 80:02}" for place in range(len(rows))]
    truth = np.zeros(len(rows))
    held_out = numbers(rows.with_columns(city=pl.Series(cities)), truth, truth)
    table = fairness(held_out, ["city"], 0)
    assert len(table) == MAX_FAIRNESS_GROUPS
    assert table["group"][-1] == MISSING_GROUP
    assert table.filter(pl.col("group") == MISSING_GROUP)["error_gap"].to_list() == [None]


def test_intervals_of_equal_groups_hold_zero_as_often_as_they_say() -> None:
    ends = pl.concat(fairness(noisy(400, seed), ["city"], seed) for seed in range(60))
    known = ends.drop_nulls("parity")
    for name in ("parity", "tpr_gap", "fpr_gap"):
        holds = (known[f"{name}_lower"] <= 0) & (known[f"{name}_upper"] >= 0)
        assert float(holds.mean()) == pytest.approx(0.95, abs=0.05)  # type: ignore[arg-type]


def test_fairness_of_a_number_is_its_mean_error() -> None:
    random, rows = np.random.default_rng(0), raw(1_000)
    is_koeln = (rows["city"] == "Köln").to_numpy()
    truth = random.normal(size=1_000) + is_koeln
    table = fairness(numbers(rows, np.zeros(1_000), truth), ["city"], 0)
    ulm, koeln = (
        table.filter(pl.col("group") == name).row(0, named=True) for name in ("Ulm", "Köln")
    )
    assert koeln["error"] == pytest.approx(truth[is_koeln].mean())
    assert koeln["error_gap"] == pytest.approx(koeln["error"] - ulm["error"])
    assert 0.7 < koeln["error_gap_lower"] < 1 < koeln["error_gap_upper"] < 1.4
    want = reference.r2_score(truth[is_koeln], np.zeros(is_koeln.sum()))
    assert koeln["metric"] == pytest.approx(want)


def test_a_wide_table_is_looked_at_by_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onward.evaluation.diagnostics.MAX_GROUPED_CELLS", 600)
    held_out = noisy(500, 0)
    predict = lambda rows: told_of(np.full(len(rows), 0.5))  # noqa: E731
    tables = diagnose(held_out, predict, ["age", "city", "since"], [], 0)
    rows = tables["pattern_bins"].group_by("column").agg(pl.col("rows").sum())["rows"]
    assert max(rows.to_list()) <= 200
    assert "fairness" not in tables


def test_an_unknown_sensitive_column_is_refused(tmp_path: Path) -> None:
    finish(tmp_path, "regression")
    for name, message in {
        "hieght in cm": "Did you mean 'height in cm'",
        "xyz": "There are 'age', 'height in cm', 'city', 'since'",
    }.items():
        with pytest.raises(ConfigError, match=f"'{name}' is not an input .*{message}"):
            run(Settings(sensitive=("city", name)), tmp_path)
    assert not (tmp_path / "evaluate").exists()


def test_texts_that_look_like_numbers_come_back_as_texts(tmp_path: Path) -> None:
    finish(tmp_path, "binary", classes=("007", "08"))
    run(Settings(sensitive=("city",)), tmp_path)
    plots = tmp_path / "evaluate" / "plots"
    table = pl.read_parquet(plots / "fairness.parquet")
    assert table["class"].unique().to_list() == ["08"]
    assert json.loads((tmp_path / "evaluate" / "metrics.json").read_text())
