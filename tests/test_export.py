"""The exported file predicts what the network predicts, for every body and head."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
import torch
from onnx import ModelProto, TensorProto
from small_members import diagonal, of_numbers, small
from two_blocks import features, shape
from two_blocks import network as untrained

from onward.blocks import CATEGORICAL, NUMERICAL
from onward.export.joining import join_graphs
from onward.export.trees import write_trees
from onward.network.bag import Bag
from onward.network.embedders import Embedder
from onward.network.embedders.piecewise_linear_embedding import PiecewiseLinearEmbedding
from onward.network.heads import Head
from onward.network.models import Model
from onward.network.network import Network, Shape
from onward.network.scoring import Scoring
from onward.preprocessing.assembly import tensor_name
from onward.preprocessing.graph import Graph
from onward.tasks import Task

CARDINALITIES = (3, 4)


def blocks(
    has_numbers: bool, has_codes: bool, names: Sequence[str] = ("width", "size")
) -> ModelProto:
    """Raw numbers, passed on as numbers and as codes."""
    graph = Graph()
    raw = graph("Concat", *(graph.input(name, "number") for name in names), axis=1)
    if has_numbers:
        number = graph("Cast", raw, to=TensorProto.FLOAT)
        graph.output(tensor_name(NUMERICAL), number, TensorProto.FLOAT)
    if has_codes:
        graph.output(
            tensor_name(CATEGORICAL), graph("Cast", raw, to=TensorProto.INT64), TensorProto.INT64
        )
    return graph.model()


def network(embedder: str, model: str, head: str, shape: Shape) -> Network:
    families = {"embedder": small(Embedder, embedder), "model": small(Model, model)}
    config = Network.Config.model_validate({**families, "head": {"type": head}})
    built = untrained(config, shape)
    if Task.members[built.head.task].is_number:
        built.head.fit(torch.tensor([1e6, 2e6], dtype=torch.float64))
    return built.eval()


def check(network: Scoring, classes: list[str], has_numbers: bool, has_codes: bool) -> None:
    model = join_graphs(blocks(has_numbers, has_codes), network, classes)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    names = [output.name for output in session.get_outputs()]
    for rows in (1, 7, 0):
        raw = torch.randint(0, 3, (rows, 2)).double().numpy()
        feed = {"width": raw[:, :1], "size": raw[:, 1:]}

        got = dict(zip(names, session.run(names, feed), strict=True))

        numbers = torch.from_numpy(raw[:, : 2 * has_numbers]).float()
        codes = torch.from_numpy(raw).long() if has_codes else None
        want = network(features(numbers, codes))
        assert names == list(want)
        for name, value in want.items():
            if name == "label":
                assert got[name].tolist() == [classes[code] for code in value]
            else:
                np.testing.assert_allclose(got[name], value.detach(), rtol=1e-5, atol=1e-6)


def classes_of(head: str) -> list[str]:
    """The classes of a target that the head predicts; none of a number."""
    member = Head.members[head]
    has_labels = Task.members[member.task].has_labels
    return [f"class é {code}" for code in member.examples] if has_labels else []


@pytest.mark.parametrize(("model", "head"), diagonal(sorted(Model.members), sorted(Head.members)))
def test_the_file_predicts_what_the_network_predicts(model: str, head: str) -> None:
    classes = classes_of(head)
    described = shape(2, CARDINALITIES, len(classes))
    check(network("piecewise_linear", model, head, described), classes, True, True)


PAIRS = [("mlp", "mlp"), ("tabm", "ft_transformer")]


@pytest.mark.parametrize(("head", "models"), diagonal(sorted(Head.members), PAIRS))
def test_several_networks_are_one_file(head: str, models: Sequence[str]) -> None:
    classes = classes_of(head)
    described = shape(2, CARDINALITIES, len(classes))
    networks = [network("piecewise_linear", model, head, described) for model in models]
    check(Bag(networks, (2, 1)).eval(), classes, True, True)


@pytest.mark.parametrize("embedder", of_numbers())
def test_the_file_embeds_as_the_network_does(embedder: str) -> None:
    check(network(embedder, "linear", "regression", shape(2, CARDINALITIES, 0)), [], True, True)


def with_edges_of(drawn: torch.Tensor) -> Network:
    """A network that embeds numbers by bins of these, with drawn weights."""
    built = network("piecewise_linear_embedding", "linear", "regression", shape(3, (), 0))
    config: Any = built.config.embedder.model_copy(update={"bins": 16})
    embedder = PiecewiseLinearEmbedding.fit(config, built.shape.blocks[NUMERICAL], drawn)
    for weight in embedder.parameters():
        torch.nn.init.normal_(weight)
    changed = built.config.model_copy(update={"embedder": config})
    return Network(changed, built.shape, {NUMERICAL: embedder}).eval()


def check_numbers(network: Scoring, x: torch.Tensor) -> None:
    names = ("a", "b", "c")
    model = join_graphs(blocks(True, False, names), network, [])
    feed = {name: column[:, None].double().numpy() for name, column in zip(names, x.T, strict=True)}
    [got, *_] = onnxruntime.InferenceSession(model.SerializeToString()).run(None, feed)
    want = network({NUMERICAL: x})["value"].detach().numpy()
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_networks_with_the_same_and_with_other_edges_are_one_file() -> None:
    first, second = torch.randn(2, 500, 3)
    networks = [with_edges_of(drawn) for drawn in (first, first, second)]
    check_numbers(Bag(networks).eval(), torch.cat([first, second]))


@pytest.mark.parametrize("is_bounded", [True, False])
def test_numbers_at_the_edges_of_bins_and_beyond_are_embedded_alike(is_bounded: bool) -> None:
    """Trained weights, and numbers with few bins beside others; version 0.1.0 had no bounds."""
    drawn = torch.randn(500, 3)
    drawn[:, 1] = drawn[:, 1].round()
    drawn[:, 2] = (drawn[:, 2] > 0).float()
    built = with_edges_of(drawn)
    embedder: Any = built.embedder_of(NUMERICAL)
    if not is_bounded:
        embedder.lowest[:, 0, 0], embedder.highest[:, 0, 0] = -torch.inf, torch.inf
    edges = embedder.left.flatten()
    below, above = edges.nextafter(torch.tensor(-1e9)), edges.nextafter(torch.tensor(1e9))
    x = torch.cat([edges, below, above, drawn.flatten(), torch.tensor([-100.0, 100.0])])
    check_numbers(built, x[:, None].expand(-1, 3))


def test_trees_of_another_module_stay() -> None:
    x = ir.Value(name="x")
    node = ir.node("TreeEnsembleRegressor", [x], {"n_targets": 2}, domain="ai.onnx.ml")
    graph = ir.Graph([x], node.outputs, nodes=[node], opset_imports={"": 21, "ai.onnx.ml": 4})
    write_trees(graph)
    assert [*graph] == [node]


def test_the_number_of_operators_does_not_grow_with_the_number_of_categories() -> None:
    few, many = (
        join_graphs(
            blocks(False, True, names),
            network("identity", "linear", "regression", shape(0, [4] * len(names), 0)),
            [],
        )
        for names in (("a", "b"), tuple("abcdefgh"))
    )
    assert len(few.graph.node) == len(many.graph.node)


@pytest.mark.parametrize("name", ["tabm", "tabm_mini"])
def test_no_operator_computes_from_constants_alone(name: str) -> None:
    """Though scales have more than 8192 numbers, which the exporter does not fold."""
    described, settings = shape(2, (4_000, 4_000), 2), {"type": name, "k": 80, "width": 8}
    config = Network.Config.model_validate(
        {"embedder": {"type": "identity"}, "model": settings, "head": {"type": "binary"}}
    )
    file = join_graphs(blocks(True, True), untrained(config, described).eval(), ["no", "yes"])
    constants = {constant.name for constant in file.graph.initializer}
    assert [node.name for node in file.graph.node if constants.issuperset(node.input)] == []
    assert "Identity" not in {node.op_type for node in file.graph.node}


def test_a_table_may_lack_numbers() -> None:
    check(network("identity", "linear", "regression", shape(0, CARDINALITIES, 0)), [], False, True)


def test_a_table_may_lack_categories() -> None:
    check(network("identity", "linear", "regression", shape(2, (), 0)), [], True, False)


@pytest.mark.parametrize(("name", "nodes"), [("tabm", 10), ("tabm_mini", 7)])
def test_an_ensemble_keeps_one_copy_of_its_weights_and_adds_few_nodes(
    name: str, nodes: int
) -> None:
    described = shape(2, (), 0)
    settings = {"type": name, "k": 16, "width": 64, "depth": 2}
    config = Network.Config.model_validate(
        {"embedder": {"type": "identity"}, "model": settings, "head": {"type": "regression"}}
    )
    alone = join_graphs(
        blocks(True, False), network("identity", "linear", "regression", described), []
    )

    model = join_graphs(blocks(True, False), untrained(config, described).eval(), [])

    assert len(model.graph.node) - len(alone.graph.node) <= nodes
    assert model.ByteSize() < 16 * 64 * 64 * 4  # bytes of one layer, had each member its own


def test_the_file_says_nothing_of_the_machine_it_was_made_on() -> None:
    built = network("identity", "linear", "binary", shape(2, (), 2))
    data = join_graphs(blocks(True, False), built, ["no", "yes"]).SerializeToString()
    assert b"site-packages" not in data
    assert b".py" not in data
