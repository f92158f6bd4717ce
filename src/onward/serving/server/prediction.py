"""The prediction of one request. A struct is made in a tenth of the time of a dataclass."""

from collections.abc import Mapping

import msgspec

from onward.serving.input_arrays import Array
from onward.serving.server.served_model import ServedModel


class Timing(msgspec.Struct, frozen=True):
    """Seconds in the parts of a request; of what requests share, the part of its rows."""

    parse: float
    """Bytes to Python values."""
    convert: float
    """Python values to arrays."""
    run: float
    """In onnxruntime."""

    @property
    def total(self) -> float:
        """All of them."""
        return self.parse + self.convert + self.run


class Run(msgspec.Struct, frozen=True):
    """Inputs and outputs of one run of a model, with the rows of one request or of several."""

    model: ServedModel
    feed: Mapping[str, Array]
    """An array for each column, ``(rows, 1)`` or of the shape of its wire."""
    outputs: Mapping[str, Array]
    """All of the model; first axis: rows."""
    rows: int


class Prediction(msgspec.Struct, frozen=True):
    """The rows of one request in a run."""

    run: Run
    first: int
    """Its first row in the run."""
    rows: int
    timing: Timing

    @property
    def model(self) -> ServedModel:
        """Of the run."""
        return self.run.model

    @property
    def feed(self) -> dict[str, Array]:
        """The inputs of its rows."""
        return self._own(self.run.feed)

    @property
    def outputs(self) -> dict[str, Array]:
        """What is predicted for its rows."""
        return self._own(self.run.outputs)

    def _own(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        last = self.first + self.rows
        return {name: array[self.first : last] for name, array in arrays.items()}
