"""Of an ensemble those members are kept that predict well together."""

import pytest
import torch
from small_members import small
from two_blocks import features, shape
from two_blocks import network as untrained

from onward.export.ensemble_selection import reduce
from onward.network.heads import Head
from onward.network.models import Model
from onward.network.network import Network
from onward.tasks import Task
from onward.training.batches import Rows

ROWS = 3000
ensembles = pytest.mark.parametrize("name", ["tabm", "tabm_mini"])


def network(name: str, head: str, k: int) -> Network:
    member = Head.members[head]
    families = {
        "embedder": {"type": "identity"},
        "model": {**small(Model, name), "k": k},
        "head": {"type": head},
    }
    config = Network.Config.model_validate(families)
    described = shape(3, (), 0 if Task.members[member.task].is_number else len(member.examples))
    torch.manual_seed(0)
    return untrained(config, described).eval()


def test_every_ensemble_is_tested() -> None:
    found = {name for name, one in Model.members.items() if "k" in one.Config.model_fields}
    assert found == {"tabm", "tabm_mini"}


@ensembles
def test_who_stays_says_what_it_said_before(name: str) -> None:
    built = network(name, "multiclass", 5)
    x = features(torch.randn(7, 3))
    before = built.member_scores(x)

    built.model.keep([1, 4])

    assert built.model.ensemble_size == 2
    torch.testing.assert_close(built.member_scores(x), before[:, [1, 4]])


@ensembles
@pytest.mark.parametrize("head", sorted(Head.members))
def test_the_one_stays_whose_predictions_are_the_targets(name: str, head: str) -> None:
    built = network(name, head, 5)
    x = features(3 * torch.randn(ROWS, 3))
    with torch.no_grad():
        for weight in built.model.get_submodule("out").parameters():
            weight.mul_(20)  # sure of what they say
        said = built.head(built.member_scores(x)[:, 3])
        targets = said["value"] if "value" in said else said["label"]

    found = reduce(built, 1, Rows(x, targets))

    assert found.kept == [3]
    assert found.trained == 5
    assert found.loss < found.loss_of_all
    after = built(x)
    got = after["value"] if "value" in after else after["label"]
    torch.testing.assert_close(got.float(), targets.float())


def test_the_second_is_chosen_for_what_it_adds_to_the_first() -> None:
    built = network("tabm", "regression", 4)
    x = features(torch.randn(ROWS, 3))
    out = built.model.get_submodule("out")
    with torch.no_grad():  # the second is better than the third, but wrong in the same direction
        out.get_parameter("weight").zero_()
        out.get_parameter("bias").copy_(torch.tensor([[2.0], [2.5], [-1.0], [9.0]]))
    targets = torch.ones(ROWS, dtype=torch.float64)
    assert reduce(built, 2, Rows(x, targets)).kept == [0, 2]


def test_who_stays_is_calibrated_anew() -> None:
    built = network("tabm", "regression", 4)
    x = features(torch.randn(ROWS, 3))
    targets = 5 * torch.randn(ROWS, dtype=torch.float64)

    reduce(built, 2, Rows(x, targets))

    said = built(x)
    inside = (said["lower"] <= targets) & (targets <= said["upper"])
    assert inside.double().mean().item() == pytest.approx(0.9, abs=0.01)
