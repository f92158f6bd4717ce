"""Add derivations to a graph."""

from collections.abc import Mapping, Sequence

from onnx import ModelProto

from onward.preprocessing.columns import Column
from onward.preprocessing.derivations._base import Derivation
from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.derivations._tensors import finite, one_by_one
from onward.preprocessing.graph import PREFIX, Graph, Value
from onward.schema import SemanticType
from onward.serving.column_settings import units_of
from onward.wires import wire_of

MADE = f"{PREFIX}made/"  # prefix of names that are unique in the graph


def put(
    graph: Graph,
    derivations: Sequence[Derivation],
    columns: Sequence[Column],
    raw: Mapping[str, Value],
) -> dict[str, Value]:
    """Add fitted derivations, and return the new columns, each ``(rows, 1)``.

    Args:
        graph: where to add them.
        derivations: in an order in which each reads only raw columns and earlier ones.
        columns: raw ones.
        raw: for each its tensor.
    """
    inputs = _fill(graph, derivations, columns, raw, {})
    wires = {derivation.name: derivation.wire for derivation in derivations}
    return {
        name: inputs.number(name) if wire == "number" else inputs.category(name)
        for name, wire in wires.items()
    }


def model_of(
    columns: Sequence[Column], derivations: Sequence[Derivation], wanted: Mapping[str, SemanticType]
) -> ModelProto:
    """A graph from raw columns to some inputs or results of derivations, and nothing else.

    Its outputs have the names of the columns, behind `MADE`.

    Args:
        columns: raw ones.
        derivations: fitted; those needed are added.
        wanted: numbers and categories, raw or derived.
    """
    names, needed = set(wanted), list[Derivation]()
    for derivation in reversed(derivations):
        if derivation.name in names:
            names |= set(derivation.reads)
            needed.insert(0, derivation)
    graph, read = Graph(), [column for column in columns if column.name in names]
    raw = {column.name: graph.input(column.name, column.wire) for column in read}
    inputs = _fill(graph, needed, read, raw, wanted)
    for name, kind in wanted.items():
        value = inputs.number(name) if kind == "number" else inputs.category(name)
        wire = wire_of("number" if kind == "number" else "text")
        graph.output(f"{MADE}{name}", value, wire.element.onnx)
    return graph.model()


def _fill(
    graph: Graph,
    derivations: Sequence[Derivation],
    columns: Sequence[Column],
    raw: Mapping[str, Value],
    wanted: Mapping[str, SemanticType],
) -> Inputs:
    """The inputs after all derivations, computed by type."""
    pairs = [pair for derivation in derivations for pair in derivation.reads.items()] + [
        *wanted.items()
    ]
    spelled = {column.name for column in columns if units_of(column.field)}
    numbers = [n for n, kind in pairs if n in raw and (kind == "number" or n in spelled)]
    dates = [n for n, kind in pairs if n in raw and kind == "date"]
    inputs = Inputs(graph, columns, raw, [*dict.fromkeys(numbers)], [*dict.fromkeys(dates)])
    waiting = list(derivations)
    while waiting:
        ready = [
            derivation for derivation in waiting if all(name in inputs for name in derivation.reads)
        ]
        for member in dict.fromkeys(type(derivation) for derivation in ready):
            _add(
                graph,
                member,
                [derivation for derivation in ready if type(derivation) is member],
                inputs,
            )
        waiting = [derivation for derivation in waiting if derivation not in ready]
    return inputs


def _add(
    graph: Graph, member: type[Derivation], alike: Sequence[Derivation], inputs: Inputs
) -> None:
    made = member.encode(graph, alike, inputs)
    if member.wire == "number":
        made = finite(graph, made)
    for derivation, value in zip(alike, one_by_one(graph, made, len(alike)), strict=True):
        inputs.add(derivation.name, derivation.wire, value)
