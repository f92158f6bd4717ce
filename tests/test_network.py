"""A network is its settings, its shape and its weights, and nothing else."""

import io
import os
from pathlib import Path

import pytest
import torch
from small_members import of_numbers, small
from two_blocks import features, shape
from two_blocks import network as untrained

from onward.blocks import CATEGORICAL
from onward.errors import ArtifactError
from onward.network.bag import load_network
from onward.network.embedders import Embedder
from onward.network.heads import Head
from onward.network.models import Model
from onward.network.network import Network
from onward.tasks import Task


def network(embedder: str, model: str, head: str) -> Network:
    member = Head.members[head]
    described = shape(
        2, (3, 40), 0 if Task.members[member.task].is_number else len(member.examples)
    )
    families = {"embedder": small(Embedder, embedder), "model": small(Model, model)}
    config = Network.Config.model_validate({**families, "head": {"type": head}})
    return untrained(config, described).eval()


@pytest.mark.parametrize("embedder", of_numbers())
@pytest.mark.parametrize("model", sorted(Model.members))
@pytest.mark.parametrize("head", sorted(Head.members))
def test_a_loaded_network_predicts_the_same(embedder: str, model: str, head: str) -> None:
    before = network(embedder, model, head)
    rows = features(torch.randn(7, 2), torch.randint(0, 3, (7, 2)))

    after = load_network(before.dump()).eval()

    want = before(rows)
    for name, value in after(rows).items():
        assert torch.equal(value, want[name])


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, ("executed",)


def saved(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        saved(Evil()),
        saved({"settings": 1}),
        saved(({}, {}, (), {})),
        b"",
        b"no network",
        network("identity", "mlp", "binary").dump()[:-100],
    ],
)
def test_what_is_no_network_is_refused_and_not_executed(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArtifactError, match="Run `onward train` again"):
        load_network(data)
    assert not list(tmp_path.iterdir())


def test_the_codes_of_unknown_and_missing_values_start_in_the_middle() -> None:
    start = network("identity", "mlp", "binary")
    for embedding in start.embedder_of(CATEGORICAL).children():
        assert not embedding.get_parameter("weight")[:2].any()


def test_weight_decay_leaves_all_biases_alone() -> None:
    built = network("identity", "tabm", "binary")
    names = {id(weight): name for name, weight in built.named_parameters()}
    decaying, lasting = ({names[id(w)] for w in weights} for weights in built.by_decay())
    assert {"model.layers.0.weight", "model.layers.0.before", "model.out.weight"} <= decaying
    assert lasting == {name for name in names.values() if name.endswith("bias")}


def test_weight_decay_leaves_the_scales_of_a_normalization_alone() -> None:
    built = network("identity", "resnet", "binary")
    decaying, _ = built.by_decay()
    assert all(weight.ndim > 1 for weight in decaying)
    norms = [m for m in built.modules() if isinstance(m, torch.nn.LayerNorm)]
    assert norms
    assert not {id(norm.weight) for norm in norms} & {id(weight) for weight in decaying}
