"""What the columns of a table seem to be."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from onward.quality.type_inference._column_summary import Sight, look, shown
from onward.quality.type_inference._misspellings import suggested
from onward.quality.type_inference._units import units_of
from onward.schema import FORMATS

PAIRS = ("0 1", "0.0 1.0", "false true", "no yes", "f t", "n y", "off on")
CODES = frozenset({"id", "code", "zip", "zipcode", "postcode"})  # words in names of columns
FEW = 20  # rows; with fewer, chance looks like a rule
FEWEST, RAREST = 5, 0.01  # rows, and their share, from which on the training rows surely have some
LARGEST_NUMBERING = 12  # months; whole numbers from 1 to here are often names of something
NARROWEST = 1e-6  # of the size of numbers: a column that varies less is refused
MOST_WORDS = 15  # on average; longer is free text, even if it recurs
MANY, WORDS = 256, 256  # distinct texts, from which on their words count, too; and how many words
USUAL = 0.5  # share of rows with a value seen elsewhere, from which on new rows bring few new ones

ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)?(Z|[+-]\d{2}:\d{2})?)?$"
SLASHED = r"^[0-9]{2}/[0-9]{2}/[0-9]{4}$"
WITH_UNIT = r"^([<>~]\s*[0-9]|[+-]?[0-9]+([.][0-9]+)?\s*[A-Za-z%°]+[.]?$)"
UNIT = r"[A-Za-z%°<>~]+"
BOUNDS = ("<", ">", "~")
MOST_UNITS = 3  # more are no units
SOME_DATE = (
    r"^([0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{2,4}|[0-9]{4}[/-][0-9]{1,2}[/-][0-9]{1,2}"
    r"|[A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4})$"
)
OTHER_DATE = r"^(\d{1,2}[/.]\d{1,2}[/.]\d{4}|\d{4}/\d{1,2}/\d{1,2})\b"


Setting = str | int | tuple[str, ...] | dict[str, float]


@dataclass(frozen=True)
class Guess:
    """What a column seems to be."""

    name: str
    type: str
    """Of the family of columns; empty where the column is left out."""
    reason: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Texts found that mean the value is missing, beside the empty one."""
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values, and others that look like the same in another spelling: for a person to confirm."""


def infer(frame: pl.DataFrame, classes: pl.Series | None = None, decimal: str = ".") -> list[Guess]:
    """A guess for each column of the frame, in its order.

    Args:
        frame: columns as in the file: text from a CSV file, any type from others.
        classes: the target, if it is no number, to find columns that repeat it in other words.
        decimal: the decimal mark of the file.

    Example:
        >>> [guess] = infer(pl.DataFrame({"size": ["1.5", "?", "7", "12"]}))
        >>> guess.type, guess.missing, guess.reason
        ('numerical', ('?',), 'numbers from 1.5 to 12; missing in 1 of 4 rows')
    """
    guesses: list[Guess] = []
    seen: dict[int, str] = {}
    for column in frame.get_columns():
        key = hash((str(column.dtype), *map(str, column.head(1000))))
        twin = seen.setdefault(key, column.name)
        if twin != column.name and column.equals(frame[twin], null_equal=True):
            guesses.append(Guess(column.name, "", f"the same as {twin!r} in every row"))
        elif classes is not None and _repeats(column, classes):
            reason = "says the target in other words, so it is known only when the answer is"
            guesses.append(Guess(column.name, "", reason))
        else:
            guesses.append(_guess(column, decimal))
    return guesses


def _repeats(column: pl.Series, classes: pl.Series) -> bool:
    """Whether each value belongs to one class and each class to one value."""
    if len(column) < FEW or column.null_count() or column.n_unique() != classes.n_unique():
        return False
    pairs = pl.DataFrame([column.alias("value"), classes.alias("class")])
    return pairs.n_unique() == classes.n_unique()


def _guess(column: pl.Series, decimal: str) -> Guess:
    if column.dtype in (pl.Date, pl.Datetime):
        return Guess(column.name, "datetime", f"stored as {column.dtype}")
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Time, pl.Duration, pl.Object):
        return _left_out(column, f"holds {column.dtype}, which no type of column reads")
    if column.dtype == pl.Boolean:
        column = column.cast(pl.Int8)  # travels as a number
    if column.dtype.is_float():
        column = column.fill_nan(None)
    sight = look(column, decimal)
    return next(guess for rule in RULES if (guess := rule(sight)))


def _left_out(column: Sight | pl.Series, reason: str) -> Guess:
    return Guess(column.name, "", reason)


def _found(sight: Sight, type_: str, reason: str, **settings: Setting) -> Guess:
    missing = sight.rows - len(sight.texts)
    if missing:
        reason += f"; missing in {missing:,} of {sight.rows:,} rows"
    return Guess(sight.name, type_, reason, settings, sight.missing)


def _constant(sight: Sight) -> Guess | None:
    if not sight.distinct:
        return _left_out(sight, "no row has a value")
    if sight.distinct == 1:
        where = "every row" if len(sight.texts) == sight.rows else "every row that has a value"
        return _left_out(sight, f"{shown(sight.texts[0])} in {where}")
    usual = sight.texts.mode()[0]
    others = int((sight.texts != usual).sum())
    if others < min(FEWEST, RAREST * len(sight.texts)):
        return _left_out(sight, f"{shown(usual)} in all but {others} of {len(sight.texts):,} rows")
    return None


def _boolean(sight: Sight) -> Guess | None:
    values = sorted(sight.texts.unique(), key=str.lower) if sight.distinct == 2 else []
    if " ".join(values).lower() not in PAIRS:
        return None
    reason = f"two values, {values[0]!r} and {values[1]!r}"
    if sight.numbers is not None:
        return _found(sight, "boolean", reason)
    false, true = ((value,) for value in values)
    return _found(sight, "boolean", reason, true_values=true, false_values=false)


def _datetime(sight: Sight) -> Guess | None:
    if sight.texts.str.contains(ISO).all():
        ordered = sight.texts.sort()
        return _found(sight, "datetime", f"dates from {ordered[0]} to {ordered[-1]}")
    if sight.texts.str.contains(SLASHED).all():
        parts = (sight.texts.str.slice(start, 2) for start in (0, 3))
        has_days = [part.is_between("13", "31").any() for part in parts]
        if sum(has_days) == 1:
            order = "day_first" if has_days[0] else "month_first"
            reason = f"dates such as {shown(sight.texts[0])}, {order.replace('_', ' ')}"
            return _found(sight, "datetime", reason, format=FORMATS[order])
    if sight.texts.str.contains(OTHER_DATE).all():
        return _left_out(
            sight,
            f"dates such as {shown(sight.texts[0])}, which mean different days in different places;"
            " write them as YYYY-MM-DD to use them",
        )
    is_date = sight.texts.str.contains(SOME_DATE)
    if is_date.mean() > USUAL:  # type: ignore[operator]
        shape = sight.texts.str.replace_all("[0-9]", "0").str.replace_all("[a-z]", "a")
        other = sight.texts.filter(shape != shape[0])
        return _left_out(
            sight,
            f"dates in several ways, such as {shown(sight.texts[0])} and {shown(other[0])}; write"
            " them as YYYY-MM-DD to use them",
        )
    return None


def _numbering(sight: Sight) -> Guess | None:
    """Whole numbers that stand for something else."""
    if not sight.is_whole or len(sight.texts) < FEW:
        return None
    lowest, highest = sight.ends()
    if sight.distinct == len(sight.texts) and highest - lowest < 2 * sight.rows:
        return _left_out(sight, "a different whole number in each row: it numbers the rows")
    if _is_code(sight.name):
        return _code(sight)
    is_full = lowest == 1 and sight.distinct == highest <= LARGEST_NUMBERING
    if is_full and sight.rows >= FEW * highest:
        reason = f"only the whole numbers 1 to {highest:g}, as if they were names"
        return _found(sight, "categorical", reason, values="integer")
    return None


def _is_code(name: str) -> bool:
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()
    return not CODES.isdisjoint(re.split(r"[\W_]+", words))


def _code(sight: Sight) -> Guess:
    reason = f"{sight.distinct:,} distinct whole numbers with the name of a code"
    if sight.recurring < USUAL:
        return _left_out(sight, f"{reason}: an id, or as good as one")
    return _found(sight, "categorical", reason, values="integer")


def _numerical(sight: Sight) -> Guess | None:
    if sight.numbers is None:
        return None
    lowest, highest = sight.ends()
    if _is_narrow(lowest, highest):
        return _left_out(sight, f"all numbers are {lowest:g}, or as good as that")
    what = "whole numbers" if sight.is_whole else "numbers"
    return _found(sight, "numerical", f"{what} from {lowest:.6g} to {highest:.6g}")


def _is_narrow(lowest: float, highest: float) -> bool:
    return highest - lowest <= NARROWEST * max(abs(lowest), abs(highest))


def _nearly_numerical(sight: Sight) -> Guess | None:
    wrong = sight.unreadable
    units = wrong.str.extract(f"({UNIT})").unique().sort().to_list()
    if not 0 < len(wrong) < USUAL * len(sight.texts) or len(units) > MOST_UNITS:
        return None
    if not wrong.str.contains(WITH_UNIT).all():
        return None
    reason = f"numbers, but for {len(wrong):,} texts such as {shown(wrong[0])}, which are refused"
    if len(units) == 1 and units[0] not in BOUNDS:
        reason += f"; if all are in {units[0]}: type: quantity, units: {{'': 1, {units[0]!r}: 1}}"
    return _found(sight, "numerical", reason)


def _quantity(sight: Sight) -> Guess | None:
    found = None if _is_code(sight.name) else units_of(sight.texts, sight.decimal)
    if found is None:
        return None
    base, names = next(iter(found.factors)), ", ".join(found.factors)
    if found.is_unsure:
        return _left_out(
            sight,
            f"numbers with {names}, where a comma as in {shown(sight.texts[0])} may be a decimal"
            " mark or stand between thousands; declare a quantity with `decimal` or `thousands`",
        )
    lowest, highest = found.ends()
    if _is_narrow(lowest, highest):
        return _left_out(sight, f"all numbers are {lowest:g} {base}, or as good as that")
    settings: dict[str, Setting] = {"units": found.factors}
    settings |= {"decimal": ","} if found.decimal == "," else {}
    settings |= {"thousands": found.thousands} if found.thousands else {}
    reason = f"numbers with {names}, from {lowest:.6g} to {highest:.6g} {base}"
    return _found(sight, "quantity", reason, **settings)


def _categorical(sight: Sight) -> Guess | None:
    if sight.recurring < USUAL or sight.words > MOST_WORDS:
        return None
    reason = f"{sight.distinct:,} distinct texts"
    if sight.distinct >= MANY and sight.words >= 2:
        return _found(sight, "categorical", f"{reason} of several words", words=WORDS)
    return replace(_found(sight, "categorical", reason), spellings=suggested(sight.texts))


def _text(sight: Sight) -> Guess:
    count = f"{sight.distinct:,} distinct texts in {len(sight.texts):,} rows"
    if sight.words >= 2:
        return _left_out(sight, f"{count}: free text, for which there is no type of column yet")
    return _left_out(sight, f"{count}: an id, or as good as one")


RULES: tuple[Callable[[Sight], Guess | None], ...] = (
    *(_constant, _boolean, _datetime, _numbering, _numerical),
    *(_nearly_numerical, _quantity, _categorical, _text),
)
"""In the order in which they are asked; the first that answers decides."""
