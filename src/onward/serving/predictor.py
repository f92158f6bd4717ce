"""Run an exported file. Needs only numpy and onnxruntime.

For a model of incomes::

    predictor = Predictor("model.onnx")
    predictor([{"age": 39, "workclass": "State-gov"}])
    # {'label': array(['<=50K'], dtype=object), 'probabilities': array([[0.93, 0.07]])}
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from onward.errors import ArtifactError, DataError
from onward.schema import Field
from onward.serving.column_arrays import ColumnArrays
from onward.serving.column_names import refuse_lacking
from onward.serving.input_arrays import Array
from onward.serving.interface import check_interface
from onward.serving.model_file import HASH, ModelFile, inspect
from onward.serving.notes import read_notes, read_schema
from onward.serving.sessions import session_of
from onward.serving.tabular_inputs import columns_of, names_of
from onward.serving.text_reading import TextReader, find_no_booleans, refuse_no_booleans
from onward.serving.training_comparison import (
    UNREADABLE,
    TrainingComparison,
    UnusualValues,
    merge,
    refuse,
)

FORMAT = 2
"""Of the files that this version writes, and the newest it reads."""
ROWS = 2_048  # in one call of onnxruntime: fast, and memory does not grow with the table
VALUES = 100 * ROWS  # in one call: a wide table has fewer rows in it
Unreadable = Literal["refuse", "missing"]
TOLERANCE = 1e-4  # of an output's largest number; other processors add float32 in another order
REFUSED = (
    *(runtime.Fail, runtime.InvalidArgument, runtime.InvalidGraph, runtime.InvalidProtobuf),
    *(runtime.NoModel, runtime.NoSuchFile, runtime.NotImplemented, runtime.RuntimeException),
)
"""What onnxruntime raises."""
DAMAGED = (*REFUSED, LookupError, TypeError, ValueError)
"""What a file with a wrong byte somewhere can raise."""


def rows_at_once(columns: int) -> int:
    """The number of rows for one call of onnxruntime."""
    return max(1, min(ROWS, VALUES // max(columns, 1)))


class Predictor:
    """A model file, ready to predict; safe to call from several threads at once.

    Call it with rows in any of these forms, the columns in any order:

    * a dict of columns: lists, arrays, series
    * a list of dicts, one for each row
    * a frame of pandas, polars or pyarrow, or of a library with the interface of Arrow

    It returns a dict of arrays, one entry for each row: ``label`` (text) and ``probabilities``
    ``(rows, classes)``, or ``value``, ``lower`` and ``upper``.

    A missing value is None, NaN, NaT, pandas.NA or "". Other columns than those of the model are
    ignored. Rare or unseen categories and numbers outside the training range are predicted.

    It can be pickled; the file is loaded again from its path or its bytes.

    Args:
        model: the path of a file, or its content.
        strict: refuse unseen categories and numbers outside the training range. In columns where
            training rows have categories too rare for a code (``min_count``), unseen ones cannot
            be told from these and are predicted.
        unreadable: how to treat a text that is not a valid date, quantity or boolean
            where the column has such: an error, or a missing value.

    Raises:
        ArtifactError: if the file is missing, damaged, or not a model file of onward.
        DataError: on calls, naming column, row and value, if the rows do not fit.
    """

    def __init__(
        self,
        model: str | PathLike[str] | bytes,
        *,
        strict: bool = False,
        unreadable: Unreadable = "refuse",
    ) -> None:
        self.path = Path("model.onnx" if isinstance(model, bytes) else model)
        """Of the file; of bytes a name for messages."""
        self._origin = model if isinstance(model, bytes) else self.path.absolute()
        self._strict, self._unreadable = strict, unreadable
        content = model if isinstance(model, bytes) else _content_of(self.path)
        try:
            file = inspect(content, str(self.path))
            _check_format(self.path, file)
            self.schema = read_schema(file.notes.pop("schema"))
            """The input columns and the target."""
            self.metadata = read_notes(file.notes)
            """The metadata of the file: task, metrics, versions, hashes, ..."""
            fields = {field.name: field for field in self.schema.columns}
            notes_of_readers = self.metadata.get("text_readers", [])
            self._readers = [TextReader(note, fields) for note in notes_of_readers]
            self.session = session_of(content)
            """Of onnxruntime, for callers that bring arrays of their own."""
            check_interface(self.session, self.schema)
            self._digest = hashlib.sha256(content).digest()
        except DAMAGED as error:
            reason = str(error).partition("\n")[0].rpartition(" : ")[2].rstrip(".")
            raise ArtifactError(
                f"{self.path}: onnxruntime {onnxruntime.__version__} cannot read it: {reason}."
                " Copy the file again if it is damaged, or update onnxruntime if it is newer"
            ) from error
        self._names = [field.name for field in self.schema.columns]
        self._arrays = ColumnArrays(self.schema.columns)
        self._booleans = _boolean_numbers(self.schema.columns)
        self.outputs = [output.name for output in self.session.get_outputs()]
        """Names, in their order."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and other processes load the model again: a session cannot be pickled."""
        return _load, (self._origin, self._strict, self._unreadable)

    def __call__(self, rows: Any) -> dict[str, Array]:
        """Predict each row."""
        parts = [self.run(feed, first) for first, feed in self.feeds(rows)]
        arrays = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
        return dict(zip(self.outputs, arrays, strict=True))

    def check(self, rows: Any) -> list[UnusualValues]:
        """Rare or unseen categories and numbers out of range, the most frequent first.

        Raises:
            DataError: if the rows do not fit, as on calls.
        """
        return merge(
            values for first, feed in self.feeds(rows) for values in self._comparison(feed, first)
        )

    def verify(self) -> dict[str, float]:
        """Repeat the predictions stored in the file; return the largest difference of each output.

        Relative to the largest value of the output. For ``label``, if the class differs, the
        distance of the two best probabilities or expected gains: 0 for a tie.

        Raises:
            ArtifactError: naming output and row, if one is too large, or if the file has no row
            with all outputs.
        """
        replay = self.metadata.get("replay", {"predictions": {}})
        for name in self.outputs:
            if not replay["predictions"].get(name):
                raise ArtifactError(f"{self.path}: has no {name!r} to compare. Export it again")
        try:
            got, wanted = self(replay["rows"]), replay["predictions"]
            return {name: self._compare(name, wanted[name], got) for name in self.outputs}
        except (DataError, *DAMAGED) as error:
            raise ArtifactError(
                f"{self.path}: its own rows cannot be replayed: {error}. Copy the file again"
            ) from error

    def feeds(self, rows: Any, start: int = 0) -> Iterator[tuple[int, dict[str, Array]]]:
        """Chunks of checked rows as inputs of `session`, with the number of the first row.

        Args:
            rows: as on calls.
            start: the number of the first row, for messages.
        """
        columns = columns_of(rows, self._names)
        if len(columns) < len(self._names):
            self.check_names(names_of(rows))
        total = len(next(iter(columns.values())))
        size = rows_at_once(len(self._names))
        for first in range(0, max(total, 1), size):
            part = columns
            if total > size:
                part = {name: values[first : first + size] for name, values in columns.items()}
            feed = self._arrays(part, start + first)
            try:
                self.check_values(feed, start + first)
            except DataError as error:  # servers call `check_values`, and cannot choose
                raise DataError(
                    f"{error}. Or set unreadable to 'missing' (--missing-unreadable) to predict"
                    " such values as missing ones"
                ) from error
            yield start + first, feed

    def run(self, feed: Mapping[str, Array], first: int = 0) -> list[Array]:
        """The outputs, in order, for columns from `feeds`."""
        if self._strict:
            refuse(self.compare(feed, first))
        try:
            arrays: list[Array] = self.session.run(self.outputs, feed)
        except REFUSED as error:
            raise ArtifactError(
                f"{self.path}: cannot predict these rows: {error}. Run `onward verify`"
            ) from error
        return arrays

    def compare(self, feed: Mapping[str, Array], first: int = 0) -> list[UnusualValues]:
        """Like `check`, for columns from `feeds`."""
        return self._comparison(feed, first)

    @cached_property
    def _comparison(self) -> TrainingComparison:
        content = self._origin if isinstance(self._origin, bytes) else _content_of(self._origin)
        if hashlib.sha256(content).digest() != self._digest:
            raise ArtifactError(f"{self.path}: has changed since it was loaded. Load it again")
        try:
            return TrainingComparison(content, self.schema, self.metadata, self._readers)
        except DAMAGED as error:
            raise ArtifactError(
                f"{self.path}: its notes 'codes' and 'reference' do not fit its graph: {error}."
                " Export it again"
            ) from error

    def check_names(self, names: Iterable[Any]) -> None:
        """Raise a DataError if a column of the model is missing."""
        refuse_lacking(self._names, names)

    def check_values(self, feed: Mapping[str, Array], first: int = 0) -> None:
        """Raise a DataError for a value that the model cannot read.

        Args:
            feed: the inputs of `session`.
            first: the number of the first row, for messages.
        """
        if self._unreadable == "refuse":
            refuse_no_booleans(self._booleans, feed, first)
            for reader in self._readers:
                reader.refuse_unreadable(feed, first)

    def unreadable(self, feed: Mapping[str, Array], first: int = 0) -> list[UnusualValues]:
        """Values that the model takes for missing ones because it cannot read them, by column.

        Args:
            feed: columns from `feeds`.
            first: the number of the first row.
        """
        if self._unreadable == "refuse":
            return []
        of_texts = chain.from_iterable(reader.find_unreadable(feed) for reader in self._readers)
        return [
            UnusualValues(
                field.name, UNREADABLE, len(rows), first + rows[0], feed[field.name][rows[0], 0]
            )
            for field, rows in chain(of_texts, find_no_booleans(self._booleans, feed))
        ]

    def _compare(self, name: str, want: list[Any], got: dict[str, Array]) -> float:
        if np.shape(want) != got[name].shape:
            raise ValueError(f"{name!r} has the shape {got[name].shape}, not {np.shape(want)}")
        if name == "label":
            best = np.sort(self._expected_gains(got["probabilities"]), axis=1)[:, -2:]
            differences = np.where(got[name] == np.array(want, object), 0, best[:, 1] - best[:, 0])
        else:
            expected = np.array(want, np.float64)
            scale = np.abs(expected).max(initial=0) or 1.0
            differences = np.abs(got[name] - expected) / scale
        rows = np.nan_to_num(differences, nan=np.inf).reshape(len(want), -1).max(1, initial=0)
        worst = int(rows.argmax())
        if rows[worst] > TOLERANCE:
            raise ArtifactError(
                f"{self.path}: {name!r} of row {worst} of the {len(want)} that it carries is"
                f" {got[name][worst]}, and was {want[worst]} when it was exported. The file is"
                f" damaged, or onnxruntime {onnxruntime.__version__} is wrong on this machine: copy"
                " the file again, or try another version"
            )
        return float(rows[worst])

    def _expected_gains(self, probabilities: Array) -> Array:
        """The scores that decide the label: see the stage ``export``."""
        decision = self.metadata.get("decision")
        return probabilities if decision is None else probabilities @ np.array(decision["gains"])


def _load(model: Path | bytes, strict: bool, unreadable: Unreadable) -> Predictor:
    return Predictor(model, strict=strict, unreadable=unreadable)


def _boolean_numbers(columns: Sequence[Field]) -> list[Field]:
    return [field for field in columns if field.type == "boolean" and field.wire == "number"]


def _content_of(path: Path) -> bytes:
    if path.is_dir():
        raise ArtifactError(f"{path}: this is a folder. Name the model file in it")
    if not path.is_file():
        raise ArtifactError(f"{path}: there is no such file. The stage `export` writes it")
    return path.read_bytes()


def _check_format(path: Path, file: ModelFile) -> None:
    notes = file.notes
    if not {"onward", "schema", "task"} <= notes.keys():
        raise ArtifactError(
            f"{path}: an ONNX file, but not a model file of onward. Use onnxruntime itself, or"
            " the file"
            " that the stage `export` writes"
        )
    if int(notes["onward"]) > FORMAT:
        raise ArtifactError(
            f"{path}: has the format {notes['onward']}, and this version of onward reads up to"
            f" {FORMAT}. Update onward"
        )
    if notes.get(HASH, file.sha256) != file.sha256:
        raise ArtifactError(
            f"{path}: changed since it was exported: its hash does not match. Copy the file"
            " again; if a note"
            f" was added on purpose, remove the note {HASH!r}"
        )
