"""Derived columns of many rows."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from onward.artifacts.prepared import CHUNK
from onward.preprocessing.columns import BATCH, Column
from onward.preprocessing.derivations import MADE, Derivation, Outcomes, model_of
from onward.preprocessing.feed import feed
from onward.preprocessing.graph import session
from onward.schema import SemanticType, Target

FOLDS = 5  # parts of the training rows; each is served by what the others say of the target


class Deriving:
    """Derivations that learn from training rows, and then run over any.

    All values come from ONNX graphs of the derivations. Where something is learned from the target,
    there is one more graph for each part of the training rows, whose derivations have not seen the
    targets of that part; the exported file has the graph whose derivations have seen them all.

    Args:
        columns: raw ones.
        derivations: in an order in which each reads only raw columns and earlier ones.
        seed: of the parts.
    """

    def __init__(
        self, columns: Sequence[Column], derivations: Sequence[Derivation], seed: int
    ) -> None:
        self._columns, self._seed = columns, seed
        self.derivations = list(derivations)
        """Those that the exported file has."""
        self._versions: list[list[Derivation]] = []

    def fit(self, train: pl.LazyFrame, targets: np.ndarray, target: Target) -> None:
        """Learn, one derivation after the other, from what the earlier ones make.

        Args:
            train: raw training rows.
            targets: of the same rows, encoded.
            target: what they are.

        Raises:
            DataError: if there is nothing to learn.
        """
        rows = len(targets)
        part = np.random.default_rng(self._seed).integers(0, FOLDS, rows, dtype=np.int8)
        self._part = part if any(each.learns == "target" for each in self.derivations) else None
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

    def derived(self, rows: pl.LazyFrame, *, are_training: bool) -> Iterator[pl.DataFrame]:
        """The derived columns, chunk by chunk and in order.

        Args:
            rows: raw.
            are_training: whether they are those that were learned from, all of them.
        """
        wanted = {each.name: _kind(each) for each in self.derivations}
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
    """A graph from raw columns to some of what derivations read or make."""

    def __init__(
        self,
        columns: Sequence[Column],
        derivations: Sequence[Derivation],
        wanted: Mapping[str, SemanticType],
    ) -> None:
        self._session = session(model_of(columns, derivations, wanted))
        self._wanted = wanted
        self.reads = [each.name for each in self._session.get_inputs()]
        self._fields = [column.field for column in columns if column.name in self.reads]

    def __call__(self, rows: pl.DataFrame) -> pl.DataFrame:
        outputs = [f"{MADE}{name}" for name in self._wanted]
        parts = []
        for start in range(0, max(len(rows), 1), BATCH):
            some = rows[start : start + BATCH]
            parts.append(self._session.run(outputs, feed(some, self._fields)))
        made = map(np.concatenate, zip(*parts, strict=True))
        return pl.DataFrame(
            [_series(name, values[:, 0]) for name, values in zip(self._wanted, made, strict=True)]
        )


def _series(name: str, values: np.ndarray) -> pl.Series:
    """As rows in files are: null is missing."""
    if values.dtype == object:
        texts = pl.Series(name, values.tolist(), pl.String)
        return texts.replace("", None)
    return pl.Series(name, values).fill_nan(None)


def _out_of_fold(runs: Sequence[_Run], rows: pl.DataFrame, part: np.ndarray) -> pl.DataFrame:
    """Each row by the graph of its part."""
    made = pl.concat([run(rows.filter(part == fold)) for fold, run in enumerate(runs)])
    order = np.argsort(part, kind="stable")
    return made[np.argsort(order, kind="stable")]


def _kind(derivation: Derivation) -> SemanticType:
    return "number" if derivation.wire == "number" else "category"
