"""Write the searches of an exported network as trees of comparisons."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir

DOMAIN, SEARCH = "ai.onnx.ml", "TreeEnsembleRegressor"
NODES = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
LEAVES = ("treeids", "nodeids", "ids", "weights")


def write_trees(graph: ir.Graph) -> None:
    """Turn the edges in which a search of `Lines` looks for a number from inputs into attributes.

    Args:
        graph: from the exporter; changed in place.
    """
    for node in list(graph):
        # that of another module has its trees already
        if (node.domain, node.op_type, len(node.inputs)) != (DOMAIN, SEARCH, 4):
            continue
        numbers, *constants = node.inputs
        left, lines, features = (_array(value) for value in constants)
        # the first two lines of each function begin at its first edge
        edges = [part[1:].tolist() for part in np.split(left, lines.cumsum()[:-1])]
        search = ir.node(
            SEARCH,
            [numbers],
            _trees(edges, features.tolist()),
            domain=DOMAIN,
            version=node.version,
        )
        ir.convenience.replace_nodes_and_values(
            graph, node, [node], [search], node.outputs, search.outputs
        )


def _array(constant: ir.Value | None) -> np.ndarray:
    assert constant is not None
    assert constant.const_value is not None
    return constant.const_value.numpy().ravel()


def _trees(edges: Sequence[Sequence[float]], features: Sequence[int]) -> dict[str, Any]:
    """Attributes of the search: the line of each number, counted over all functions."""
    nodes: list[tuple[Any, ...]] = []
    leaves: list[tuple[Any, ...]] = []
    for tree, (thresholds, feature) in enumerate(zip(edges, features, strict=True)):
        # the node `edge` compares with that edge; behind them are the leaves, one for each line
        count, first = len(thresholds), len(leaves)
        todo = [(0, count)]
        while todo:
            low, high = todo.pop()  # lines
            edge = (low + high) // 2
            halves = (low, edge), (edge + 1, high)
            ways = [sum(half) // 2 if half[0] < half[1] else count + half[0] for half in halves]
            nodes.append((tree, edge, feature, thresholds[edge], "BRANCH_LT", *ways))
            todo += [half for half in halves if half[0] < half[1]]
        nodes += [(tree, count + line, 0, 0.0, "LEAF", 0, 0) for line in range(count + 1)]
        leaves += [(tree, count + line, tree, float(first + line)) for line in range(count + 1)]
    columns = [zip(*nodes, strict=True), zip(*leaves, strict=True)]
    names = [[f"nodes_{name}" for name in NODES], [f"target_{name}" for name in LEAVES]]
    attributes: dict[str, Any] = {"n_targets": len(edges)}
    for some, values in zip(names, columns, strict=True):
        attributes |= dict(zip(some, map(list, values), strict=True))
    return attributes
