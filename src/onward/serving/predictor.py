"""Running an exported file. Needs numpy and onnxruntime, and nothing else.

For a model of incomes::

    predictor = Predictor("model.onnx")
    predictor([{"age": 39, "workclass": "State-gov"}])
    # {'label': array(['<=50K'], dtype=object), 'probabilities': array([[0.93, 0.07]])}
"""

import difflib
import json
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as runtime

from onward.errors import ArtifactError, DataError
from onward.schema import Schema
from onward.serving.input_arrays import Array, to_wire
from onward.serving.tabular_inputs import Values, columns_of

FORMAT = 1
"""Of the files that this version writes, and the newest it reads."""
ROWS = 2_048  # in one call of onnxruntime: fast, and memory does not grow with the table
STRUCTURED = (  # entries that are JSON
    *("replay", "metrics", "decision", "versions", "hashes", "reference", "derived"),
)
TOLERANCE = 1e-4  # of an output's largest number; other processors add float32 in another order
DAMAGED = (
    *(runtime.Fail, runtime.InvalidArgument, runtime.InvalidGraph, runtime.InvalidProtobuf),
    *(runtime.NoModel, runtime.NoSuchFile, runtime.NotImplemented, runtime.RuntimeException),
    *(KeyError, TypeError, ValueError),  # no UTF-8, no JSON, or not what we wrote
)
"""What a file with a wrong byte somewhere can raise."""


class Predictor:
    """A model file, ready to predict; safe to call from several threads at once.

    Call it with rows in any of these forms, the columns in any order:

    * a dict of columns: lists, arrays, series
    * a list of dicts, one for each row
    * a frame of pandas, polars or pyarrow, or of a library with the interface of Arrow

    It returns a dict of arrays, one entry for each row: ``label`` (text) and ``probabilities``
    ``(rows, classes)``, or ``value``, ``lower`` and ``upper``.

    A missing value is None, NaN, NaT, pandas.NA or "". The column of the target may be there and
    is not looked at.

    Raises:
        ArtifactError: if the file is missing, damaged, or none of ours.
        DataError: on calls, naming column, row and value, if the rows do not fit.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = Path(path)
        try:
            self.session = _session(self.path)
            """Of onnxruntime, for callers that bring arrays of their own."""
            notes = self.session.get_modelmeta().custom_metadata_map
            _check_format(self.path, notes)
            self.schema = Schema.load(notes.pop("schema"))
            """The columns that are wanted, and the target."""
            self.metadata = _parsed(notes)
            """What the file says of itself: task, metrics, versions, hashes, ..."""
        except DAMAGED as error:
            reason = str(error).partition("\n")[0].rpartition(" : ")[2].rstrip(".")
            raise ArtifactError(
                f"{self.path}: onnxruntime {onnxruntime.__version__} cannot read it: {reason}."
                " Copy the file anew if it is damaged, or update onnxruntime if it is newer"
            ) from error
        self._names = {field.name for field in self.schema.columns}
        self._outputs = [output.name for output in self.session.get_outputs()]

    def __call__(self, rows: Any) -> dict[str, Array]:
        """Predict each row."""
        columns = columns_of(rows, [field.name for field in self.schema.columns])
        if columns.keys() != self._names:
            self.check_names(columns)
        total = len(next(iter(columns.values())))
        parts = [self._run(columns, first) for first in range(0, max(total, 1), ROWS)]
        arrays = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
        return dict(zip(self._outputs, arrays, strict=True))

    def verify(self) -> dict[str, float]:
        """The largest difference of each output, when the file's own rows are predicted anew.

        In units of the output's largest number; for ``label`` the distance of the two best
        probabilities, or of what they gain, where another class is predicted: 0 in a tie.

        Raises:
            ArtifactError: naming output and row, if one is too large.
        """
        if "replay" not in self.metadata:
            raise ArtifactError(f"{self.path}: has no rows to replay. Export it again")
        try:
            replay = self.metadata["replay"]
            got, wanted = self(replay["rows"]), replay["predictions"]
            return {name: self._compare(name, want, got) for name, want in wanted.items()}
        except (DataError, *DAMAGED) as error:
            raise ArtifactError(
                f"{self.path}: its own rows cannot be replayed: {error}. Copy the file anew"
            ) from error

    def _run(self, columns: dict[str, Values], first: int) -> list[Array]:
        part = slice(first, first + ROWS)
        feed = {
            field.name: to_wire(field, columns[field.name][part], first)
            for field in self.schema.columns
        }
        arrays: list[Array] = self.session.run(self._outputs, feed)
        return arrays

    def check_names(self, names: Iterable[Any]) -> None:
        """Raise a DataError if these are not the columns of the model."""
        unknown = [name for name in names if name not in {*self._names, self.schema.target.name}]
        lacking = [field.name for field in self.schema.columns if field.name not in {*names}]
        if unknown:
            alike = difflib.get_close_matches(str(unknown[0]), lacking or self._names, 1)
            hint = f"Did you mean {alike[0]!r}?" if alike else "Leave it out"
            raise DataError(f"column {unknown[0]!r} is not one of the model's. {hint}")
        if lacking:
            raise DataError(
                f"column {lacking[0]!r} is missing, one of {len(lacking)} of"
                f" {len(self._names)} that are. Give it, with None where a value is not known"
            )

    def _compare(self, name: str, want: list[Any], got: dict[str, Array]) -> float:
        if name == "label":
            best = np.sort(self._gained(got["probabilities"]), axis=1)[:, -2:]
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
                " the file anew, or try another version"
            )
        return float(rows[worst])

    def _gained(self, probabilities: Array) -> Array:
        """What a label is chosen by: see the stage ``export``."""
        decision = self.metadata.get("decision")
        return probabilities if decision is None else probabilities @ np.array(decision["gains"])


def _session(path: Path) -> Any:
    if not path.is_file():
        raise ArtifactError(f"{path}: there is no such file. The stage `export` writes it")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the caller's threads count
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # what goes wrong is raised, and need not be printed too
    return onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])


def _check_format(path: Path, notes: dict[str, str]) -> None:
    if "onward" not in notes or "schema" not in notes:
        raise ArtifactError(
            f"{path}: is an ONNX file, but not one of ours. Use onnxruntime itself, or the file"
            " that the stage `export` writes"
        )
    if int(notes["onward"]) > FORMAT:
        raise ArtifactError(
            f"{path}: has the format {notes['onward']}, and this version of onward reads up to"
            f" {FORMAT}. Update onward"
        )


def _parsed(notes: dict[str, str]) -> dict[str, Any]:
    return notes | {key: json.loads(notes[key]) for key in STRUCTURED if key in notes}
