"""The export gate: compares the predictions of file and network, row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
import polars as pl
import torch

from onward.artifacts.prepared import Arrays
from onward.blocks import Blocks
from onward.errors import ExportError
from onward.export.hostile_rows import hostile_rows
from onward.network.scoring import Scoring
from onward.preprocessing.assembly import tensor_name
from onward.preprocessing.feed import feed
from onward.schema import Schema
from onward.serving.predictor import rows_at_once

RELATIVE = 1e-4  # of a prediction; float32 sums in another order differ by less
ABSOLUTE = 1e-5  # of the spread of the predictions
TIE = 1e-4  # labels whose gains are closer than this may change places

Predictions = dict[str, np.ndarray]


@dataclass
class Agreement:
    """The result of a comparison."""

    rows: int
    spread: dict[str, float]
    """Of the predictions of all rows, for each output."""
    largest: dict[str, float] = field(default_factory=dict)
    """The largest difference of each output."""

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {"rows": self.rows, "largest": self.largest}


@dataclass
class HeldOutAgreement(Agreement):
    """The same for held-out rows, with the predictions of the file."""

    predictions: Predictions = field(default_factory=dict)


class Parity:
    """Compares one file with one network."""

    def __init__(
        self, model: bytes, preprocessing: bytes, network: Scoring, schema: Schema
    ) -> None:
        self._model = onnxruntime.InferenceSession(model)
        self._preprocessing = onnxruntime.InferenceSession(preprocessing)
        self._network, self._schema = network, schema
        gains = network.head.gains
        self._gains = np.eye(len(schema.target.classes)) if gains is None else gains.numpy()

    def predict(self, rows: pl.DataFrame) -> Predictions:
        """The predictions of the file for raw rows."""
        names = [output.name for output in self._model.get_outputs()]
        parts = [
            dict(zip(names, self._model.run(names, feed(part, self._schema.columns)), strict=True))
            for part in self._parts(rows)
        ]
        return _join(parts)

    def compare_held_out(
        self, split: str, rows: pl.DataFrame, arrays: Arrays, blocks: Blocks
    ) -> HeldOutAgreement:
        """Compare on validation or test rows, with the features that ``prepare`` wrote.

        Raises:
            ExportError: naming the worst row, and the first column whose features differ; or the
                first row with a prediction that is not finite.
        """
        size = rows_at_once(len(self._schema.columns))
        chunks = [slice(start, start + size) for start in range(0, max(len(rows), 1), size)]
        expected = [
            self._by_network({name: part[chunk] for name, part in arrays.features.items()})
            for chunk in chunks
        ]
        agreement = HeldOutAgreement(len(rows), _spreads(_join(expected)))
        parts = []
        for chunk, want in zip(chunks, expected, strict=True):
            got = self.predict(rows[chunk])
            _refuse_not_finite(got, rows[chunk])
            worst = self._compare(got, want, agreement)
            if worst is not None:
                row = chunk.start + worst.row
                written = {name: part[row : row + 1] for name, part in arrays.features.items()}
                cause = self._cause(rows[row : row + 1], written, blocks)
                raise ExportError(
                    f"export: {worst.count} of {len(rows[chunk])} rows from row {chunk.start} of"
                    f" the {split} rows are predicted differently by the file. The worst is row"
                    f" {row}: {worst.text}. {cause}"
                )
            parts.append(got)
        agreement.predictions = _join(parts)
        return agreement

    def compare_hostile(self, rows: pl.DataFrame) -> Agreement:
        """Compare on hostile rows, in batches of all, 7 and 1, and shuffled.

        Args:
            rows: usual ones; each gets one bad value.

        Raises:
            ExportError: naming the worst row, or the first with a prediction that is not finite.
        """
        hostile = hostile_rows(rows, self._schema.columns)
        together = self.predict(hostile)
        _refuse_not_finite(together, hostile)
        want = _join([self._by_network(self._features(part)) for part in self._parts(hostile)])
        agreement = Agreement(len(hostile), _spreads(want))
        self._refuse(self._compare(together, want, agreement), hostile)
        order = np.random.default_rng(0).permutation(len(hostile))
        sevens = (order[start : start + 7] for start in range(0, len(hostile), 7))
        for indices in (order, *sevens, *order[:50, None]):
            want = {name: values[indices] for name, values in together.items()}
            batch = hostile[indices]
            self._refuse(self._compare(self.predict(batch), want, agreement), batch)
        return agreement

    def _parts(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        size = rows_at_once(len(self._schema.columns))
        return [*rows.iter_slices(size)] or [rows]

    def _refuse(self, worst: "Worst | None", rows: pl.DataFrame) -> None:
        if worst is not None:
            raise ExportError(
                f"export: the file predicts a row differently: {worst.text}, for"
                f" {_row_text(rows, worst.row)} in a batch of {len(rows)}. {BUG}"
            )

    def _features(self, rows: pl.DataFrame) -> dict[str, np.ndarray]:
        """The features of raw rows."""
        blocks = list(self._network.shape.blocks)
        raw = feed(rows, self._schema.columns)
        known = {i.name for i in self._preprocessing.get_inputs()}
        values = self._preprocessing.run(
            list(map(tensor_name, blocks)), {n: v for n, v in raw.items() if n in known}
        )
        return dict(zip(blocks, values, strict=True))

    def _by_network(self, features: Mapping[str, np.ndarray]) -> Predictions:
        tensors = {b: torch.from_numpy(np.ascontiguousarray(part)) for b, part in features.items()}
        with torch.no_grad():
            outputs = self._network(tensors)
        predictions = {name: value.numpy() for name, value in outputs.items()}
        if "label" in predictions:
            classes = np.array(self._schema.target.classes, object)
            predictions["label"] = classes[predictions["label"]]
        return predictions

    def _compare(self, got: Predictions, want: Predictions, agreement: Agreement) -> "Worst | None":
        """The worst row, if any differs by more than rounding."""
        excess = {name: self._excess(name, got, want, agreement) for name in got}
        name = max(excess, key=lambda n: float(excess[n].max(initial=0.0)))
        if excess[name].max(initial=0.0) <= 1:
            return None
        row = int(excess[name].argmax())
        count = int((np.stack(list(excess.values())) > 1).any(0).sum())
        return Worst(row, count, f"{name} is {got[name][row]} and should be {want[name][row]}")

    def _excess(
        self, name: str, got: Predictions, want: Predictions, agreement: Agreement
    ) -> np.ndarray:
        """The difference of each row in units of the tolerance."""
        rows = len(want[name])
        if name == "label":
            best = np.sort(want["probabilities"] @ self._gains, 1)
            is_tie = best[:, -1] - best[:, -2] < TIE
            return np.where((got[name] != want[name]) & ~is_tie, np.inf, 0.0)
        difference = np.abs(got[name].astype(np.float64) - want[name]).reshape(rows, -1)
        difference = np.where(np.isnan(difference), np.inf, difference)
        # the spread of all rows: a part of a sorted table, or one row, has hardly any
        allowed = RELATIVE * np.abs(want[name]).reshape(rows, -1)
        allowed += ABSOLUTE * agreement.spread[name]
        largest = max(agreement.largest.get(name, 0.0), float(difference.max(initial=0.0)))
        agreement.largest[name] = largest
        return np.asarray((difference / allowed).max(1, initial=0.0))

    def _cause(self, row: pl.DataFrame, written: Mapping[str, np.ndarray], blocks: Blocks) -> str:
        """The first column whose features differ between the file and ``prepare``."""
        for block, got in self._features(row).items():
            owners, want = blocks[block].owners, written[block]
            for index in np.argwhere(got != want):
                name = owners[index[1]]
                value = f"its value {row[name][0]!r}" if name in row.columns else "what is derived"
                return (
                    f"The first column whose features differ is {name!r}: {value} becomes"
                    f" {got[tuple(index)]:g} in the file, and was {want[tuple(index)]:g} in"
                    " training. Run `onward prepare` again"
                )
        return f"The features are the same; the network differs. {BUG}"


BUG = "This is a bug in onward. Please report it with the config"


@dataclass(frozen=True)
class Worst:
    """The row that differs most."""

    row: int
    count: int
    """Rows that differ too much."""
    text: str


def _refuse_not_finite(predictions: Predictions, rows: pl.DataFrame) -> None:
    # before the comparison, in which a NaN differs from everything
    for name, values in predictions.items():
        if name != "label" and not np.isfinite(values).all():
            is_finite = np.isfinite(values.reshape(len(rows), -1)).all(1)
            row = int(is_finite.argmin())
            raise ExportError(
                f"export: {name} is not finite, but {values[row]}, for"
                f" {_row_text(rows, row)}. {BUG}"
            )


def _join(parts: Sequence[Predictions]) -> Predictions:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _spreads(predictions: Predictions) -> dict[str, float]:
    """The spread of each output but the label."""
    return {name: _spread(values) for name, values in predictions.items() if name != "label"}


def _spread(values: np.ndarray) -> float:
    """From the 5 % to the 95 % quantile, or a tiny number if all values are equal."""
    values = values[np.isfinite(values)]
    if not values.size:
        return 1.0
    low, high = np.quantile(values, [0.05, 0.95])
    return max(float(high - low), float(np.abs(values).max()) * RELATIVE, np.finfo(np.float64).tiny)


def _row_text(rows: pl.DataFrame, row: int) -> str:
    values = ", ".join(f"{name}={value!r:.40}" for name, value in rows.row(row, named=True).items())
    return f"the row {{{values}}}"
