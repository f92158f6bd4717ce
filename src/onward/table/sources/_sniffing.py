"""How a file of separated values seems to be written, for a person to confirm."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import polars as pl

from onward.errors import DataError
from onward.table.sources import _blocks
from onward.table.sources._csv_structure import num_rows, records
from onward.table.sources._dialect import Spelling
from onward.table.sources._encoding import encoding_of
from onward.table.sources._header import first_fields
from onward.table.sources._number_format import PLAIN, Numerals

S = TypeVar("S", bound=Spelling)

DELIMITERS = ",;\t|"
QUOTES = ('"', "'", "")
YEARS = range(1900, 2101)  # names of columns, and no numbers
SOME = 0.1  # share of numbers from which on a column may be one of numbers
FEWEST = 3  # numbers that count up, to be names of columns
NUMERALS = (  # the more usual first
    PLAIN,
    Numerals(thousands=","),
    Numerals(decimal=","),
    Numerals(decimal=",", thousands="."),
    Numerals(thousands=" "),
    Numerals(decimal=",", thousands=" "),
    Numerals(thousands="'"),
)


def sniffed(path: Path, given: S) -> tuple[S, tuple[str, ...]]:
    """The settings with which the file can be read, and a reason for each that is not as given.

    Where it can be read in no way they come close, so that reading it says what is wrong.
    """
    encoding = encoding_of(path)
    reasons = [*encoding.reasons]
    start = given.model_copy(update={"encoding": encoding.name})
    try:
        found = _dialect(path, start)
    except DataError:
        return given, ()
    if found.delimiter != given.delimiter:
        reasons.append(f"delimiter: each row has as many {found.delimiter!r} as the first")
    if found.quote != given.quote:
        why = f"{found.quote} is around fields" if found.quote else '" is only inside fields'
        reasons.append(f"quote: {why}")
    if found.names:
        reasons.append("names: the first line has numbers, like those below it")
    if not _can_be_read(path, found):
        return found, tuple(reasons)
    numerals, *why_numerals = _numerals(_rows(path, found), found.delimiter)
    return found.model_copy(update=dict(numerals)), (*reasons, *why_numerals)


def _dialect(path: Path, given: S) -> S:
    first = _with_names(path, given)
    fewest = len(first_fields(path, given))
    for quote in _quotes(path, given):
        candidates = [
            given.model_copy(update={"quote": quote, "delimiter": delimiter})
            for delimiter in dict.fromkeys((given.delimiter, *DELIMITERS))
        ]
        named = [_with_names(path, each) for each in candidates]
        whole = [each for each in named if _fits(path, each, fewest, given.delimiter)]
        if whole:
            return max(whole, key=lambda each: _width(path, each))
        if quote == given.quote:
            first = max(named, key=lambda each: _width(path, each))
    return first


def _quotes(path: Path, given: Spelling) -> Iterable[str]:
    names = [name for name in first_fields(path, given) if len(name) > 1]
    is_single = bool(names) and all(name[0] == name[-1] == "'" for name in names)
    return ("'",) if is_single else QUOTES


def _fits(path: Path, dialect: Spelling, fewest: int, usual: str) -> bool:
    width = _width(path, dialect)
    if width < fewest or (width == 1 and dialect.delimiter != usual):
        return False
    if dialect.quote != '"' and _has_field_in(path, dialect, '"'):
        return False
    if dialect.quote == "'" and not _has_field_in(path, dialect, "'"):
        return False
    return _can_be_read(path, dialect)


def _can_be_read(path: Path, dialect: Spelling) -> bool:
    try:
        num_rows(path, dialect)
    except DataError:
        return False
    return True


def _width(path: Path, dialect: Spelling) -> int:
    return len(first_fields(path, dialect))


def _has_field_in(path: Path, dialect: Spelling, quote: str) -> bool:
    """Whether a field begins with this quote, so that it may be around fields."""
    begins = (f"\n{quote}".encode(), f"{dialect.delimiter}{quote}".encode())
    with _blocks.opened(path, dialect.encoding) as file:
        return any(
            block.startswith(quote.encode()) or any(each in block for each in begins)
            for block in _blocks.blocks(path, file)
        )


def _with_names(path: Path, dialect: S) -> S:
    """With names for the columns, if the first line has none."""
    fields = first_fields(path, dialect)
    numbers = [place for place, field in enumerate(fields) if _is_number(field)]
    if not numbers or _are_labels([fields[place] for place in numbers]):
        return dialect
    names = tuple(f"column_{place + 1}" for place in range(len(fields)))
    named = dialect.model_copy(update={"names": names})
    if not _can_be_read(path, named):
        return dialect
    rows = _rows(path, named)[1:]
    if any(map(_is_name_of, fields, rows)):
        return dialect
    below = PLAIN.counts(rows)
    is_usual = all(
        not count or not field or _is_number(field)
        for field, count in zip(fields, below, strict=True)
    )
    return named if is_usual and any(below[place] for place in numbers) else dialect


def _is_name_of(field: str, values: pl.Series) -> bool:
    """Whether it is none of the values, which are few: then it is their name."""
    is_text = bool(field.strip()) and not _is_number(field)
    return is_text and values.n_unique() <= len(values) / 2 and field not in values


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return field.strip().lower() not in ("nan", "inf", "infinity")


def _are_labels(numbers: list[str]) -> bool:
    """Whether they are years, or count the columns."""
    if len(set(numbers)) < len(numbers) or not all(number.isdecimal() for number in numbers):
        return False
    values = [int(number) for number in numbers]
    counts_up = values == list(range(values[0], values[0] + len(values)))
    return all(value in YEARS for value in values) or (counts_up and len(values) >= FEWEST)


def _rows(path: Path, dialect: Spelling) -> pl.DataFrame:
    """The first ones, as text."""
    return pl.read_csv(
        next(iter(records(path, dialect))),
        has_header=False,
        separator=dialect.delimiter,
        quote_char=dialect.quote or None,
        infer_schema=False,
    )


def _numerals(rows: pl.DataFrame, delimiter: str) -> tuple[Numerals, *tuple[str, ...]]:
    usual = (
        NUMERALS if delimiter == "," else sorted(NUMERALS, key=lambda each: each.thousands == ",")
    )
    some = {each: each.counts(rows, SOME) for each in usual}
    has_numbers = [any(column) for column in zip(*some.values(), strict=True)]
    found = {
        each: sum(each.counts(rows))
        for each, column in some.items()
        # one way to write numbers is that of the file only if it is that of all its numbers
        if all(number or not has for number, has in zip(column, has_numbers, strict=True))
    }
    best = max(found, key=lambda each: found[each], default=PLAIN)
    if best.is_plain or not found[best]:
        return (PLAIN,)
    example = _odd_number(rows, best)
    as_number = pl.select(best.plain(pl.lit(example))).item()
    reason = f"decimal, thousands: {example!r} is {as_number}"
    others = [each for each in found if found[each] == found[best] and each.decimal != best.decimal]
    if others:
        other = pl.select(others[0].plain(pl.lit(example))).item()
        reason += f"; it may also be {other}, which no number in the file decides: look at it"
    return best, reason


def _odd_number(rows: pl.DataFrame, numerals: Numerals) -> str:
    """The first text that only these numerals make a number."""
    pairs = zip(numerals.counts(rows, SOME), PLAIN.counts(rows, SOME), strict=True)
    place = next(place for place, (found, plain) in enumerate(pairs) if found > plain)
    column = rows.to_series(place).drop_nulls().str.strip_chars()
    is_odd = column.str.contains(numerals.pattern) & ~column.str.contains(PLAIN.pattern)
    return str(column.filter(is_odd)[0])
