"""The export gate: compares the predictions of file and network, row by row."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
import polars as pl
import torch

from onward.artifacts.prepared import Arrays
from onward.blocks import Blocks
from onward.errors import ExportError
from onward.export.hostile_rows import hostile_rows
from onward.network.network import Network
from onward.preprocessing.assembly import tensor_name
from onward.preprocessing.feed import feed
from onward.schema import Schema

ROWS = 8192  # compared at once
RELATIVE = 1e-4  # of a prediction; float32 sums in another order differ by less
ABSOLUTE = 1e-5  # of the spread of the predictions
TIE = 1e-4  # labels whose gains are closer than this may change places

Predictions = dict[str, np.ndarray]


@dataclass
class Found:
    """What a comparison has found, for people."""

    rows: int = 0
    largest: dict[str, float] = field(default_factory=dict)
    """For each output the largest difference."""
    spread: dict[str, float] = field(default_factory=dict)
    """For each output how far apart its values are."""

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {"rows": self.rows, "largest": self.largest}


@dataclass
class HeldOut(Found):
    """The same of held-out rows."""

    predictions: Predictions = field(default_factory=dict)
    """Of the file."""


class Parity:
    """Compares one file with one network."""

    def __init__(
        self, model: bytes, preprocessing: bytes, network: Network, schema: Schema
    ) -> None:
        self._model = onnxruntime.InferenceSession(model)
        self._preprocessing = onnxruntime.InferenceSession(preprocessing)
        self._network, self._schema = network, schema
        gains = network.head.gains
        self._gains = np.eye(len(schema.target.classes)) if gains is None else gains.numpy()

    def predict(self, rows: pl.DataFrame) -> Predictions:
        """The predictions of the file for raw rows."""
        names = [output.name for output in self._model.get_outputs()]
        values = self._model.run(names, feed(rows, self._schema.columns))
        return dict(zip(names, values, strict=True))

    def held_out(self, split: str, rows: pl.DataFrame, arrays: Arrays, blocks: Blocks) -> HeldOut:
        """Compare on validation or test rows, with the features that ``prepare`` wrote.

        Raises:
            ExportError: naming the worst row, and the first column whose features differ; or the
                first row with a prediction that is not finite.
        """
        found, parts = HeldOut(len(rows)), []
        for start in range(0, len(rows), ROWS):
            place = slice(start, start + ROWS)
            chunk = rows[place]
            want = self._by_network({b: part[place] for b, part in arrays.features.items()})
            got = self.predict(chunk)
            _refuse_not_finite(got, chunk)
            worst = self._compare(got, want, found)
            if worst is not None:
                row = start + worst.row
                written = {b: part[row : row + 1] for b, part in arrays.features.items()}
                cause = self._cause(rows[row : row + 1], written, blocks)
                raise ExportError(
                    f"export: {worst.count} of {len(chunk)} rows from row {start} of the {split}"
                    f" rows are predicted differently by the file. The worst is row {row}:"
                    f" {worst.text}. {cause}"
                )
            parts.append(got)
        parts = parts or [self.predict(rows)]
        found.predictions = {
            name: np.concatenate([part[name] for part in parts]) for name in parts[0]
        }
        return found

    def hostile(self, rows: pl.DataFrame) -> Found:
        """Compare on hostile rows, in batches of all, 7 and 1, and shuffled.

        Args:
            rows: usual ones, of which each gets one bad value.

        Raises:
            ExportError: naming the worst row, or the first with a prediction that is not finite.
        """
        bad = hostile_rows(rows, self._schema.columns)
        found = Found(len(bad))
        together = self.predict(bad)
        _refuse_not_finite(together, bad)
        self._refuse(self._compare(together, self._by_network(self._features(bad)), found), bad)
        order = np.random.default_rng(0).permutation(len(bad))
        batches = [order, *(order[s : s + 7] for s in range(0, len(bad), 7)), *order[:50, None]]
        for batch in batches:
            want = {name: values[batch] for name, values in together.items()}
            some = bad[batch]
            self._refuse(self._compare(self.predict(some), want, found), some)
        return found

    def _refuse(self, worst: "Worst | None", rows: pl.DataFrame) -> None:
        if worst is not None:
            raise ExportError(
                f"export: the file predicts a row differently: {worst.text}, for"
                f" {_shown(rows, worst.row)} in a batch of {len(rows)}. {BUG}"
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

    def _compare(self, got: Predictions, want: Predictions, found: Found) -> "Worst | None":
        """The worst row, if any differs by more than rounding."""
        excess = {name: self._excess(name, got, want, found) for name in got}
        name = max(excess, key=lambda n: float(excess[n].max(initial=0.0)))
        if excess[name].max(initial=0.0) <= 1:
            return None
        row = int(excess[name].argmax())
        count = int((np.stack(list(excess.values())) > 1).any(0).sum())
        return Worst(row, count, f"{name} is {got[name][row]} and should be {want[name][row]}")

    def _excess(self, name: str, got: Predictions, want: Predictions, found: Found) -> np.ndarray:
        """The difference of each row in units of the tolerance."""
        rows = len(want[name])
        if name == "label":
            best = np.sort(want["probabilities"] @ self._gains, 1)
            is_tie = best[:, -1] - best[:, -2] < TIE
            return np.where((got[name] != want[name]) & ~is_tie, np.inf, 0.0)
        difference = np.abs(got[name].astype(np.float64) - want[name]).reshape(rows, -1)
        difference = np.where(np.isnan(difference), np.inf, difference)
        # of all rows compared: in a batch of one nothing is apart, and a value near 0 has no size
        found.spread[name] = max(found.spread.get(name, 0.0), _spread(want[name]))
        allowed = RELATIVE * np.abs(want[name]).reshape(rows, -1) + ABSOLUTE * found.spread[name]
        found.largest[name] = max(found.largest.get(name, 0.0), float(difference.max(initial=0.0)))
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
                f"export: {name} is not finite, but {values[row]}, for {_shown(rows, row)}. {BUG}"
            )


def _spread(values: np.ndarray) -> float:
    """The spread of the usual values, or a tiny number if they are all equal."""
    if not values.size:
        return 1.0
    low, high = np.quantile(values, [0.05, 0.95])
    return max(float(high - low), float(np.abs(values).max()) * RELATIVE, np.finfo(np.float64).tiny)


def _shown(rows: pl.DataFrame, row: int) -> str:
    values = ", ".join(f"{name}={value!r:.40}" for name, value in rows.row(row, named=True).items())
    return f"the row {{{values}}}"
