"""Join preprocessing and network into one ONNX model."""

import copy
import logging
import warnings
from collections.abc import Sequence

import numpy as np
import onnx
import torch
from onnx import GraphProto, ModelProto, TensorProto, compose, helper, numpy_helper
from onnxscript import optimizer

from onward.errors import ExportError
from onward.export.trees import write_trees
from onward.network.embedders import Embedder
from onward.network.scoring import Scoring
from onward.preprocessing.assembly import tensor_name
from onward.preprocessing.graph import OPSETS, PREFIX

ROWS = 2  # rows of the example that the exporter follows; the file then takes any number
MOST = 2**31  # elements of a constant
CONTROL_FLOW = {"If", "Loop", "Scan"}


def join_graphs(preprocessing: ModelProto, network: Scoring, classes: Sequence[str]) -> ModelProto:
    """One graph of preprocessing and network, without metadata.

    Args:
        preprocessing: raw columns to the blocks that the network reads.
        network: trained and calibrated.
        classes: in the order of their codes; empty for a numeric target.

    Raises:
        ExportError: if the network needs non-standard operators.
    """
    body = compose.add_prefix(_body(network), f"{PREFIX}network/")
    body.ir_version = preprocessing.ir_version
    if "ai.onnx.ml" not in {opset.domain for opset in body.opset_import}:
        body.opset_import.append(helper.make_opsetid("ai.onnx.ml", OPSETS["ai.onnx.ml"]))
    names = map(tensor_name, network.shape.blocks)
    joints = [(name, f"{PREFIX}network/{name}") for name in names]
    model = compose.merge_models(preprocessing, body, joints)
    _name_outputs(model, classes)
    model.producer_name = "onward"
    _check(model)
    return model


class _Blocks(torch.nn.Module):
    """The network with one input for each block."""

    def __init__(self, network: Scoring) -> None:
        super().__init__()
        self.network = network

    def forward(self, *blocks: torch.Tensor) -> dict[str, torch.Tensor]:
        features = dict(zip(self.network.shape.blocks, blocks, strict=True))
        predictions: dict[str, torch.Tensor] = self.network(features)
        return predictions


def _for_export(network: Scoring) -> Scoring:
    """A copy with embedders that are fast for a single row."""
    network = copy.deepcopy(network)
    for module in [*network.modules()]:
        for name, part in [*module.named_children()]:
            if isinstance(part, Embedder):
                module.add_module(name, part.for_export())
    return network


def _body(network: Scoring) -> ModelProto:
    wrapped = _Blocks(_for_export(network)).eval()
    inputs = tuple(
        torch.from_numpy(np.zeros((ROWS, *block.shape), block.dtype))
        for block in network.shape.blocks.values()
    )
    rows = [torch.export.Dim("rows"), torch.export.Dim.DYNAMIC]  # naming both is a warning
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it asks for torchvision
    with warnings.catch_warnings():
        # torch 2.13's exporter calls its own deprecated function; remove with torch 2.14
        warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.` is deprecated")
        program = torch.onnx.export(
            wrapped,
            inputs,
            input_names=[tensor_name(block) for block in network.shape.blocks],
            output_names=list(wrapped(*inputs)),
            dynamic_shapes=(tuple({0: rows[index]} for index in range(len(inputs))),),
            opset_version=OPSETS[""],
            external_data=False,
            verbose=False,
        )
    assert program is not None
    write_trees(program.model.graph)
    # the exporter folds small constants only; a runtime would fold the others at each start
    optimizer.fold_constants(program.model, input_size_limit=MOST, output_size_limit=MOST)
    optimizer.remove_unused_nodes(program.model)
    model: ModelProto = program.model_proto
    # the exporter goes back to a fixed number of rows, without a word, where code asks for it
    assert all(value.type.tensor_type.shape.dim[0].dim_param for value in model.graph.output)
    _strip(model)
    return model


def _strip(model: ModelProto) -> None:
    # the exporter writes stack traces with the paths of this machine into each node
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        value.ClearField("metadata_props")
    for constant in model.graph.initializer:
        constant.ClearField("metadata_props")
    model.graph.ClearField("metadata_props")
    model.ClearField("metadata_props")


def _name_outputs(model: ModelProto, classes: Sequence[str]) -> None:
    """Give the outputs their public names, and ``label`` its class."""
    graph = model.graph
    outputs = list(graph.output)
    del graph.output[:]
    for output in outputs:
        name = output.name.removeprefix(f"{PREFIX}network/")
        kind = output.type.tensor_type.elem_type
        _, *widths = output.type.tensor_type.shape.dim
        shape: list[str | int] = ["rows", *(width.dim_value for width in widths)]
        if name == "label":
            names = numpy_helper.from_array(np.array(classes, object), f"{PREFIX}classes")
            graph.initializer.append(names)
            graph.node.append(helper.make_node("Gather", [names.name, output.name], [name]))
            kind = TensorProto.STRING
        else:
            _rename(graph, output.name, name)
        graph.output.append(helper.make_tensor_value_info(name, kind, shape))


def _rename(graph: GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [new if name == old else name for name in names]


def _check(model: ModelProto) -> None:
    """Refuse operators that a runtime may lack."""
    onnx.checker.check_model(model, full_check=True)
    domains = {node.domain for node in model.graph.node} - set(OPSETS)
    loops = {node.op_type for node in model.graph.node} & CONTROL_FLOW
    if domains or loops or len(model.functions):
        raise ExportError(
            f"the file needs {sorted(domains | loops)}, which not every runtime has. This is a bug"
            " in the network's code: express it with standard operators"
        )
