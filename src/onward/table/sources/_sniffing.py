"""Inference of the dialect of separated values, for the user to confirm."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import polars as pl

from onward.errors import DataError
from onward.table.sources import _blocks
from onward.table.sources._csv_structure import num_rows, records
from onward.table.sources._dialect import UTF8, Spelling
from onward.table.sources._encoding import Encoding, encoding_of, encodings_that_hide
from onward.table.sources._header import first_fields
from onward.table.sources._number_format import PLAIN, Numerals

S = TypeVar("S", bound=Spelling)

DELIMITERS = ",;\t|"
QUOTES = ('"', "'", "")
YEARS = range(1900, 2101)  # column names rather than numbers
MIN_NUMBER_SHARE = 0.1  # minimum share of numbers in a column of numbers
MIN_LABELS = 3  # minimum consecutive numbers to be column names
NUMERALS = (  # the most common first
    PLAIN,
    Numerals(thousands=","),
    Numerals(decimal=","),
    Numerals(decimal=",", thousands="."),
    Numerals(thousands=" "),
    Numerals(decimal=",", thousands=" "),
    Numerals(thousands="'"),
)


def infer_dialect(path: Path, config: S) -> tuple[S, tuple[str, ...]]:
    """The settings for reading the file, with a reason for each inferred one.

    Where it can be read in no way they come close, so that reading it says what is wrong.
    """
    try:
        encoding, dialect = _encoding_and_dialect(path, config)
    except DataError:
        return config, ()
    reasons = [*encoding.reasons]
    if dialect.delimiter != config.delimiter:
        reasons.append(f"delimiter: each row has as many {dialect.delimiter!r} as the first")
    if dialect.quote != config.quote:
        why = f"{dialect.quote} is around fields" if dialect.quote else '" is only inside fields'
        reasons.append(f"quote: {why}")
    if dialect.names:
        reasons.append("names: the first line has numbers like the lines below it")
    if not _can_be_read(path, dialect):
        return dialect, tuple(reasons)
    numerals, *why_numerals = _numerals(_rows(path, dialect), dialect.delimiter)
    return dialect.model_copy(update=dict(numerals)), (*reasons, *why_numerals)


def _encoding_and_dialect(path: Path, config: S) -> tuple[Encoding, S]:
    encoding = encoding_of(path)
    dialect = _dialect(path, config.model_copy(update={"encoding": encoding.name}))
    if encoding.name != UTF8 and not _can_be_read(path, dialect):
        for other in encodings_that_hide(path, dialect.delimiter):
            candidate = _dialect(path, config.model_copy(update={"encoding": other.name}))
            if _can_be_read(path, candidate):
                return other, candidate
    return encoding, dialect


def _dialect(path: Path, config: S) -> S:
    first = _with_names(path, config)
    fewest = len(first_fields(path, config))
    for quote in _quotes(path, config):
        candidates = [
            config.model_copy(update={"quote": quote, "delimiter": delimiter})
            for delimiter in dict.fromkeys((config.delimiter, *DELIMITERS))
        ]
        named = [_with_names(path, candidate) for candidate in candidates]
        whole = [
            candidate for candidate in named if _fits(path, candidate, fewest, config.delimiter)
        ]
        if whole:
            return max(whole, key=lambda candidate: _width(path, candidate))
        if quote == config.quote:
            first = max(named, key=lambda candidate: _width(path, candidate))
    return first


def _quotes(path: Path, config: Spelling) -> Iterable[str]:
    names = [name for name in first_fields(path, config) if len(name) > 1]
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
    """Whether a field starts with this quote, which may then enclose fields."""
    starts = (f"\n{quote}".encode(), f"{dialect.delimiter}{quote}".encode())
    with _blocks.open_text(path, dialect.encoding) as file:
        return any(
            block.startswith(quote.encode()) or any(start in block for start in starts)
            for block in _blocks.blocks(path, file)
        )


def _with_names(path: Path, dialect: S) -> S:
    """The dialect with generated column names, if the file has no header."""
    fields = first_fields(path, dialect)
    numbers = [index for index, field in enumerate(fields) if _is_number(field)]
    if not numbers or _are_labels([fields[index] for index in numbers]):
        return dialect
    names = tuple(f"column_{index + 1}" for index in range(len(fields)))
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
    return named if is_usual and any(below[index] for index in numbers) else dialect


def _is_name_of(field: str, values: pl.Series) -> bool:
    """Whether the text is a header: it differs from all of the few values."""
    is_text = bool(field.strip()) and not _is_number(field)
    return is_text and values.n_unique() <= len(values) / 2 and field not in values


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return field.strip().lower() not in ("nan", "inf", "infinity")


def _are_labels(numbers: list[str]) -> bool:
    """Whether they are years or column numbers."""
    if len(set(numbers)) < len(numbers) or not all(number.isdecimal() for number in numbers):
        return False
    values = [int(number) for number in numbers]
    counts_up = values == list(range(values[0], values[0] + len(values)))
    return all(value in YEARS for value in values) or (counts_up and len(values) >= MIN_LABELS)


def _rows(path: Path, dialect: Spelling) -> pl.DataFrame:
    """The first rows as text."""
    return pl.read_csv(
        next(iter(records(path, dialect))),
        has_header=False,
        separator=dialect.delimiter,
        quote_char=dialect.quote or None,
        infer_schema=False,
    )


def _numerals(rows: pl.DataFrame, delimiter: str) -> tuple[Numerals, *tuple[str, ...]]:
    usual = (
        NUMERALS
        if delimiter == ","
        else sorted(NUMERALS, key=lambda numerals: numerals.thousands == ",")
    )
    counts_by_format = {numerals: numerals.counts(rows, MIN_NUMBER_SHARE) for numerals in usual}
    has_numbers = [any(column) for column in zip(*counts_by_format.values(), strict=True)]
    totals = {
        numerals: sum(numerals.counts(rows))
        for numerals, column in counts_by_format.items()
        # the format must fit all numbers of the file
        if all(number or not has for number, has in zip(column, has_numbers, strict=True))
    }
    best = max(totals, key=lambda numerals: totals[numerals], default=PLAIN)
    if best.is_plain or not totals[best]:
        return (PLAIN,)
    example = _odd_number(rows, best)
    as_number = pl.select(best.plain(pl.lit(example))).item()
    reason = f"decimal, thousands: {example!r} is {as_number}"
    rivals = [
        numerals
        for numerals in totals
        if totals[numerals] == totals[best] and numerals.decimal != best.decimal
    ]
    if rivals:
        other = pl.select(rivals[0].plain(pl.lit(example))).item()
        reason += f"; it may also be {other}, which no number in the file decides: look at it"
    return best, reason


def _odd_number(rows: pl.DataFrame, numerals: Numerals) -> str:
    """The first text that is a number only in this format."""
    pairs = zip(
        numerals.counts(rows, MIN_NUMBER_SHARE), PLAIN.counts(rows, MIN_NUMBER_SHARE), strict=True
    )
    index = next(index for index, (count, plain) in enumerate(pairs) if count > plain)
    column = rows.to_series(index).drop_nulls().str.strip_chars()
    is_odd = column.str.contains(numerals.pattern) & ~column.str.contains(PLAIN.pattern)
    return str(column.filter(is_odd)[0])
