"""A model file that is being served."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onward.errors import ArtifactError, DataError
from onward.serving.column_arrays import ColumnArrays
from onward.serving.input_arrays import Array
from onward.serving.model_file import identity
from onward.serving.predictor import Predictor
from onward.serving.server.record_reader import RecordReader
from onward.serving.tabular_inputs import Values
from onward.wires import SCALARS, TENSORS, wire_of


class ServedModel:
    """A verified model file. It is immutable: a new file is a new object.

    Raises:
        ArtifactError: if the file is missing, damaged, not a model file of onward, or fails
        verification.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self.version = file_version(path)
        self.predictor = Predictor(path)
        self.predictor.verify()
        for first, feed in self.predictor.feeds(self.predictor.metadata["replay"]["rows"]):
            self.predictor.compare(feed, first)  # now, since the file may be replaced later
        if file_version(path) != self.version:
            raise ArtifactError(f"{path}: changed while it was read. Replace it by a rename")
        self.schema = self.predictor.schema
        self.fields = {field.name: field for field in self.schema.columns}
        self.vectors = {
            field.name: wire_of(field.wire)
            for field in self.schema.columns
            if field.wire not in SCALARS
        }
        """Wires of columns with several values in a row."""
        self._arrays = ColumnArrays(self.schema.columns)
        self.records = RecordReader(self.predictor)
        self._session: Any = self.predictor.session
        self.inputs = [_tensor(value) for value in self._session.get_inputs()]
        self.outputs = [_tensor(value) for value in self._session.get_outputs()]
        self.output_names = [output["name"] for output in self.outputs]
        self.datatypes = {output["name"]: output["datatype"] for output in self.outputs}

    def check(self, feed: Mapping[str, Array]) -> None:
        """Raise a DataError naming row and column, if the model cannot read a value."""
        self.predictor.check_values(feed)

    def feed(self, columns: Mapping[str, Values]) -> dict[str, Array]:
        """An array for each column, from the values of each.

        Raises:
            DataError: naming column, row and value, if the model cannot read one.
        """
        try:
            feed = self._arrays(columns)
        except RecursionError as error:  # the message of its own error cannot show the value
            raise DataError(
                "a value is nested in too many lists. Give one value for each row and column"
            ) from error
        self.check(feed)
        return feed

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs, also where a caller wants some: the others cost little, and logs need them.

        Args:
            feed: as the method `feed` returns it.
        """
        return dict(zip(self.output_names, self._session.run(self.output_names, feed), strict=True))

    def is_compatible(self, other: "ServedModel") -> bool:
        """Whether clients of one model can use the other: same columns, same outputs."""
        return self._interface() == other._interface()

    def _interface(self) -> object:
        columns = {(field.name, field.type, field.wire) for field in self.schema.columns}
        return columns, self.outputs, self.schema.target.classes


def file_version(path: Path) -> str:
    """The first digits of the sha256 of a file's content."""
    try:
        return identity(path.read_bytes())
    except OSError as error:
        raise ArtifactError(f"{path}: {error.strerror}. Give the path of a model file") from error


def _tensor(value: Any) -> dict[str, Any]:
    shape = [size if isinstance(size, int) else -1 for size in value.shape]
    return {"name": value.name, "datatype": TENSORS[value.type].datatype, "shape": shape}
