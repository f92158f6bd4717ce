"""Units of the numbers in a column of text, and how they convert."""

from dataclasses import dataclass

import polars as pl

NUMBER = r"(?P<number>(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,5})(?:\.[0-9]{1,15})?)"
BEHIND = rf"^[+-]?{NUMBER} ?(?P<unit>[A-Za-z%°€£¥$][A-Za-z%°²³/]{{0,9}})$"
BEFORE = rf"^[+-]?(?P<unit>[$€£¥]) ?{NUMBER}$"

# of one size each; those of the foot and the pound are exact by the agreement of 1959
SIZES: tuple[dict[str, float], ...] = (
    {"kg": 1, "g": 1e-3, "mg": 1e-6, "t": 1e3, "lb": 0.45359237, "lbs": 0.45359237},
    {"m": 1, "km": 1e3, "cm": 1e-2, "mm": 1e-3, "ft": 0.3048, "in": 0.0254, "mi": 1609.344},
    {"l": 1, "L": 1, "ml": 1e-3, "mL": 1e-3, "cl": 1e-2},
    {"s": 1, "sec": 1, "ms": 1e-3, "min": 60, "h": 3600, "hr": 3600},
    {"W": 1, "kW": 1e3, "MW": 1e6},
)


@dataclass(frozen=True)
class Units:
    """What all values of a column have in common."""

    factors: dict[str, float]
    """The most frequent unit first, into which the others are converted."""
    has_commas: bool
    """Between groups of three digits."""


def units_of(texts: pl.Series) -> Units | None:
    """The units of a column where each value has one; None if it is something else.

    Several units are a column's only if they measure the same.
    """
    pattern = next((each for each in (BEHIND, BEFORE) if texts.str.contains(each).all()), None)
    if pattern is None:
        return None
    parts = texts.str.extract_groups(pattern).struct.unnest()
    found = parts["unit"].value_counts(name="rows").sort("rows", "unit", descending=[True, False])
    units = found["unit"].to_list()
    sizes = next((sizes for sizes in SIZES if all(unit in sizes for unit in units)), None)
    if sizes is None and len(units) > 1:
        return None
    base = sizes[units[0]] if sizes else 1.0
    factors = {unit: float(f"{(sizes or {unit: 1.0})[unit] / base:.12g}") for unit in units}
    return Units(factors, bool(parts["number"].str.contains(",").any()))
