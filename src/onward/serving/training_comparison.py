"""Unusual values: unseen categories, numbers outside the training range."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from onward.errors import ArtifactError, DataError
from onward.schema import Field, Schema
from onward.serving.input_arrays import Array
from onward.serving.sessions import run_only, session_of, with_output
from onward.serving.text_reading import TextReader
from onward.serving.training_range import NUMBERS, TrainingRange
from onward.wires import SCALARS

UNSEEN = 0  # the code of a category that no training row has, or too few
RARE: Literal["rare or not seen in training"] = "rare or not seen in training"
UNREADABLE: Literal["unreadable"] = "unreadable"


@dataclass(frozen=True)
class UnusualValues:
    """Unusual values of one column. The model still predicts their rows.

    A column with ``min_count`` or ``order`` may have training rows whose category shares the code
    of unseen ones. The file does not tell the two apart: both are "rare or not seen in training".
    """

    column: str
    kind: Literal[
        "not seen in training",
        "rare or not seen in training",
        "below the training range",
        "above the training range",
        "unreadable",
    ]
    rows: int
    """How many have such a value."""
    first_row: int
    """From 0."""
    example: Any
    """The value of that row."""


class TrainingComparison:
    """Compares values with the training ranges and categories in the file.

    Args:
        content: of the model file.
        schema: of the model.
        metadata: of the model; files of earlier versions have neither ranges nor codes.
        readers: of texts, for quantities.
    """

    def __init__(
        self,
        content: bytes,
        schema: Schema,
        metadata: Mapping[str, Any],
        readers: Iterable[TextReader],
    ) -> None:
        self._fields = {field.name: field for field in schema.columns}
        self._ranges = _ranges(schema, metadata)
        self._readers = {name: reader for reader in readers for name in reader.columns}
        codes = metadata.get("codes", {"tensor": "", "columns": []})
        self._tensor, self._coded = codes["tensor"], codes["columns"]
        self._rare = frozenset(codes.get("rare", []))  # files of earlier versions have none
        self._codes_of = {
            name: [index for index, owner in enumerate(self._coded) if owner == name]
            for name in dict.fromkeys(self._coded)
            if name in self._fields
        }
        self._session = session_of(with_output(content, self._tensor)) if self._coded else None

    def __call__(self, feed: Mapping[str, Array], first: int = 0) -> list[UnusualValues]:
        """Compare input columns; ``first`` is the number of the first row."""
        return [*self._unseen(feed, first), *self._out_of_range(feed, first)]

    def _unseen(self, feed: Mapping[str, Array], first: int) -> Iterable[UnusualValues]:
        if self._session is None:
            return
        codes = run_only(self._session, self._tensor, feed)
        if codes.shape[1:] != (len(self._coded),):
            raise ArtifactError(
                f"note 'codes': {self._tensor!r} has the shape {codes.shape}, and names"
                f" {len(self._coded)} columns. Export the file again"
            )
        for name, indices in self._codes_of.items():
            rows = np.flatnonzero((codes[:, indices] == UNSEEN).any(axis=1))
            if len(rows):
                example = _plain(self._fields[name], feed[name][rows[0]])
                kind: Any = RARE if name in self._rare else "not seen in training"
                yield UnusualValues(name, kind, len(rows), first + int(rows[0]), example)

    def _out_of_range(self, feed: Mapping[str, Array], first: int) -> Iterable[UnusualValues]:
        for name, (low, high) in self._ranges.items():
            numbers = self._numbers(self._fields[name], feed[name])
            sides = (("below", numbers < low), ("above", numbers > high))  # never of NaN
            for side, is_outside in sides:
                rows = np.flatnonzero(is_outside)
                if len(rows):
                    kind: Any = f"{side} the training range"
                    example = _plain(self._fields[name], feed[name][rows[0]])
                    yield UnusualValues(name, kind, len(rows), first + int(rows[0]), example)

    def _numbers(self, field: Field, column: Array) -> Array:
        if field.wire == "number":
            return column.ravel()
        reader = self._readers.get(field.name)
        return np.full(len(column), np.nan) if reader is None else reader.numbers(column)


def merge(parts: Iterable[UnusualValues]) -> list[UnusualValues]:
    """Merge the entries of the parts of a table, by column and kind."""
    whole: dict[tuple[str, str], UnusualValues] = {}
    for part in parts:
        key = part.column, part.kind
        whole[key] = replace(whole[key], rows=whole[key].rows + part.rows) if key in whole else part
    return sorted(whole.values(), key=lambda values: -values.rows)


def refuse(unusual: Iterable[UnusualValues]) -> None:
    """Raise if a value is certainly unusual: a category that may be a rare one is not.

    Raises:
        DataError: naming column, row and value of the first.
    """
    for values in unusual:
        if values.kind == RARE:
            continue
        raise DataError(
            f"column {values.column!r}, row {values.first_row}: {values.example!r} is"
            f" {values.kind}. Correct it, or predict without strict=True"
        )


def _ranges(schema: Schema, metadata: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """The ranges of numbers and quantities. Dates are left out: new ones are usually later."""
    ranges = {}
    for field in schema.columns:
        known = TrainingRange.read(field, metadata)
        if field.type in NUMBERS and known.low is not None and known.high is not None:
            ranges[field.name] = known.low, known.high
    return ranges


def _plain(field: Field, row: Array) -> Any:
    values = row.tolist()
    return values[0] if field.wire in SCALARS else values
