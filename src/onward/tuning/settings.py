"""The section ``tune`` of a config."""

import math
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveFloat, model_validator

from onward.settings.family import Seed
from onward.settings.family import Settings as Base
from onward.settings.search_space import Range

USUAL_TRIALS = 28  # the settings of the config, and three brackets of nine


class SpaceSettings(Base):
    """Ranges of the settings of ``embedder``, ``model`` and ``learner``.

    A range is a list of values, or an interval such as ``{low: 1.0e-4, high: 1.0e-2, log: true}``.
    A part that is not named has the ranges of its type.
    """

    embedder: dict[str, Range] | None = None
    model: dict[str, Range] | None = None
    learner: dict[str, Range] | None = None


class TuneSettings(Base):
    """How to search for better settings of the section ``train``.

    The budget is a number of ``trials``, 28 by default, or of ``minutes``. ``space`` has the ranges
    that are searched. ``latency_us``: microseconds that the exported file may take for one row, in
    half of the calls on this machine; slower networks are not trained.

    ``sampler`` chooses the settings of the trials: ``sobol``, the default, draws a third of them
    evenly and the others near the best ones; ``optuna`` is the TPE of Optuna, which must be
    installed.

    ``members``: the most networks in the exported file: of an ensemble of the best trainings, or
    one for each of five folds. 1 searches one network.
    """

    seed: Seed = 0
    trials: Annotated[int, Field(ge=2)] | None = None
    minutes: PositiveFloat | None = None
    space: SpaceSettings = SpaceSettings()
    sampler: Literal["sobol", "optuna"] = "sobol"
    latency_us: PositiveFloat | None = None
    members: int = Field(5, ge=1, le=16)

    @model_validator(mode="after")
    def _has_one_budget(self) -> Self:
        if self.trials is not None and self.minutes is not None:
            raise ValueError("trials and minutes are two budgets. Remove one")
        return self

    @property
    def budget(self) -> "Budget":
        """The budget of the config, or the usual one."""
        if self.minutes is not None:
            return Budget(math.inf, 60 * self.minutes)
        return Budget(self.trials or USUAL_TRIALS, math.inf)


@dataclass(frozen=True)
class Budget:
    """When a search ends; one of the two is infinite."""

    trials: float
    seconds: float

    def __str__(self) -> str:
        if math.isfinite(self.trials):
            return f"{self.trials:.0f} trials"
        return f"{self.seconds / 60:g} minute{'' if self.seconds == 60 else 's'}"
