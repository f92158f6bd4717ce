"""The section ``prepare`` of a config."""

from typing import Annotated, Any, Self

from pydantic import model_validator

from onward.preprocessing.columns import Column
from onward.preprocessing.derivations import Derivation, refuse_unreadable
from onward.preprocessing.graph import PREFIX
from onward.quality.leaks import LeakRules
from onward.quality.validation import RowRules
from onward.settings.family import ByName, LocalPath, OneOf, Seed, Settings
from onward.table.checks import Check
from onward.table.sources import Source
from onward.table.splits import Part, Sample, Split
from onward.table.target import TargetSettings
from onward.tasks import output_names


class PrepareSettings(Settings):
    """The table, its target, columns and split.

    ``weights``: column with the weight of each row, in training and in metrics.
    ``part``: a part of the rows; `evaluate` sets it to retrain the model on other rows.
    ``sample``: number of training rows to use of a larger table.
    ``start_from``: artifacts of an earlier model, such as ``champion``. Its columns keep their
    preprocessing, and training continues from its weights.
    """

    seed: Seed = 0
    source: Annotated[Source.Config, OneOf(Source)]
    target: TargetSettings
    weights: str | None = None
    split: Annotated[Split.Config, OneOf(Split)]
    sample: Sample | None = None
    part: Part = Part()
    rows: RowRules = RowRules()
    leaks: LeakRules = LeakRules()
    checks: tuple[Annotated[Any, OneOf(Check)], ...] = ()
    derive: Annotated[tuple[Any, ...], ByName(Derivation)] = ()
    columns: Annotated[tuple[Any, ...], ByName(Column, least=1)]
    start_from: LocalPath | None = None

    @model_validator(mode="after")
    def _refuse_taken_names(self) -> Self:
        names = [column.name for column in self.columns]
        if self.target.name in names:
            raise ValueError(f"columns: {self.target.name!r} is the target. Remove it")
        if self.weights in (*names, self.target.name):
            raise ValueError(
                f"weights: {self.weights!r} is the target or a column. Remove it from them"
            )
        inputs = [*names, *(derivation.name for derivation in self.derive)]
        outputs = output_names()
        reserved = [name for name in inputs if name in outputs or name.startswith(PREFIX)]
        if reserved:
            raise ValueError(
                f"{reserved[0]!r} is a reserved name in the exported file. Rename the column"
            )
        refuse_unreadable(self.derive, self.columns, self.target.name)
        return self
