"""What a config does not say follows from the table, and what it says is kept."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from two_blocks import shape

from onward.network.models.mlp import Mlp
from onward.schema import Kind, Target
from onward.tasks import usual_task
from onward.training.default_settings import Choices, Given, Table, complete
from onward.training.learner import Learner
from onward.training.summary import description


def table(rows: int = 10_000, classes: int = 0, numbers: int = 5) -> Table:
    kind: Kind = "classes" if classes else "number"
    target = Target("y", kind, tuple(map(str, range(classes))))
    return Table(rows, shape(numbers, (3, 4), classes), usual_task(target))


@pytest.mark.parametrize(("classes", "head"), [(0, "regression"), (2, "binary"), (3, "multiclass")])
def test_nothing_need_be_said(classes: int, head: str) -> None:
    settings = complete(Given(), table(classes=classes))
    assert settings.network.model_dump()["head"]["type"] == head
    assert settings.network.model_dump()["model"]["type"] == "tabm"


@pytest.mark.parametrize("rows", [1, 30, 220, 2_000, 30_000, 10_000_000])
def test_fewer_rows_have_smaller_batches_and_bins(rows: int) -> None:
    few, more = (complete(Given(), table(some)) for some in (rows, 2 * rows))
    assert few.learner.batch_size <= more.learner.batch_size
    bins = [some.network.model_dump()["embedder"]["bins"] for some in (few, more)]
    assert bins == sorted(bins)


@pytest.mark.parametrize("rows", [40, 59, 149, 150, 1_000])
def test_a_training_takes_enough_steps(rows: int) -> None:
    learner = complete(Given(), table(rows)).learner
    assert learner.max_epochs * (rows // learner.batch_size) >= 96


@pytest.mark.parametrize(("numbers", "expected"), [(0, True), (2_000, True), (2_001, False)])
def test_thousands_of_numbers_have_no_vectors_each(numbers: int, expected: bool) -> None:
    network = complete(Given(), table(500, numbers=numbers)).network.model_dump()
    assert (network["embedder"]["type"] == "piecewise_linear_embedding") is expected


def test_effort_says_how_much_a_training_may_cost() -> None:
    fast, default, best = (
        complete(Given.model_validate({"effort": effort}), table())
        for effort in ("fast", "default", "best")
    )
    assert default == complete(Given(), table())
    assert (fast.learner.max_epochs, fast.network.model_dump()["model"]["k"]) == (16, 4)
    assert fast.folds == default.folds == 1
    assert best == default.model_copy(update={"folds": 5})


@pytest.mark.parametrize(
    ("effort", "rows", "members"),
    [("fast", 500, 2), ("default", 500, 4), ("best", 500, 8), ("default", 499, 8)],
)
def test_networks_of_folds_have_fewer_members(effort: str, rows: int, members: int) -> None:
    settings = complete(Given.model_validate({"effort": effort, "folds": 5}), table(rows))
    assert settings.network.model_dump()["model"]["k"] == members


def test_what_a_config_says_counts_more_than_its_effort() -> None:
    said = {"network": {"model": {"type": "tabm", "k": 3}}, "learner": {"max_epochs": 9}}
    fast = complete(Given.model_validate({"effort": "fast", **said}), table())
    assert (fast.learner.max_epochs, fast.network.model_dump()["model"]["k"]) == (9, 3)
    assert complete(Given.model_validate({"effort": "best", "folds": 1}), table()).folds == 1


@pytest.mark.parametrize("other", [{"selection": {}}, {"refit": "test"}, {"members": ({},)}])
def test_the_best_effort_trains_on_folds_and_nothing_else(other: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=f"{next(iter(other))}.* effort: best"):
        Given.model_validate({"effort": "best", **other})


def test_what_is_said_is_kept_and_the_rest_added() -> None:
    said: dict[str, Any] = {
        "seed": 3,
        "network": {"model": {"type": "tabm", "k": 3}, "head": {"type": "regression"}},
        "learner": {"max_epochs": 2},
    }
    by_rule = complete(Given(), table())

    settings = complete(Given.model_validate(said), table())

    assert settings.seed == 3
    model = {**by_rule.network.model_dump()["model"], "k": 3}
    assert settings.network.model_dump()["model"] == model
    assert settings.network.embedder == by_rule.network.embedder
    assert settings.learner == by_rule.learner.model_copy(update={"max_epochs": 2})


@pytest.mark.parametrize(
    ("said", "patience"),
    [({}, 8), ({"max_epochs": 60}, 20), ({"max_epochs": 2}, 8), ({"patience": 5}, 5)],
)
def test_a_longer_training_has_more_patience(said: dict[str, int], patience: int) -> None:
    settings = complete(Given.model_validate({"learner": said}), table())
    assert settings.learner.patience == patience


@pytest.mark.parametrize(
    ("shared", "said", "patience"),
    [
        ({}, {"max_epochs": 60}, 20),
        ({}, {"max_epochs": 60, "patience": "auto"}, 20),
        ({}, {"max_epochs": 60, "patience": 5}, 5),
        ({"max_epochs": 60}, {"max_epochs": 10}, 8),
        ({"max_epochs": 60}, {"learning_rate": 1e-3}, 20),
        ({"patience": 6}, {"max_epochs": 60}, 6),
    ],
)
def test_a_member_with_a_longer_training_has_more_patience(
    shared: dict[str, int], said: dict[str, Any], patience: int
) -> None:
    given = Given.model_validate({"learner": shared, "members": ({"learner": said},)})
    [member] = complete(given, table()).members
    assert member.learner.patience == patience


def test_auto_is_what_is_left_out() -> None:
    said = {
        "network": {"embedder": "auto", "model": "auto", "head": "auto"},
        "learner": {"learning_rate": "auto", "batch_size": 7, "precision": "auto"},
    }
    given = Given.model_validate_json(json.dumps(said))
    without = Given.model_validate({"learner": {"batch_size": 7}})
    assert complete(given, table()) == complete(without, table())
    words = description(complete(given, table()), given)
    assert words == description(complete(without, table()), without)
    again = Given.model_validate_json(given.model_dump_json(exclude_unset=True))
    assert again == given


def test_each_setting_of_the_learner_may_be_auto() -> None:
    every = dict.fromkeys(Learner.Config.model_fields, "auto")
    assert complete(Given.model_validate({"learner": every}), table()) == complete(Given(), table())
    with pytest.raises(ValidationError, match="greater than 0"):
        Given.model_validate({"learner": {"batch_size": 0}})
    with pytest.raises(ValidationError, match="valid number"):
        Given.model_validate({"learner": {"learning_rate": "atuo"}})


def test_another_type_has_its_own_defaults() -> None:
    given = Given.model_validate({"network": {"model": {"type": "mlp", "depth": 1}}})
    assert complete(given, table()).network.model == Mlp.Config(depth=1)
    given = Given(network=Choices(model=Mlp.Config()))
    assert complete(given, table()).network.model == Mlp.Config()
