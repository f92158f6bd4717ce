"""Numbers with units: text such as 12.5 kg, $1,200 or 45%."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal, Self

import polars as pl
from pydantic import Field as Setting
from pydantic import model_validator

from onward.columns._base import Encoded
from onward.columns._units import number_of, numbers, pattern
from onward.columns.numerical import Numerical
from onward.graph import Graph, Value
from onward.rule import Rule
from onward.schema import Field

Factor = Annotated[float, Setting(gt=1e-100, lt=1e100)]


class Quantity(Numerical):
    """A number with a unit, in text; all are converted to one unit, then treated as numbers are.

    The unit is behind the number or before it, as in ``12.5 kg``, ``$1,200``, ``-$5`` and ``45%``.
    Points are decimal points. When predicting, a text that is no number with one of the units
    counts as missing: a file cannot refuse.
    """

    class Config(Numerical.Config):
        """``units``: what a number with the unit is multiplied by: ``{kg: 1, g: 0.001}``.

        The unit ``""`` stands for numbers without one. ``thousands``: what may be between groups of
        three digits. ``minimum`` and ``maximum`` are for the converted numbers.
        """

        type: Literal["quantity"] = "quantity"  # type: ignore[assignment]
        units: dict[str, Factor] = Setting(min_length=1)
        thousands: Literal["", ",", "'"] = ""

        @model_validator(mode="after")
        def _units_can_be_told(self) -> Self:
            if self.clip:
                raise ValueError("clip is not for quantities. Remove it")
            for unit in self.units:
                if unit != unit.strip() or "\0" in unit:
                    raise ValueError(f"units: {unit!r} has blanks around it. Remove them")
                if re.match(r"[0-9.,'+-]|[eE]$", unit):
                    raise ValueError(f"units: {unit!r} can be part of a number. Correct it")
            for unit in self.units:
                for other in self.units:
                    text = f"1{unit}"
                    if other != unit and re.fullmatch(pattern(other, self.thousands), text):
                        raise ValueError(f"units: {text!r} could be of {other!r}. Remove one")
            return self

    config: Config
    wire = "text"
    examples = {"-1 kg": (-1.0, 0.0), "1000 g": (1.0, 0.0), None: (0.0, 1.0)}
    example_settings = {"units": {"kg": 1.0, "g": 0.001}}

    @property
    def field(self) -> Field:
        """With the units."""
        return Field(
            self.name,
            self.config.type,
            self.wire,
            self.config.missing,
            tuple(self.config.units.items()),
            self.config.thousands,
        )

    def rules(self) -> list[Rule]:
        """That values are numbers with a unit, within the bounds."""
        value, is_there = pl.col(self.name), ~self.is_absent()
        known = " or ".join(unit or "no unit" for unit in self.config.units)
        is_quantity = pl.any_horizontal(value.str.contains(each) for each in self._patterns())
        readable = Rule(
            (self.name,),
            is_there & ~is_quantity,
            f"no number with {known}",
            "Correct the table, or add to `units` or `missing`",
        )
        return [readable, *super().rules()]

    def _bounds(self) -> list[Rule]:
        return [
            replace(rule, broken=~self.is_absent(), confirmed=partial(self._is_beyond, rule.broken))
            for rule in super()._bounds()
        ]

    def _is_beyond(self, broken: pl.Expr, texts: pl.Series) -> pl.Series:
        found = numbers(self.field, texts).to_frame().select(broken.fill_null(value=False))
        return found.to_series()

    def changes(self) -> dict[str, pl.Expr]:
        """Numbers that are multiplied."""
        value, is_there = pl.col(self.name), ~self.is_absent()
        factors = self.config.units.values()
        return super().changes() | {
            f"{unit or 'no unit'} counts as {factor:g}": is_there & value.str.contains(pattern)
            for unit, factor, pattern in zip(
                self.config.units, factors, self._patterns(), strict=True
            )
            if factor != 1
        }

    def number(self, graph: Graph, raw: Value) -> Value:
        """The converted number."""
        return number_of(graph, self.field, raw)

    def fit(self, values: pl.Series) -> None:
        """Learn from the converted numbers."""
        super().fit(numbers(self.field, values).fill_null(math.nan))

    @classmethod
    def encode(cls, graph: Graph, columns: "Sequence[Quantity]", raw: Sequence[Value]) -> Encoded:  # type: ignore[override]
        """The numbers of all columns, as `Numerical` encodes them."""
        read = [column.number(graph, text) for column, text in zip(columns, raw, strict=True)]
        return super().encode(graph, columns, read)

    def _patterns(self) -> list[str]:
        return [f"^(?:{pattern(unit, self.config.thousands)})$" for unit in self.config.units]
