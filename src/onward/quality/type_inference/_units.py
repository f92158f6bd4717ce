"""Units and number format of a column of text."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from onward.preprocessing.columns import numbers
from onward.schema import Field

MARK = "[.,' \u00a0\u202f\u2009\u2019]"
NUMBER = rf"(?P<number>[0-9]{{1,15}}(?:{MARK}[0-9]{{1,15}}){{0,5}})"
SIGN, END = "^(?:[+\u2212-] ?|\\( ?)?", "(?: ?\\))?$"
BARE = rf"{SIGN}{NUMBER}(?P<unit>){END}"
MONEY = rf"{SIGN}(?P<symbol>[$€£¥₹]) ?{NUMBER} ?(?P<letters>[A-Za-z]{{0,2}}){END}"
BEHIND = rf"{SIGN}{NUMBER} ?(?P<unit>[A-Za-z%°€£¥₹$][A-Za-z%°²³/]{{0,9}}){END}"
BEFORE = rf"{SIGN}(?P<unit>[$€£¥₹]|[A-Z]{{3}}) ?{NUMBER}{END}"
LEADING_ZERO = "^0[0-9]"  # as codes have
SYMBOLS = r"^[%°€£¥₹$]"
NO_UNITS = frozenset({"am", "pm", "AM", "PM", "st", "nd", "rd", "th", "wd", "WD"})
"""Letters behind numbers that are not units."""
FEW = 10  # distinct numbers; fewer with letters are names, such as 12A and 2XL

# one dimension each; foot and pound are exact since the agreement of 1959
SIZES: tuple[dict[str, float], ...] = (
    {"kg": 1, "g": 1e-3, "mg": 1e-6, "t": 1e3, "lb": 0.45359237, "lbs": 0.45359237},
    {"m": 1, "km": 1e3, "cm": 1e-2, "mm": 1e-3, "ft": 0.3048, "in": 0.0254, "mi": 1609.344},
    {"l": 1, "L": 1, "ml": 1e-3, "mL": 1e-3, "cl": 1e-2},
    {"s": 1, "sec": 1, "ms": 1e-3, "min": 60, "h": 3600, "hr": 3600},
    {"W": 1, "kW": 1e3, "MW": 1e6},
    {"": 1, "k": 1e3, "K": 1e3, "m": 1e6, "M": 1e6, "mn": 1e6, "b": 1e9, "B": 1e9, "bn": 1e9},
)
THOUSANDS = SIZES[-1]
NEARLY = 0.9  # share of rows with a unit from which the others are exceptions
RARE = 0.01  # share of rows with a unit below which these are the exceptions

# number formats: the decimal mark, the thousands mark, and a pattern
PLAIN = (".", "", r"^[0-9]+(?:\.[0-9]+)?$")
GROUPED = (
    *(".", ","),
    r"^[0-9]{1,3}(?:,[0-9]{3})*(?:\.[0-9]+)?$|^[0-9]+(?:\.[0-9]+)?$"
    r"|^[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?$",
)
SWISS = (".", "'", r"^[0-9]{1,3}(?:['\u2019][0-9]{3})*(?:\.[0-9]+)?$|^[0-9]+(?:\.[0-9]+)?$")
BLANKS = (
    *(".", " "),
    "^[0-9]{1,3}(?:[ \u00a0\u202f\u2009][0-9]{3})*(?:\\.[0-9]+)?$|^[0-9]+(?:\\.[0-9]+)?$",
)
COMMA_BLANKS = (",", " ", BLANKS[2].replace(r"\.", ","))
COMMA = (",", "", r"^[0-9]+(?:,[0-9]+)?$")
COMMA_GROUPED = (",", ".", r"^[0-9]{1,3}(?:\.[0-9]{3})*(?:,[0-9]+)?$|^[0-9]+(?:,[0-9]+)?$")
FORMATS = {
    ".": (PLAIN, GROUPED, COMMA, COMMA_GROUPED, SWISS, BLANKS, COMMA_BLANKS),
    ",": (COMMA, COMMA_GROUPED, PLAIN, GROUPED, SWISS, COMMA_BLANKS, BLANKS),
}
UNSURE = r"^[0-9]{1,3}(?:,[0-9]{3})?$"  # 1,234 may be 1.234 or 1234
ENGLISH = frozenset({"$", "£", "₹", "USD", "GBP"})  # currencies of countries that write 1,234.5


@dataclass(frozen=True)
class Units:
    """Units and number format of a column."""

    factors: dict[str, float]
    """Factors into the most frequent unit, which is first."""
    decimal: str
    thousands: str
    numbers: pl.Series
    """Converted."""
    is_unsure: bool
    """Whether commas may be decimal or thousands marks."""

    def ends(self) -> tuple[float, float]:
        """The lowest and the highest number."""
        values = self.numbers.drop_nulls().to_numpy()
        return float(values.min()), float(values.max())


def units_of(values: pl.Series, counts: pl.Series, decimal: str) -> Units | None:
    """The units of a column in which nearly all values have one; None otherwise.

    Several units must be of one dimension. Letters are units only behind enough distinct numbers,
    and a single letter only if it is a well-known unit; otherwise they are names. If the units are
    currency signs or stand for thousands, numbers without a unit are in the base unit.

    Args:
        values: distinct.
        counts: number of rows of each.
        decimal: the decimal mark of the file.
    """
    parts = _parts(values).with_columns(counts.alias("rows"))
    matched = parts.drop_nulls("number")
    if matched["rows"].sum() < NEARLY * int(counts.sum()):
        return None
    totals = matched.group_by("unit").agg(pl.sum("rows"))
    rows = dict(totals.sort("rows", "unit", descending=[True, False]).iter_rows())
    plain = rows.pop("", 0)
    units = list(rows)
    if rows and plain and _are_exceptions(sum(rows.values()), plain):
        return None
    written = matched["number"].unique()
    if plain and units and not _are_of_the_base(units, matched):
        if plain > (1 - NEARLY) * int(counts.sum()):
            return None
        written, plain = matched.filter(pl.col("unit") != "")["number"].unique(), 0
    return _units([*units, *([""] if plain else [])], written, values, decimal)


def _parts(values: pl.Series) -> pl.DataFrame:
    """The number and the unit of each value; null if there is no number."""
    text = pl.col("value")
    frame = values.to_frame("value")
    shapes = (BARE, BEHIND, BEFORE)
    groups = [text.str.extract_groups(shape) for shape in shapes]
    money = text.str.extract_groups(MONEY)
    numbers = [group.struct.field("number") for group in (*groups, money)]
    symbol = pl.concat_str(money.struct.field("symbol"), money.struct.field("letters"))
    units = [group.struct.field("unit") for group in groups]
    return frame.select(
        pl.coalesce(numbers).alias("number"), pl.coalesce(*units, symbol).alias("unit")
    )


def _are_exceptions(with_unit: int, plain: int) -> bool:
    return with_unit < RARE * (with_unit + plain)


def _are_of_the_base(units: list[str], matched: pl.DataFrame) -> bool:
    if all(unit.lstrip("$€£¥₹") in THOUSANDS for unit in units):
        return True
    plain = matched.filter(pl.col("unit") == "")["number"]
    return bool(plain.str.contains("^0+([.,]0*)?$").all())  # zero is zero in any unit


def _units(units: list[str], written: pl.Series, values: pl.Series, decimal: str) -> Units | None:
    sizes = next((sizes for sizes in _sizes() if all(unit in sizes for unit in units)), {})
    formats = [form for form in FORMATS[decimal] if written.str.contains(form[2]).all()]
    if not formats or (len(set(units) - {""}) > 1 and not sizes):
        return None
    if not _measure([unit for unit in units if unit], written, is_known=bool(sizes)):
        return None
    is_unsure = bool(written.str.contains(",").any() and written.str.contains(UNSURE).all())
    if is_unsure and not ENGLISH.isdisjoint({unit[:1] for unit in units} | set(units)):
        formats, is_unsure = [GROUPED], False
    decimal, thousands, _ = formats[0]
    factors = {unit: sizes.get(unit, 1.0) / sizes.get(units[0], 1.0) for unit in units}
    settings = {"units": factors, "decimal": decimal, "thousands": thousands}
    field = Field("", "quantity", "text", settings=settings)
    return Units(factors, decimal, thousands, numbers(field, values), is_unsure and decimal == ".")


def _sizes() -> Iterator[dict[str, float]]:
    yield from SIZES
    for symbol in "$€£¥₹":
        yield {"": 1.0} | {f"{symbol}{unit}": size for unit, size in THOUSANDS.items()}


def _measure(units: list[str], written: pl.Series, *, is_known: bool) -> bool:
    """Whether these are amounts, not names."""
    if written.str.contains(LEADING_ZERO).any() or not NO_UNITS.isdisjoint(units):
        return False
    if not units or pl.Series(units).str.contains(SYMBOLS).all():
        return True
    is_letter = any(len(unit) == 1 for unit in units) and not is_known
    has_fractions = bool(written.str.contains(MARK).any())
    return len(written) >= FEW and (has_fractions or not is_letter)
