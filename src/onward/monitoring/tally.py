"""Counts of the rows of a log, read in parts, so memory does not grow with the log."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from onward.monitoring.bins import Array, CategoryBins
from onward.monitoring.column_values import category_names, distinct_values, numbers
from onward.monitoring.estimation import WindowSums
from onward.monitoring.predictions import (
    Predictions,
    calibrated,
    loss_of,
    monitored_values,
    outcomes,
    scores,
)
from onward.monitoring.profile import Profile
from onward.monitoring.unseen import UnseenCategories
from onward.schema import Field, Schema
from onward.serving.text_reading import TextReader

RANGED = ("numerical", "quantity")
EXAMPLES = 3


@dataclass
class Moments:
    """Count, sum and sum of squares of numbers."""

    rows: float = 0.0
    total: float = 0.0
    squares: float = 0.0

    def add(self, numbers: Array) -> None:
        """Add some numbers."""
        self.rows += len(numbers)
        self.total += float(numbers.sum())
        self.squares += float((numbers**2).sum())

    @property
    def mean(self) -> float:
        """Mean of the numbers."""
        return self.total / max(self.rows, 1)

    @property
    def variance(self) -> float:
        """Variance of the numbers."""
        return max(0.0, self.squares / max(self.rows, 1) - self.mean**2)


@dataclass
class WindowCounts:
    """Counts of the rows of one window."""

    rows: int = 0
    columns: dict[str, Array] = field(default_factory=dict)
    """Counts of the bins of each column."""
    outputs: dict[str, Array] = field(default_factory=dict)
    breaches: defaultdict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    """Rows by column and kind: ``unseen``, ``out of range``, ``unreadable``."""
    estimated: WindowSums | None = None
    labelled: int = 0
    quality: defaultdict[str, Moments] = field(default_factory=lambda: defaultdict(Moments))
    """Moments of each outcome over rows with a label."""
    calibration: Array | None = None
    """Sums of `Calibration` over rows with a label."""
    losses: dict[str, Array] = field(default_factory=dict)
    """Rows with a label, sum and sum of squares of their loss, in each bin of each column."""


@dataclass(frozen=True)
class _Labelled:
    """The rows of a part that have a label."""

    rows: Array
    """Their indices in the part."""
    windows: Array
    """The index of the window of each."""
    loss: Array | None


class Tally:
    """Counts the rows of each window.

    Args:
        schema: of the model.
        profile: of its training rows.
        reference: the note with the ranges of columns.
        readers: of dates, quantities and booleans in texts.
        unseen: finds unseen categories.
    """

    def __init__(
        self,
        schema: Schema,
        profile: Profile,
        reference: Mapping[str, Any],
        readers: Sequence[TextReader],
        unseen: UnseenCategories,
    ) -> None:
        self._schema, self._profile, self._unseen = schema, profile, unseen
        self._reference = reference
        self._readers = {name: reader for reader in readers for name in reader.columns}
        self.windows: defaultdict[int, WindowCounts] = defaultdict(WindowCounts)
        self.examples: defaultdict[tuple[str, str], list[str]] = defaultdict(list)

    def add(
        self,
        rows: pl.DataFrame,
        keys: Array,
        predictions: Predictions,
        truth: Array | None = None,
    ) -> None:
        """Count some rows.

        Args:
            rows: the columns of the model that the log has.
            keys: the window of each row.
            predictions: outputs of the model for these rows.
            truth: codes of classes, or numbers; -1 or NaN without a label.
        """
        starts, index = np.unique(keys, return_inverse=True)
        windows = [self.windows[int(start)] for start in starts]
        for window, count in zip(windows, np.bincount(index, minlength=len(starts)), strict=True):
            window.rows += int(count)
        labelled = None
        if truth is not None:
            labelled = self._add_labels(predictions, truth, index, windows)
        for of_column in self._schema.columns:
            if of_column.name in rows.columns and of_column.name in self._profile.columns:
                indices = self._add_column(of_column, rows[of_column.name], index, windows)
                if labelled is not None and labelled.loss is not None:
                    self._add_losses(of_column.name, indices, labelled, windows)
        self._add_outputs(predictions, index, windows)

    def _add_column(
        self, column: Field, values: pl.Series, index: Array, windows: list[WindowCounts]
    ) -> Array:
        """Count the values, and return the bin of each."""
        bins = self._profile.columns[column.name].bins
        if isinstance(bins, CategoryBins):
            distinct, inverse = distinct_values(column, values)
            indices: Array = bins.indices(category_names(column, distinct))[inverse]
            is_unseen = self._unseen.among(column.name, distinct)
            self._breach(column, "unseen", is_unseen[inverse], values, index, windows)
            if column.name in self._readers or column.type == "boolean":
                is_broken = self._is_unreadable(column, values)
                self._breach(column, "unreadable", is_broken, values, index, windows)
        else:
            read = numbers(column, values, self._readers.get(column.name))
            indices = bins.indices(read)
            for kind, is_broken in self._find_breaches(column, values, read):
                self._breach(column, kind, is_broken, values, index, windows)
        _accumulate(indices, bins.size, index, [window.columns for window in windows], column.name)
        return indices

    def _add_losses(
        self, name: str, indices: Array, labelled: _Labelled, windows: list[WindowCounts]
    ) -> None:
        assert labelled.loss is not None
        size = self._profile.columns[name].bins.size
        flat = labelled.windows * size + indices[labelled.rows]
        parts = (None, labelled.loss, labelled.loss**2)
        sums = np.array([np.bincount(flat, part, len(windows) * size) for part in parts])
        for window, more in zip(windows, sums.T.reshape(-1, size, 3), strict=True):
            window.losses[name] = window.losses.get(name, 0.0) + more

    def _find_breaches(
        self, column: Field, values: pl.Series, read: Array
    ) -> Iterator[tuple[str, Array]]:
        known = self._reference.get(column.name, {})
        if column.type in RANGED and "min" in known:
            yield "out of range", (read < known["min"]) | (read > known["max"])
        if column.name in self._readers:
            yield "unreadable", np.isnan(read) & _is_there(column, values)

    def _is_unreadable(self, column: Field, values: pl.Series) -> Array:
        """Texts that are no number; numbers of booleans that are neither 1 nor 0."""
        reader = self._readers.get(column.name)
        read = numbers(column, values, reader)
        if column.wire == "number":
            return np.asarray(~np.isnan(read) & (read != 0) & (read != 1))
        if reader is None:  # files of earlier versions
            return np.zeros(len(read), bool)
        return np.asarray(np.isnan(read) & _is_there(column, values))

    def _breach(
        self,
        column: Field,
        kind: str,
        is_broken: Array,
        values: pl.Series,
        index: Array,
        windows: list[WindowCounts],
    ) -> None:
        if not is_broken.any():
            return
        for window, count in zip(
            windows, np.bincount(index[is_broken], minlength=len(windows)), strict=True
        ):
            window.breaches[column.name, kind] += int(count)
        examples = self.examples[column.name, kind]
        if len(examples) < EXAMPLES:
            more = values.filter(pl.Series(is_broken)).unique(maintain_order=True)
            texts = [f"{v:.6g}" if isinstance(v, float) else str(v) for v in more.head(EXAMPLES)]
            new = [text for text in texts if text not in examples]
            examples += new[: EXAMPLES - len(examples)]

    def _add_outputs(
        self, predictions: Predictions, index: Array, windows: list[WindowCounts]
    ) -> None:
        for name, values in monitored_values(predictions, self._schema.target).items():
            if name in self._profile.outputs:
                bins = self._profile.outputs[name].bins
                parts = [window.outputs for window in windows]
                _accumulate(bins.indices(values), bins.size, index, parts, name)
        correction = self._profile.correction
        of_rows = None if correction is None else scores(predictions, self._schema.target)
        if correction is None or of_rows is None:
            return
        sums = correction.sums(of_rows, index, len(windows))
        for window, more in zip(windows, sums, strict=True):
            old = window.estimated
            window.estimated = more if old is None else old + more

    def _add_labels(
        self, predictions: Predictions, truth: Array, index: Array, windows: list[WindowCounts]
    ) -> _Labelled:
        has_label = truth >= 0 if truth.dtype.kind == "i" else ~np.isnan(truth)
        labelled = {name: values[has_label] for name, values in predictions.items()}
        truth, index = truth[has_label], index[has_label]
        of_rows = outcomes(labelled, truth, self._schema.target)
        known = self._profile.calibration
        points = None if known is None else calibrated(labelled, truth, self._schema.target)
        for number in np.unique(index):
            window, inside = windows[number], index == number
            window.labelled += int(inside.sum())
            for name, values in of_rows.items():
                window.quality[name].add(values[inside])
            if known is not None and points is not None:
                more = known.measure.sums(*(part[inside] for part in points))
                old = window.calibration
                window.calibration = more if old is None else old + more
        return _Labelled(np.flatnonzero(has_label), index, loss_of(of_rows))


def _is_there(column: Field, values: pl.Series) -> Array:
    """Which texts are not missing."""
    return np.asarray(~(values.is_null() | values.is_in(["", *column.missing])).to_numpy())


def _accumulate(
    indices: Array, size: int, index: Array, parts: list[dict[str, Array]], name: str
) -> None:
    counts = np.bincount(index * size + indices, minlength=len(parts) * size)
    for part, more in zip(parts, counts.reshape(len(parts), size), strict=True):
        part[name] = part[name] + more if name in part else more
