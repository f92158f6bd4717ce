"""The time between two dates."""

from collections.abc import Mapping, Sequence
from typing import Literal, Self

from pydantic import model_validator

from onward.preprocessing.derivations._base import Derivation
from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.graph import Graph, Value
from onward.schema import SemanticType

SECONDS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0, "days": 86400.0}


class Elapsed(Derivation):
    """The signed time from one date to another; missing if one of them is missing or invalid.

    Computed between instants in UTC, in whole seconds.
    """

    class Config(Derivation.Config):
        """From ``start`` to ``end``, both datetime columns, in ``unit``."""

        type: Literal["elapsed"] = "elapsed"
        start: str
        end: str
        unit: Literal["seconds", "minutes", "hours", "days"] = "seconds"

        @model_validator(mode="after")
        def _differ(self) -> Self:
            if self.start == self.end:
                raise ValueError("start and end are the same column")
            return self

    config: Config
    examples = {
        ("2024-02-28T23:00:00", "2024-03-01"): 90_000.0,
        ("2024-01-01T12:00:00+01:00", "2024-01-01T11:59:00Z"): 3540.0,
        ("2024-01-02", "2024-01-01"): -86_400.0,
        ("2024-01-02", None): None,
        ("yesterday", "2024-01-01"): None,
    }
    example_settings = {"start": "a", "end": "b"}

    @property
    def reads(self) -> Mapping[str, SemanticType]:
        """Both dates."""
        return {self.config.start: "date", self.config.end: "date"}

    @property
    def made(self) -> str:
        """From when to when."""
        return f"{self.config.end} - {self.config.start}, in {self.config.unit}"

    @classmethod
    def encode(cls, graph: Graph, derivations: "Sequence[Elapsed]", inputs: Inputs) -> Value:
        """All of them in one subtraction."""
        configs = [derivation.config for derivation in derivations]
        ends = inputs.times([config.end for config in configs])
        starts = inputs.times([config.start for config in configs])
        units = graph.constant([SECONDS[config.unit] for config in configs])
        return graph("Div", graph("Sub", ends, starts), units)
