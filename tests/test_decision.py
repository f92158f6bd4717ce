"""Labels serve what they are for: never worse on the rows that chose, and as theory has it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn import metrics as reference

from onward.errors import ConfigError
from onward.serving.decision_rule import describe_rule
from onward.tasks.decision import Decision, gains, purpose, threshold

Array = np.ndarray
SETTINGS = {
    "f1": Decision(metric="f1"),
    "balanced_accuracy": Decision(metric="balanced_accuracy"),
    "costs": Decision(costs={"b": {"a": 20.0}}),
}


def rows(shares: list[float], count: int, seed: int = 0) -> tuple[Array, Array]:
    """Targets, and the probabilities that they were drawn with."""
    random = np.random.default_rng(seed)
    scores = 1.5 * random.normal(size=(count, len(shares))) + np.log(shares)
    probabilities = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    target = (probabilities.cumsum(1) < random.random((count, 1))).sum(1)
    return target, probabilities


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("classes", ["ab", "abc"])
@given(seed=st.integers(0, 20), is_weighed=st.booleans())
def test_labels_are_never_worse_on_the_rows_that_chose(
    name: str, classes: str, seed: int, is_weighed: bool
) -> None:
    target, probabilities = rows([0.9, 0.1, 0.2][: len(classes)], 60, seed)
    weights = np.random.default_rng(seed).random(60) if is_weighed else None
    serves = purpose(SETTINGS[name], classes)
    gained = gains(serves, target, probabilities, weights)

    after = serves(target, (probabilities @ gained).argmax(1), weights)

    before = serves(target, probabilities.argmax(1), weights)
    if name != "costs":
        assert after >= before
    elif len(classes) == 2:
        assert after <= before


@pytest.mark.parametrize("name", ["f1", "balanced_accuracy"])
def test_no_threshold_is_better(name: str) -> None:
    target, probabilities = rows([0.95, 0.05], 400)
    serves = purpose(SETTINGS[name], "ab")
    found = threshold(gains(serves, target, probabilities, None))
    positive = probabilities[:, 1]
    score = {"f1": reference.f1_score, "balanced_accuracy": reference.balanced_accuracy_score}[name]
    best = max(score(target, positive >= each) for each in positive)
    assert found is not None
    assert score(target, positive >= found) == pytest.approx(best)
    assert best > score(target, positive >= 0.5) + 0.05


def test_true_probabilities_give_the_thresholds_of_theory() -> None:
    """Elkan: cost of a false alarm among both costs. Balanced accuracy: the share of the class."""
    target, probabilities = rows([0.8, 0.2], 30_000)
    by_cost = threshold(gains(purpose(SETTINGS["costs"], "ab"), target, probabilities, None))
    assert by_cost == pytest.approx(1 / 21, abs=0.02)
    balanced = purpose(SETTINGS["balanced_accuracy"], "ab")
    by_share = threshold(gains(balanced, target, probabilities, None))
    assert by_share == pytest.approx(target.mean(), abs=0.04)


def test_a_weight_counts_as_many_rows() -> None:
    target, probabilities = rows([0.9, 0.1], 200)
    times = np.random.default_rng(1).integers(0, 4, 200)
    serves = purpose(SETTINGS["f1"], "ab")
    weighed = gains(serves, target, probabilities, times.astype(np.float64))
    labels = (probabilities @ weighed).argmax(1)
    repeated = gains(serves, target.repeat(times), probabilities.repeat(times, 0), None)
    others = (probabilities @ repeated).argmax(1)
    assert reference.f1_score(target, labels, sample_weight=times) == pytest.approx(
        reference.f1_score(target, others, sample_weight=times)
    )


def test_costs_of_many_classes_decide_by_what_is_expected() -> None:
    costs = Decision(costs={"c": {"a": 100.0, "b": 100.0}})
    gained = gains(purpose(costs, "abc"), np.array([0, 1]), np.full((2, 3), 1 / 3), None)
    assert (np.array([[0.5, 0.45, 0.05], [0.6, 0.4, 0.0]]) @ gained).argmax(1).tolist() == [2, 0]


def test_rows_of_one_class_leave_the_likeliest_label() -> None:
    probabilities = np.array([[0.7, 0.3], [0.2, 0.8]])
    gained = gains(purpose(SETTINGS["f1"], "ab"), np.array([0, 0]), probabilities, None)
    assert threshold(gained) == 0.5


def test_a_class_that_there_is_not_is_refused() -> None:
    costs = Decision(costs={"yes": {"know": 3.0}})
    with pytest.raises(ConfigError, match=r"no class 'know'. Did you mean 'no'\?"):
        purpose(costs, ("no", "yes"))


@pytest.mark.parametrize(
    "settings", [{}, {"metric": "f1", "costs": {}}, {"costs": {"a": {"a": 1.0}}}, {"metric": "auc"}]
)
def test_labels_are_for_one_thing(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Decision.model_validate(settings)


def test_people_read_the_rule() -> None:
    measured = {split: {"before": 0.25, "after": 0.5} for split in ("validation", "test")}
    note = {"metric": "F1", "gains": [[0.2, 0], [0, 0.8]], "threshold": 0.2, **measured}
    lines = [" ".join(line) for line in describe_rule(note, ("no", "yes"))]
    assert lines[0] == "label 'yes' from a probability of 0.2 on, not from 0.5"
    assert lines[2] == "F1 on validation rows 0.25, now 0.5"
    factors = {**note, "threshold": None, "gains": np.diag([0.1, 0.5, 1]).tolist()}
    assert "'c' x 1" in describe_rule(factors, "abc")[0][1]
    costs = {**note, "threshold": None, "gains": [[1, 0.5, 0], [0, 1, 0], [0, 0, 1]]}
    assert "expected cost" in describe_rule(costs, "abc")[0][1]
