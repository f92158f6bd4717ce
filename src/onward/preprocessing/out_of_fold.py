"""Compute derived columns, out of fold where needed."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from onward.artifacts.prepared import CHUNK
from onward.preprocessing.columns import BATCH, Column
from onward.preprocessing.derivations import MADE, Derivation, Outcomes, model_of
from onward.preprocessing.feed import feed
from onward.preprocessing.graph import session
from onward.schema import SemanticType, Target

FOLDS = 5  # folds of the training rows; each is encoded by the other folds


class Deriving:
    """Derivations that are fitted on training rows, and then applied to any rows.

    All values come from ONNX graphs of the derivations. If one of them learns from the target, each
    fold of the training rows has its own graph, fitted on the other folds. The exported file has
    the graph fitted on all training rows.

    Args:
        columns: raw ones.
        derivations: in an order in which each reads only raw columns and earlier ones.
        seed: of the folds.
    """

    def __init__(
        self, columns: Sequence[Column], derivations: Sequence[Derivation], seed: int
    ) -> None:
        self._columns, self._seed = columns, seed
        self.derivations = list(derivations)
        """Those that the exported file has."""
        self._versions: list[list[Derivation]] = []

    def fit(self, train: pl.LazyFrame, targets: np.ndarray, target: Target) -> None:
        """Fit the derivations in order; each may read earlier ones.

        Args:
            train: raw training rows.
            targets: of the same rows, encoded.
            target: of the table.

        Raises:
            DataError: if a derivation cannot be fitted.
        """
        rows = len(targets)
        part = np.random.default_rng(self._seed).integers(0, FOLDS, rows, dtype=np.int8)
        self._part = (
            part if any(derivation.learns == "target" for derivation in self.derivations) else None
        )
        self._versions = [[] for _ in range(FOLDS if self._part is not None else 0)]
        learned: list[Derivation] = []
        for derivation in self.derivations:
            versions = [derivation] * len(self._versions)
            if derivation.learns != "nothing":
                values = self._values(train, learned, derivation.reads)
                everything = np.ones(rows, bool)
                derivation.fit(values, Outcomes(targets, target, everything))
            if derivation.learns == "target":
                versions = [type(derivation)(derivation.config) for _ in self._versions]
                for fold, version in enumerate(versions):
                    version.fit(values, Outcomes(targets, target, part != fold))
            learned.append(derivation)
            for known, version in zip(self._versions, versions, strict=True):
                known.append(version)

    def derive(self, rows: pl.LazyFrame, *, are_training: bool) -> Iterator[pl.DataFrame]:
        """The derived columns, chunk by chunk and in order.

        Args:
            rows: raw.
            are_training: whether they are all of the training rows.
        """
        wanted = {derivation.name: _kind(derivation) for derivation in self.derivations}
        return self._chunks(rows, self.derivations, wanted, are_training=are_training)

    def _values(
        self, train: pl.LazyFrame, learned: Sequence[Derivation], reads: Mapping[str, SemanticType]
    ) -> pl.DataFrame:
        return pl.concat(self._chunks(train, learned, reads, are_training=True))

    def _chunks(
        self,
        rows: pl.LazyFrame,
        derivations: Sequence[Derivation],
        wanted: Mapping[str, SemanticType],
        *,
        are_training: bool,
    ) -> Iterator[pl.DataFrame]:
        part = self._part if are_training else None
        versions = [derivations] if part is None else self._versions
        runs = [_Run(self._columns, version, wanted) for version in versions]
        raw = rows.select(runs[0].reads)
        height = raw.select(pl.len()).collect().item()
        for start in range(0, max(height, 1), CHUNK):
            chunk = raw.slice(start, CHUNK).collect()
            if part is None:
                yield runs[0](chunk)
            else:
                yield _out_of_fold(runs, chunk, part[start : start + CHUNK])


class _Run:
    """A graph from raw columns to some inputs or results of derivations."""

    def __init__(
        self,
        columns: Sequence[Column],
        derivations: Sequence[Derivation],
        wanted: Mapping[str, SemanticType],
    ) -> None:
        self._session = session(model_of(columns, derivations, wanted))
        self._wanted = wanted
        self.reads = [tensor.name for tensor in self._session.get_inputs()]
        self._fields = [column.field for column in columns if column.name in self.reads]

    def __call__(self, rows: pl.DataFrame) -> pl.DataFrame:
        outputs = [f"{MADE}{name}" for name in self._wanted]
        parts = []
        for start in range(0, max(len(rows), 1), BATCH):
            batch = rows[start : start + BATCH]
            parts.append(self._session.run(outputs, feed(batch, self._fields)))
        arrays = map(np.concatenate, zip(*parts, strict=True))
        return pl.DataFrame(
            [_series(name, values[:, 0]) for name, values in zip(self._wanted, arrays, strict=True)]
        )


def _series(name: str, values: np.ndarray) -> pl.Series:
    """A series with null for missing, as in files."""
    if values.dtype == object:
        texts = pl.Series(name, values.tolist(), pl.String)
        return texts.replace("", None)
    return pl.Series(name, values).fill_nan(None)


def _out_of_fold(runs: Sequence[_Run], rows: pl.DataFrame, part: np.ndarray) -> pl.DataFrame:
    """Each row by the graph of its fold."""
    frame = pl.concat([run(rows.filter(part == fold)) for fold, run in enumerate(runs)])
    order = np.argsort(part, kind="stable")
    return frame[np.argsort(order, kind="stable")]


def _kind(derivation: Derivation) -> SemanticType:
    return "number" if derivation.wire == "number" else "category"
