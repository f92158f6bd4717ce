"""Refuse texts that a model cannot read: invalid dates, quantities and booleans."""

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from onward.errors import ArtifactError, DataError
from onward.schema import Field
from onward.serving.column_settings import date_format_of, units_of
from onward.serving.input_arrays import Array
from onward.serving.interface import check_text_reader
from onward.serving.model_file import inspect
from onward.serving.sessions import session_of

KNOWN = 50_000  # texts that are remembered; some 5 MB
WANTED = {"datetime": "a date", "boolean": "true or false", "quantity": "a number with a unit"}
WHERE = "a graph in the note 'text_readers'"


class TextReader:
    """A text format and its columns.

    Args:
        note: its entry in the metadata: the columns, and the ONNX graph from text to number, with
        NaN if it cannot be read. fields: of the model, by their names.

    Raises:
        ArtifactError, ValueError: if the graph is not valid.
    """

    def __init__(self, note: Mapping[str, Any], fields: Mapping[str, Field]) -> None:
        self._fields = [fields[name] for name in note["columns"] if name in fields]
        graph = b64decode(note["graph"], validate=True)
        inspect(graph, WHERE)
        self._session = session_of(graph)
        check_text_reader(self._session)
        self._readable: set[str] = set()

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [field.name for field in self._fields]

    def numbers(self, column: Array) -> Array:
        """The number of each text of a column ``(rows, 1)``; NaN if it cannot be read."""
        [numbers] = self._session.run(None, {"text": column})
        if numbers.shape != column.shape:
            raise ArtifactError(f"{WHERE}: does not give a number for each text. Export it again")
        flat: Array = numbers[:, 0]
        return flat

    def refuse_unreadable(self, feed: Mapping[str, Array], first: int) -> None:
        """Refuse the first text that cannot be read and is not a missing value.

        Args:
            feed: the columns as the model takes them, ``(rows, 1)``.
            first: the row that the first value is in, for messages.

        Raises:
            DataError: naming column, row and value.
        """
        for field, rows in self.find_unreadable(feed):
            text = feed[field.name].ravel()[rows[0]]
            raise _unreadable_value(field, text, first + rows[0])

    def find_unreadable(self, feed: Mapping[str, Array]) -> Iterator[tuple[Field, list[int]]]:
        """The columns with texts that cannot be read and are not missing values, and their rows.

        Args:
            feed: the columns as the model takes them, ``(rows, 1)``.
        """
        texts = [(field, feed[field.name].ravel().tolist()) for field in self._fields]
        unknown = {
            text
            for field, column in texts
            for text in set(column) - self._readable
            if not _is_missing(field, text)
        }
        unreadable = self._unreadable(sorted(unknown)) if unknown else set()
        for field, column in texts if unreadable else []:
            rows = [
                index
                for index, text in enumerate(column)
                if text in unreadable and not _is_missing(field, text)
            ]
            if rows:
                yield field, rows

    def _unreadable(self, present: Sequence[str]) -> set[str]:
        numbers = self.numbers(np.array(present, object).reshape(-1, 1))
        unreadable = {
            text for text, number in zip(present, numbers, strict=True) if np.isnan(number)
        }
        if len(self._readable) + len(present) > KNOWN:
            self._readable.clear()
        if len(present) <= KNOWN:
            self._readable.update(text for text in present if text not in unreadable)
        return unreadable


def refuse_no_booleans(fields: Sequence[Field], feed: Mapping[str, Array], first: int) -> None:
    """Refuse numbers other than 1 and 0 in columns of booleans.

    Args:
        fields: of columns of booleans that are numbers.
        feed: the columns as the model takes them.
        first: the row that the first value is in, for messages.

    Raises:
        DataError: naming column, row and value.
    """
    for field, rows in find_no_booleans(fields, feed):
        value = feed[field.name].ravel()[rows[0]].item()
        raise _unreadable_value(field, value, first + rows[0])


def find_no_booleans(
    fields: Sequence[Field], feed: Mapping[str, Array]
) -> Iterator[tuple[Field, list[int]]]:
    """The columns with numbers other than 1, 0 and missing ones, and their rows.

    Args:
        fields: of columns of booleans that are numbers.
        feed: the columns as the model takes them.
    """
    for field in fields:
        values = feed[field.name].ravel()
        is_neither = (values != 0) & (values != 1)
        if np.count_nonzero(is_neither):
            rows = np.flatnonzero(is_neither & ~np.isnan(values)).tolist()
            if rows:
                yield field, rows


def _is_missing(field: Field, text: str) -> bool:
    is_blank = not (text.strip(" ") if units_of(field) else text)
    return is_blank or text in field.missing


def _unreadable_value(field: Field, value: Any, row: int) -> DataError:
    wanted = WANTED.get(field.type, f"a value of the type {field.type}")
    how = f" of the format {date_format_of(field)!r}" if field.type == "datetime" else ""
    return DataError(
        f"column {field.name!r}, row {row}: {repr(value)[:80]} is not {wanted}{how}. Correct it,"
        " or leave it empty (None, in JSON null) if the value is missing"
    )
