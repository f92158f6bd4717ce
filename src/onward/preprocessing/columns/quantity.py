"""Numbers with units: text such as 12.5 kg, $1,200 or 45%."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal, Self

import polars as pl
from pydantic import Field as Setting
from pydantic import model_validator

from onward.preprocessing.columns._base import Column, Encoded
from onward.preprocessing.columns._parse_quantities import numbers, pattern, read
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
from onward.schema import Field, SemanticType

Factor = Annotated[float, Setting(gt=1e-100, lt=1e100)]
NUMBER = r"[0-9.,'\u2019+-]|[eE]([0-9+-]|$)"  # what begins so can be a part of a number
FORMS = ("1{}", "1 {}", "1.5{}", "{}1", "{} 1", "{}.5")
"""Of texts that could be of two units."""


class Quantity(Column):
    """A number with a unit, as text; converted to one unit, then treated as a number.

    The unit is after or before the number, as in ``12.5 kg``, ``$1,200``, ``45%``, ``-$5`` and
    ``($5)`` are equal. A number has up to 18 digits before and after the decimal mark, and may have
    an exponent such as ``e5``. The model file treats other texts as missing; `Predictor` refuses
    them.
    """

    class Config(NumberSettings):
        """``units``: the factor of each unit, such as ``{kg: 1, g: 0.001}``.

        The unit ``""`` is for numbers without one. ``decimal`` and ``thousands`` are the marks in
        numbers. ``minimum`` and ``maximum`` apply to the converted numbers.
        """

        type: Literal["quantity"] = "quantity"
        units: dict[str, Factor] = Setting(min_length=1)
        decimal: Literal[".", ","] = "."
        thousands: Literal["", ",", ".", "'", " "] = ""

        @model_validator(mode="after")
        def _units_can_be_told(self) -> Self:
            if self.decimal == self.thousands:
                raise ValueError(f"thousands: {self.thousands!r} is also `decimal`. Change one")
            for unit in self.units:
                if unit != unit.strip() or "\0" in unit:
                    raise ValueError(f"units: {unit!r} has blanks around it, or NUL. Remove them")
                if re.match(NUMBER, unit):
                    raise ValueError(f"units: {unit!r} can be part of a number. Correct it")
            patterns = {unit: pattern(unit, self.decimal, self.thousands) for unit in self.units}
            for unit in self.units:
                for text in (form.format(unit) for form in FORMS):
                    matches = [u for u, regex in patterns.items() if re.fullmatch(regex, text)]
                    if len(matches) > 1:
                        raise ValueError(
                            f"units: {text!r} could be of {matches}. Remove one of them"
                        )
            return self

    config: Config
    wire = "text"
    examples = {"-1 kg": (-1.0, 0.0), "1000 g": (1.0, 0.0), None: (0.0, 1.0)}
    example_settings = {"units": {"kg": 1.0, "g": 0.001}, "scaling": "standard"}
    adjustable = frozenset({"minimum", "maximum", "decimal", "thousands"})
    scale: Scale

    @property
    def field(self) -> Field:
        """The field, with the units."""
        known = self.config
        settings = {
            "units": known.units,
            "decimal": known.decimal,
            "thousands": known.thousands,
        }
        return replace(super().field, settings=settings)

    @classmethod
    def semantic_type(cls, field: Field) -> SemanticType:
        """A number."""
        return "number"

    @classmethod
    def meaning(cls, field: Field, values: pl.Series) -> pl.Series:
        """The converted numbers."""
        return numbers(field, values)

    @classmethod
    def has_same_features(cls, setting: str, old: Any, new: Any) -> bool:
        """Units may be added; a known one must keep its factor, or numbers change."""
        if setting == "units":
            return dict(old).items() <= dict(new).items()
        return super().has_same_features(setting, old, new)

    def rules(self) -> list[Rule]:
        """Values must be numbers with a unit, within the bounds."""
        config, value, is_there = self.config, pl.col(self.name), ~self.is_absent()
        known = " or ".join(unit or "no unit" for unit in config.units)
        is_quantity = pl.any_horizontal(value.str.contains(pattern) for pattern in self._patterns())
        remedy = "Correct the table, or add to `units` or `missing`"
        if config.decimal == "." and config.thousands != ",":
            remedy += '. If a comma is the decimal mark, set `decimal: ","`'
        what = f"a value that is not a number with {known}"
        bounds = out_of_bounds(
            self.name, config.minimum, config.maximum, "Correct the table or the bound"
        )
        return [
            *super().rules(),
            Rule((self.name,), is_there & ~is_quantity, what, remedy),
            *(
                replace(rule, broken=is_there, confirmed=partial(self._breaks, rule.broken))
                for rule in bounds
            ),
        ]

    def _breaks(self, rule: pl.Expr, texts: pl.Series) -> pl.Series:
        is_broken = numbers(self.field, texts).to_frame().select(rule.fill_null(value=False))
        return is_broken.to_series()

    def is_absent(self) -> pl.Expr:
        """Whether the value is missing; blanks are."""
        return super().is_absent() | (pl.col(self.name).str.strip_chars(" ") == "")

    def changes(self) -> dict[str, pl.Expr]:
        """Also numbers that are multiplied by the factor of their unit."""
        value, is_there = pl.col(self.name), ~self.is_absent()
        return super().changes() | {
            f"{unit or 'no unit'} counts as {factor:g}": is_there & value.str.contains(form)
            for (unit, factor), form in zip(
                self.config.units.items(), self._patterns(), strict=True
            )
            if factor != 1
        }

    def parse(self, graph: Graph, text: Value) -> Value | None:
        """The converted number."""
        return read(graph, [self.field], [text])

    def fit(self, values: pl.Series) -> None:
        """Fit the converted numbers."""
        converted = numbers(self.field, values).fill_null(math.nan).to_numpy()
        self.scale = learn_scale(self.name, converted, self.config.scaling, None)

    def dump(self) -> dict[str, Any]:
        """The scale."""
        return self.scale.dump()

    def restore(self, learned: Mapping[str, Any]) -> None:
        """The scale."""
        self.scale = Scale.load(learned)

    @classmethod
    def encode(
        cls, graph: Graph, columns: "Sequence[Quantity]", raw: Sequence[Value]
    ) -> list[Encoded]:
        """The numbers of all columns, those by quantiles last; then the flags of missing values."""
        order = straight_first([column.scale for column in columns])
        fields = [columns[index].field for index in order]
        converted = read(graph, fields, [raw[index] for index in order])
        return scale_numbers(graph, converted, [columns[index].scale for index in order])

    def _patterns(self) -> list[str]:
        config = self.config
        patterns = (pattern(unit, config.decimal, config.thousands) for unit in config.units)
        return [f"^(?:{form})$" for form in patterns]
