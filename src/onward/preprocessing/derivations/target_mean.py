"""Target encoding."""

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import polars as pl
from pydantic import Field

from onward.errors import DataError
from onward.preprocessing.derivations._base import Derivation, Outcomes
from onward.preprocessing.derivations._graph_inputs import Inputs
from onward.preprocessing.derivations._tensors import look_up, side_by_side
from onward.preprocessing.graph import Graph, Value
from onward.schema import SemanticType


class TargetMean(Derivation):
    """Target encoding: the mean target of the same category, shrunk to the overall mean.

    The mean of n rows has the weight n / (n + smoothing), the overall mean has the rest. An unseen
    category gets the overall mean. Missing values are one category.

    Training rows are encoded out of fold: they are dealt into five folds, and each fold gets the
    means of the other four. A row's own target is therefore not part of its encoding. All other
    rows, and the exported file, get the means of all training rows.

    Source: Micci-Barreca 2001, "A preprocessing scheme for high-cardinality categorical
    attributes", section 3. Differs: the overall mean is that of all training rows in every fold.
    The mean of the other four would identify the fold of a row, and so leak its mean.
    """

    learns = "target"

    class Config(Derivation.Config):
        """For the categories in ``column``.

        ``outcome``: the class whose share is computed; with two classes, by default the second.
        ``smoothing``: a number of rows.
        """

        type: Literal["target_mean"] = "target_mean"
        column: str
        outcome: str | None = None
        smoothing: float = Field(20.0, ge=0, allow_inf_nan=False)

    config: Config
    examples = {("Köln",): 1.5, ("Paris",): 2.0, (None,): 2.5}
    example_settings = {"column": "a", "smoothing": 1.0}

    @property
    def reads(self) -> Mapping[str, SemanticType]:
        """The categories."""
        return {self.config.column: "category"}

    @property
    def made(self) -> str:
        """Of what."""
        share = f"share of {self.config.outcome}" if self.config.outcome else "target's mean"
        return f"{share} in training rows with the same {self.config.column}"

    def fit(self, rows: pl.DataFrame, outcomes: Outcomes) -> None:
        """Fit the means: of categories from the given rows, the overall mean from all rows."""
        values = self._numbers(outcomes)
        size = float(np.abs(values).max()) or 1.0  # sums of the largest float64 would overflow
        small, keys = values / size, rows.to_series().fill_null("").alias("key")
        self.mean = float(small.mean()) * size
        if keys.n_unique() < 2:
            raise DataError(
                f"derive {self.name!r}: all {len(keys)} training rows have the same"
                f" {self.config.column!r}. Remove the derivation"
            )
        table = pl.DataFrame({"key": keys, "target": small}).filter(outcomes.counted)
        means = table.group_by("key").agg(pl.len().alias("rows"), pl.mean("target")).sort("key")
        self.table = {
            key: self.mean + (mean * size - self.mean) * (count / (count + self.config.smoothing))
            for key, count, mean in means.iter_rows()
        }

    def _numbers(self, outcomes: Outcomes) -> np.ndarray:
        """The target, or for each row whether it has the outcome."""
        classes, wanted = outcomes.target.classes, self.config.outcome
        if not classes and wanted is None:
            return outcomes.values
        if wanted is None and len(classes) == 2:
            wanted = classes[1]
        if wanted not in classes:
            known = f"it has {', '.join(map(repr, classes))}" if classes else "it is a number"
            raise DataError(
                f"derive {self.name!r}: `outcome: {wanted}` is not a class of the target; {known}."
                f" {'Name one of them' if classes else 'Remove `outcome`'}"
            )
        flags: np.ndarray = np.equal(outcomes.values, classes.index(wanted)).astype(np.float64)
        return flags

    @classmethod
    def encode(cls, graph: Graph, derivations: "Sequence[TargetMean]", inputs: Inputs) -> Value:
        """Look up the categories of each derivation."""
        return side_by_side(
            graph,
            [
                look_up(
                    graph,
                    inputs.category(derivation.config.column),
                    derivation.table,
                    derivation.mean,
                )
                for derivation in derivations
            ],
        )
