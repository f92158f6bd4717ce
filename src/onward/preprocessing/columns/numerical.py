"""Numbers: centered, scaled, with a flag for missing values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import polars as pl
from pydantic import model_validator

from onward.preprocessing.columns._base import Column, Encoded
from onward.preprocessing.columns._scaling import (
    NumberSettings,
    Scale,
    learn_scale,
    out_of_bounds,
    scale_numbers,
    straight_first,
)
from onward.preprocessing.graph import Graph, Value
from onward.rules import Rule


class Numerical(Column):
    """A number, scaled to about 1. Missing and infinite values become 0, the center.

    A second feature flags missing values if the training rows have any.
    """

    class Config(NumberSettings):
        """``scaling`` is ``robust``, ``standard``, ``minmax`` or ``quantile``.

        ``robust``: by median and quartiles; values beyond thirty scales are compressed
        smoothly towards a bound, so that outliers do not hide differences between other values.
        Source: Holzmüller et al. 2024, "Better by Default", section 3, which bends at three; that
        hides differences of honest long tails from bins, see ``benchmarks/README.md``.
        ``standard``: by mean and standard deviation. ``minmax``: the training values between 0
        and 1. ``quantile``: maps the training values to a normal distribution, linear between
        quantiles and constant outside the training range.

        ``minimum`` and ``maximum``: the valid range. With ``clip``, numbers outside become the
        bound, in training rows and in the exported file.
        """

        type: Literal["numerical"] = "numerical"
        clip: bool = False

        @model_validator(mode="after")
        def _there_is_something_to_clip_at(self) -> Self:
            if self.clip and self.minimum is None and self.maximum is None:
                raise ValueError("clip needs a minimum or a maximum")
            return self

        @property
        def bounds(self) -> tuple[float, float]:
            """Both bounds, infinite by default."""
            low = -math.inf if self.minimum is None else self.minimum
            return low, math.inf if self.maximum is None else self.maximum

    config: Config
    wire = "number"
    examples = {-1.0: (-1.0, 0.0), 1.0: (1.0, 0.0), None: (0.0, 1.0)}
    example_settings = {"scaling": "standard"}
    adjustable = frozenset({"minimum", "maximum", "clip"})
    scale: Scale

    def rules(self) -> list[Rule]:
        """Numbers must be within the bounds, unless they are clipped."""
        rules = super().rules()
        if self.config.clip:
            return rules
        remedy = "Correct the table or the bound, or set `clip: true`"
        return rules + out_of_bounds(self.name, self.config.minimum, self.config.maximum, remedy)

    def changes(self) -> dict[str, pl.Expr]:
        """Also numbers that are clipped."""
        is_within = pl.col(self.name).is_between(*self.config.bounds)
        return super().changes() | ({"clipped": ~is_within} if self.config.clip else {})

    def fit(self, values: pl.Series) -> None:
        """Fit the center, the scale, and whether values are missing."""
        bounds = self.config.bounds if self.config.clip else None
        self.scale = learn_scale(self.name, values.to_numpy(), self.config.scaling, bounds)

    def dump(self) -> dict[str, Any]:
        """The scale."""
        return self.scale.dump()

    def restore(self, learned: Mapping[str, Any]) -> None:
        """The scale."""
        self.scale = Scale.load(learned)

    @classmethod
    def encode(
        cls, graph: Graph, columns: "Sequence[Numerical]", raw: Sequence[Value]
    ) -> list[Encoded]:
        """The numbers of all columns, those by quantiles last; then the flags of missing values."""
        order = straight_first([column.scale for column in columns])
        columns = [columns[index] for index in order]
        numbers = graph("Concat", *(raw[index] for index in order), axis=1)  # (rows, columns)
        free = (-math.inf, math.inf)
        bounds = [column.config.bounds if column.config.clip else free for column in columns]
        clips = any(column.config.clip for column in columns)
        scales = [column.scale for column in columns]
        return scale_numbers(graph, numbers, scales, bounds if clips else None)
