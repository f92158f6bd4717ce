"""Rules that recognize numbers, codes and quantities."""

import polars as pl

from onward.quality.type_inference._column_summary import ColumnSummary, quote
from onward.quality.type_inference._guess import (
    Guess,
    Setting,
    leave_out,
    read_as,
    read_as_category,
)
from onward.quality.type_inference._marks import USUAL, odd_words
from onward.quality.type_inference._names import is_code, is_index
from onward.quality.type_inference._units import units_of

FEW = 20  # rows; fewer show patterns by chance
LARGEST_NUMBERING = 12  # months; whole numbers from 1 to this are often categories
NARROWEST = 1e-6  # relative range; a column that varies less is constant
NEARLY = 0.9  # share of numbers from which a column is numerical
MOST_NAMES = 30  # distinct values; among so few, a text that recurs is a category
RECURS = 5  # rows; a text in fewer may be a typing error
AS_OFTEN = 0.1  # of the mean number of rows of a number
WITH_UNIT = r"^([<>~]\s*[0-9]|[+-]?[0-9]+([.][0-9]+)?\s*[A-Za-z%°]+[.]?$)"
UNIT = r"[A-Za-z%°<>~]+"
MARKED = r"[0-9][.,' \u00a0\u202f\u2019][0-9]"  # amounts; codes have no such marks
BOUNDS = ("<", ">", "~")
MOST_UNITS = 3  # more are not units
EPOCHS = {"%s": ("seconds", 1), "%Q": ("milliseconds", 1000)}
FIRST, LAST = 631_152_000, 2_208_988_800  # 1990 and 2040, in seconds since 1970


def numbering_guess(summary: ColumnSummary) -> Guess | None:
    """Row numbers, codes, and whole numbers that are categories."""
    if not summary.is_whole or summary.number_share < NEARLY or summary.present < FEW:
        return None
    lowest, highest = summary.ends()
    is_unique = summary.distinct == summary.present
    if is_unique and is_index(summary.name):
        reason = "a different whole number in each row, and the name of an index"
        return leave_out(summary.name, f"{reason}: row numbers")
    if is_unique and highest - lowest < 2 * summary.rows:
        reason = "a different whole number in each row: row numbers"
        return leave_out(summary.name, reason)
    if summary.number_share < 1:
        return None
    if is_code(summary.name):
        return _code(summary)
    is_full = lowest == 1 and summary.distinct == highest <= LARGEST_NUMBERING
    if is_full and summary.rows >= FEW * highest:
        reason = f"only the whole numbers 1 to {highest:g}, probably categories"
        return read_as(summary, "categorical", reason, values="integer")
    return None


def _code(summary: ColumnSummary) -> Guess:
    reason = f"{summary.distinct:,} distinct whole numbers, and the name of a code"
    if summary.recurring < USUAL:
        return leave_out(summary.name, f"{reason}: probably an identifier")
    reason += "; for amounts: type: numerical"
    return read_as_category(summary, reason, values="integer")


def number_guess(summary: ColumnSummary) -> Guess | None:
    """Numbers, possibly with a few texts among them."""
    if summary.number_share < USUAL or not summary.numbers.count():
        return None
    wrong = summary.values.filter(summary.numbers.is_null())
    if len(wrong) and (_are_names(summary, wrong) or not _are_exceptions(summary, wrong)):
        return None
    lowest, highest = summary.ends()
    if highest - lowest <= NARROWEST * max(abs(lowest), abs(highest)):
        return leave_out(summary.name, f"nearly constant: all numbers are about {lowest:g}")
    what = "whole numbers" if summary.is_whole else "numbers"
    reason = f"{what} from {lowest:.6g} to {highest:.6g}{_epoch(summary, lowest, highest)}"
    if len(wrong):
        reason = f"{summary.exceptions(wrong, reason)}, which `prepare` refuses{_remedy(wrong)}"
    return read_as(summary, "numerical", reason)


def _are_names(summary: ColumnSummary, wrong: pl.Series) -> bool:
    """Whether numbers and texts are the categories of a scale, as in 0, 1, 2, 3+."""
    numbers = summary.distinct - len(wrong)
    rows = summary.rows_of(wrong)
    usual = (summary.present - rows) / max(1, numbers)
    return summary.distinct <= MOST_NAMES and rows / len(wrong) >= max(RECURS, AS_OFTEN * usual)


def _are_exceptions(summary: ColumnSummary, wrong: pl.Series) -> bool:
    if summary.number_share >= NEARLY:
        return True
    units = wrong.str.extract(f"({UNIT})").unique()
    return len(units) <= MOST_UNITS and bool(wrong.str.contains(WITH_UNIT).all())


def _remedy(wrong: pl.Series) -> str:
    units = wrong.str.extract(f"({UNIT})").unique().to_list()
    if len(units) == 1 and units[0] not in (None, *BOUNDS) and wrong.str.contains(WITH_UNIT).all():
        return f"; if all are in {units[0]}: type: quantity, units: {{'': 1, {units[0]!r}: 1}}"
    return f": correct the table, or add `missing: [{quote(wrong[0])}]` to the column"


def _epoch(summary: ColumnSummary, lowest: float, highest: float) -> str:
    for form, (unit, factor) in EPOCHS.items():
        if summary.is_whole and lowest >= FIRST * factor and highest <= LAST * factor:
            ends = [
                f"{pl.from_epoch(pl.Series([int(end / factor)]))[0]:%Y-%m-%d}"
                for end in (lowest, highest)
            ]
            reason = f", which may be {unit} since 1970, from {' to '.join(ends)}; if so:"
            return f'{reason} type: datetime, format: "{form}"'
    return ""


def quantity_guess(summary: ColumnSummary) -> Guess | None:
    """Numbers with units, or in another number format than that of the file."""
    if summary.number_share == 1:
        return None
    if is_code(summary.name) and not summary.values.str.contains(MARKED).any():
        return None
    is_usual = summary.values.str.contains("[0-9]")
    summary = summary.without(odd_words(summary.values, summary.counts, is_usual).to_list())
    units = units_of(summary.values, summary.counts, summary.decimal)
    if units is None or (summary.number_share >= USUAL and not any(units.factors)):
        return None
    base, names = next(iter(units.factors)), ", ".join(filter(None, units.factors))
    if units.is_unsure:
        return leave_out(
            summary.name,
            f"numbers{' with ' if names else ''}{names}; the comma in {quote(summary.first)} may be"
            " a decimal or a thousands mark: declare a quantity with `decimal` or `thousands`",
        )
    lowest, highest = units.ends()
    if highest - lowest <= NARROWEST * max(abs(lowest), abs(highest)):
        number = f"{lowest:g} {base}".rstrip()
        return leave_out(summary.name, f"nearly constant: all numbers are about {number}")
    settings: dict[str, Setting] = {"units": units.factors}
    settings |= {"decimal": ","} if units.decimal == "," else {}
    settings |= {"thousands": units.thousands} if units.thousands else {}
    what = f"numbers with {names}" if names else f"numbers such as {quote(summary.first)}"
    reason = f"{what}, from {lowest:.6g} to {highest:.6g} {base}".rstrip()
    wrong = summary.values.filter(units.numbers.is_null())
    if len(wrong):
        reason = f"{summary.exceptions(wrong, reason)}, which `prepare` refuses{_remedy(wrong)}"
    return read_as(summary, "quantity", reason, **settings)
