"""Of an ensemble those members are kept that predict well together."""

import pytest
import torch
from small_members import small

from onward.export.ensemble_selection import reduce
from onward.network.embedders import Embedder
from onward.network.heads import Head
from onward.network.models import Model
from onward.network.network import Network, Shape
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
    shape = Shape(3, (), 0 if Task.members[member.task].is_number else len(member.examples))
    embedder = Embedder.members["identity"].fit(config.embedder, torch.zeros(1, 3))
    torch.manual_seed(0)
    return Network(config, shape, embedder).eval()


def test_every_ensemble_is_tested() -> None:
    found = {name for name, one in Model.members.items() if "k" in one.Config.model_fields}
    assert found == {"tabm", "tabm_mini"}


@ensembles
def test_who_stays_says_what_it_said_before(name: str) -> None:
    built = network(name, "multiclass", 5)
    x, codes = torch.randn(7, 3), torch.zeros(7, 0, dtype=torch.int64)
    before = built.member_scores(x, codes)

    built.model.keep([1, 4])

    assert built.model.ensemble_size == 2
    torch.testing.assert_close(built.member_scores(x, codes), before[:, [1, 4]])


@ensembles
@pytest.mark.parametrize("head", sorted(Head.members))
def test_the_one_stays_whose_predictions_are_the_targets(name: str, head: str) -> None:
    built = network(name, head, 5)
    x, codes = 3 * torch.randn(ROWS, 3), torch.zeros(ROWS, 0, dtype=torch.int64)
    with torch.no_grad():
        for weight in built.model.get_submodule("out").parameters():
            weight.mul_(20)  # sure of what they say
        said = built.head(built.member_scores(x, codes)[:, 3])
        targets = said["value"] if "value" in said else said["label"]

    found = reduce(built, 1, Rows(x, codes, targets))

    assert found.kept == [3]
    assert found.trained == 5
    assert found.loss < found.loss_of_all
    after = built(x, codes)
    got = after["value"] if "value" in after else after["label"]
    torch.testing.assert_close(got.float(), targets.float())


def test_the_second_is_chosen_for_what_it_adds_to_the_first() -> None:
    built = network("tabm", "regression", 4)
    x, codes = torch.randn(ROWS, 3), torch.zeros(ROWS, 0, dtype=torch.int64)
    out = built.model.get_submodule("out")
    with torch.no_grad():  # the second is better than the third, but wrong in the same direction
        out.get_parameter("weight").zero_()
        out.get_parameter("bias").copy_(torch.tensor([[2.0], [2.5], [-1.0], [9.0]]))
    targets = torch.ones(ROWS, dtype=torch.float64)
    assert reduce(built, 2, Rows(x, codes, targets)).kept == [0, 2]


def test_who_stays_is_calibrated_anew() -> None:
    built = network("tabm", "regression", 4)
    x, codes = torch.randn(ROWS, 3), torch.zeros(ROWS, 0, dtype=torch.int64)
    targets = 5 * torch.randn(ROWS, dtype=torch.float64)

    reduce(built, 2, Rows(x, codes, targets))

    said = built(x, codes)
    inside = (said["lower"] <= targets) & (targets <= said["upper"])
    assert inside.double().mean().item() == pytest.approx(0.9, abs=0.01)
