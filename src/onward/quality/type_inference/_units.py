"""Units of the numbers in a column of text, and how they convert."""

from dataclasses import dataclass

import polars as pl

from onward.preprocessing.columns import numbers
from onward.schema import Field

MARK = "[.,]"
NUMBER = rf"(?P<number>[0-9]{{1,15}}(?:{MARK}[0-9]{{1,15}}){{0,5}})"
BEHIND = rf"^[+-]?{NUMBER} ?(?P<unit>[A-Za-z%°€£¥$][A-Za-z%°²³/]{{0,9}})$"
BEFORE = rf"^[+-]?(?P<unit>[$€£¥]|[A-Z]{{3}}) ?{NUMBER}$"
LEADING_ZERO = "^0[0-9]"  # as codes have
SYMBOLS = r"^[%°€£¥$]"
NO_UNITS = frozenset({"am", "pm", "AM", "PM", "st", "nd", "rd", "th", "wd", "WD"})
"""What stands behind numbers that measure nothing."""
FEW = 10  # distinct numbers; letters behind fewer are names of something, such as 12A and 2XL

# of one size each; those of the foot and the pound are exact by the agreement of 1959
SIZES: tuple[dict[str, float], ...] = (
    {"kg": 1, "g": 1e-3, "mg": 1e-6, "t": 1e3, "lb": 0.45359237, "lbs": 0.45359237},
    {"m": 1, "km": 1e3, "cm": 1e-2, "mm": 1e-3, "ft": 0.3048, "in": 0.0254, "mi": 1609.344},
    {"l": 1, "L": 1, "ml": 1e-3, "mL": 1e-3, "cl": 1e-2},
    {"s": 1, "sec": 1, "ms": 1e-3, "min": 60, "h": 3600, "hr": 3600},
    {"W": 1, "kW": 1e3, "MW": 1e6},
)

# how numbers are written: the decimal mark, what is between thousands, and what they look like
PLAIN = (".", "", r"^[0-9]+(?:\.[0-9]+)?$")
GROUPED = (".", ",", r"^[0-9]{1,3}(?:,[0-9]{3})*(?:\.[0-9]+)?$|^[0-9]+(?:\.[0-9]+)?$")
COMMA = (",", "", r"^[0-9]+(?:,[0-9]+)?$")
COMMA_GROUPED = (",", ".", r"^[0-9]{1,3}(?:\.[0-9]{3})*(?:,[0-9]+)?$|^[0-9]+(?:,[0-9]+)?$")
WAYS = {".": (PLAIN, GROUPED, COMMA, COMMA_GROUPED), ",": (COMMA, COMMA_GROUPED, PLAIN, GROUPED)}
UNSURE = r"^[0-9]{1,3}(?:,[0-9]{3})?$"  # one and a bit, or a thousand and more
ENGLISH = frozenset({"$", "£", "USD", "GBP"})  # units of those who write 1,234.5


@dataclass(frozen=True)
class Units:
    """What all values of a column have in common."""

    factors: dict[str, float]
    """The most frequent unit first, into which the others are converted."""
    decimal: str
    thousands: str
    numbers: pl.Series
    """Converted."""
    is_unsure: bool
    """Whether commas may be decimal marks, or between thousands."""

    def ends(self) -> tuple[float, float]:
        """The lowest and the highest number."""
        values = self.numbers.to_numpy()
        return float(values.min()), float(values.max())


def units_of(texts: pl.Series, decimal: str) -> Units | None:
    """The units of a column where each value has one; None if it is something else.

    Several units are a column's only if they measure the same. Letters are no unit if there are few
    numbers with them, and a single one only if it is well known: else they are names.

    Args:
        texts: the values.
        decimal: the decimal mark of the file.
    """
    shape = next((each for each in (BEHIND, BEFORE) if texts.str.contains(each).all()), None)
    if shape is None:
        return None
    parts = texts.str.extract_groups(shape).struct.unnest()
    found = parts["unit"].value_counts(name="rows").sort("rows", "unit", descending=[True, False])
    units, written = found["unit"].to_list(), parts["number"].unique()
    sizes = next((sizes for sizes in SIZES if all(unit in sizes for unit in units)), {})
    ways = [way for way in WAYS[decimal] if written.str.contains(way[2]).all()]
    if not ways or (len(units) > 1 and not sizes):
        return None
    if not _measure(units, written, is_known=bool(sizes)):
        return None
    has_commas = bool(written.str.contains(",").any())
    is_unsure = has_commas and bool(written.str.contains(UNSURE).all())
    if is_unsure and not ENGLISH.isdisjoint(units):
        ways, is_unsure = [GROUPED], False
    decimal, thousands, _ = ways[0]
    factors = {unit: sizes.get(unit, 1.0) / sizes.get(units[0], 1.0) for unit in units}
    field = Field("", "quantity", "text", (), tuple(factors.items()), decimal, thousands)
    return Units(factors, decimal, thousands, numbers(field, texts), is_unsure and decimal == ".")


def _measure(units: list[str], written: pl.Series, *, is_known: bool) -> bool:
    """Whether these are amounts, and no names."""
    if written.str.contains(LEADING_ZERO).any() or not NO_UNITS.isdisjoint(units):
        return False
    if pl.Series(units).str.contains(SYMBOLS).all():
        return True
    is_letter = any(len(unit) == 1 for unit in units) and not is_known
    has_fractions = bool(written.str.contains(MARK).any())
    return len(written) >= FEW and (has_fractions or not is_letter)
