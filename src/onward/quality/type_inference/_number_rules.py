"""When a column is one of numbers, or of numbers that stand for something else."""

import polars as pl

from onward.quality.type_inference._column_summary import Sight, shown
from onward.quality.type_inference._guess import Guess, Setting, left_out, typed
from onward.quality.type_inference._marks import USUAL, odd_words
from onward.quality.type_inference._names import is_code, is_index
from onward.quality.type_inference._units import units_of

FEW = 20  # rows; with fewer, chance looks like a rule
LARGEST_NUMBERING = 12  # months; whole numbers from 1 to here are often names of something
NARROWEST = 1e-6  # of the size of numbers: a column that varies less is refused
NEARLY = 0.9  # share of numbers from which on a column is one of numbers
MOST_NAMES = 30  # distinct values; a text among so few that recurs is one of them
RECURS = 5  # rows, from which on a text is no typing error
AS_OFTEN = 0.1  # of the rows of a number, on average
WITH_UNIT = r"^([<>~]\s*[0-9]|[+-]?[0-9]+([.][0-9]+)?\s*[A-Za-z%°]+[.]?$)"
UNIT = r"[A-Za-z%°<>~]+"
MARKED = r"[0-9][.,' \u00a0\u202f\u2019][0-9]"  # numbers that are counted, and name nothing
BOUNDS = ("<", ">", "~")
MOST_UNITS = 3  # more are no units
EPOCHS = {"%s": ("seconds", 1), "%Q": ("milliseconds", 1000)}
FIRST, LAST = 631_152_000, 2_208_988_800  # 1990 and 2040, in seconds since 1970


def numbering_guess(sight: Sight) -> Guess | None:
    """Whole numbers that stand for something else."""
    if not sight.is_whole or sight.number_share < NEARLY or sight.present < FEW:
        return None
    lowest, highest = sight.ends()
    is_unique = sight.distinct == sight.present
    if is_unique and is_index(sight.name):
        reason = "a different whole number in each row, and the name of an index"
        return left_out(sight.name, f"{reason}: it numbers the rows")
    if is_unique and highest - lowest < 2 * sight.rows:
        reason = "a different whole number in each row: it numbers the rows"
        return left_out(sight.name, reason)
    if sight.number_share < 1:
        return None
    if is_code(sight.name):
        return _code(sight)
    is_full = lowest == 1 and sight.distinct == highest <= LARGEST_NUMBERING
    if is_full and sight.rows >= FEW * highest:
        reason = f"only the whole numbers 1 to {highest:g}, as if they were names"
        return typed(sight, "categorical", reason, values="integer")
    return None


def _code(sight: Sight) -> Guess:
    reason = f"{sight.distinct:,} distinct whole numbers with the name of a code"
    if sight.recurring < USUAL:
        return left_out(sight.name, f"{reason}: an id, or as good as one")
    reason += "; if they are amounts: type: numerical"
    return typed(sight, "categorical", reason, values="integer")


def number_guess(sight: Sight) -> Guess | None:
    """Numbers, and perhaps some texts that are none."""
    if sight.number_share < USUAL or not sight.numbers.count():
        return None
    wrong = sight.values.filter(sight.numbers.is_null())
    if len(wrong) and (_are_names(sight, wrong) or not _are_exceptions(sight, wrong)):
        return None
    lowest, highest = sight.ends()
    if highest - lowest <= NARROWEST * max(abs(lowest), abs(highest)):
        return left_out(sight.name, f"all numbers are {lowest:g}, or as good as that")
    what = "whole numbers" if sight.is_whole else "numbers"
    reason = f"{what} from {lowest:.6g} to {highest:.6g}{_epoch(sight, lowest, highest)}"
    if len(wrong):
        reason = f"{sight.exceptions(wrong, reason)}, which `prepare` refuses{_remedy(wrong)}"
    return typed(sight, "numerical", reason)


def _are_names(sight: Sight, wrong: pl.Series) -> bool:
    """Whether numbers and texts alike are the names of a few things, as in 0, 1, 2, 3+."""
    numbers = sight.distinct - len(wrong)
    rows = sight.rows_of(wrong)
    usual = (sight.present - rows) / max(1, numbers)
    return sight.distinct <= MOST_NAMES and rows / len(wrong) >= max(RECURS, AS_OFTEN * usual)


def _are_exceptions(sight: Sight, wrong: pl.Series) -> bool:
    if sight.number_share >= NEARLY:
        return True
    units = wrong.str.extract(f"({UNIT})").unique()
    return len(units) <= MOST_UNITS and bool(wrong.str.contains(WITH_UNIT).all())


def _remedy(wrong: pl.Series) -> str:
    units = wrong.str.extract(f"({UNIT})").unique().to_list()
    if len(units) == 1 and units[0] not in (None, *BOUNDS) and wrong.str.contains(WITH_UNIT).all():
        return f"; if all are in {units[0]}: type: quantity, units: {{'': 1, {units[0]!r}: 1}}"
    return f": correct the table, or add `missing: [{shown(wrong[0])}]` to the column"


def _epoch(sight: Sight, lowest: float, highest: float) -> str:
    for form, (unit, factor) in EPOCHS.items():
        if sight.is_whole and lowest >= FIRST * factor and highest <= LAST * factor:
            ends = [
                f"{pl.from_epoch(pl.Series([int(end / factor)]))[0]:%Y-%m-%d}"
                for end in (lowest, highest)
            ]
            reason = f", which may be {unit} since 1970, from {' to '.join(ends)}; if so:"
            return f'{reason} type: datetime, format: "{form}"'
    return ""


def quantity_guess(sight: Sight) -> Guess | None:
    """Numbers with units, or written in other ways than those of the file."""
    if sight.number_share == 1:
        return None
    if is_code(sight.name) and not sight.values.str.contains(MARKED).any():
        return None
    is_usual = sight.values.str.contains("[0-9]")
    sight = sight.without(odd_words(sight.values, sight.counts, is_usual).to_list())
    found = units_of(sight.values, sight.counts, sight.decimal)
    if found is None or (sight.number_share >= USUAL and not any(found.factors)):
        return None
    base, names = next(iter(found.factors)), ", ".join(filter(None, found.factors))
    if found.is_unsure:
        return left_out(
            sight.name,
            f"numbers{' with ' if names else ''}{names}, where a comma as in {shown(sight.first)}"
            " may be a decimal mark or stand between thousands; declare a quantity with `decimal`"
            " or `thousands`",
        )
    lowest, highest = found.ends()
    if highest - lowest <= NARROWEST * max(abs(lowest), abs(highest)):
        return left_out(sight.name, f"all numbers are {lowest:g} {base}, or as good as that")
    settings: dict[str, Setting] = {"units": found.factors}
    settings |= {"decimal": ","} if found.decimal == "," else {}
    settings |= {"thousands": found.thousands} if found.thousands else {}
    what = f"numbers with {names}" if names else f"numbers such as {shown(sight.first)}"
    reason = f"{what}, from {lowest:.6g} to {highest:.6g} {base}".rstrip()
    wrong = sight.values.filter(found.numbers.is_null())
    if len(wrong):
        reason = f"{sight.exceptions(wrong, reason)}, which `prepare` refuses{_remedy(wrong)}"
    return typed(sight, "quantity", reason, **settings)
