"""Combinations of categories."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from onward.preprocessing.derivations._base import Derivation
from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.derivations._tensors import side_by_side
from onward.preprocessing.graph import Graph, Value
from onward.schema import SemanticType

BETWEEN = " & "


class Cross(Derivation):
    """The values of several columns as one text, such as ``Köln & yes``.

    Missing if one of them is. Numbers must be integers. Texts that contain `` & `` may make two
    combinations equal.
    """

    wire = "text"

    class Config(Derivation.Config):
        """The ``columns`` to combine."""

        type: Literal["cross"] = "cross"
        columns: Annotated[tuple[str, ...], Field(min_length=2)]

        @model_validator(mode="after")
        def _differ(self) -> Self:
            if len(set(self.columns)) < len(self.columns):
                raise ValueError("a column occurs twice")
            return self

    config: Config
    examples = {
        ("Köln", 7.0): "Köln & 7",
        ("Köln", -0.0): "Köln & 0",
        ("", 7.0): None,
        ("Köln", None): None,
        ("Köln", 0.5): None,
    }
    example_settings = {"columns": ("a", "b")}

    @property
    def reads(self) -> Mapping[str, SemanticType]:
        """All columns."""
        return dict.fromkeys(self.config.columns, "category")

    @property
    def made(self) -> str:
        """Of what."""
        return BETWEEN.join(self.config.columns)

    @classmethod
    def encode(cls, graph: Graph, derivations: "Sequence[Cross]", inputs: Inputs) -> Value:
        """Each by itself."""
        return side_by_side(
            graph, [_join(graph, derivation.config, inputs) for derivation in derivations]
        )


def _join(graph: Graph, config: Cross.Config, inputs: Inputs) -> Value:
    texts = [inputs.category(name) for name in config.columns]
    none, between = graph.constant("", object), graph.constant(BETWEEN, object)
    text, is_absent = texts[0], graph("Equal", texts[0], none)
    for other in texts[1:]:
        text = graph("StringConcat", graph("StringConcat", text, between), other)
        is_absent = graph("Or", is_absent, graph("Equal", other, none))
    return graph("Where", is_absent, none, text)
