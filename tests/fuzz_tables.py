"""A grammar of tables as people export them: columns in many dialects, with odd cells."""

import csv
import io
import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from pydantic import ValidationError
from ruamel.yaml import YAML

from onward.cli._config import config
from onward.cli._project import Project
from onward.errors import DataError
from onward.preprocessing import columns as types
from onward.preprocessing.columns import moments, numbers
from onward.preprocessing.encoder import Encoder
from onward.quality.plan import Plan
from onward.quality.preparation import prepare
from onward.quality.prepare_settings import PrepareSettings
from onward.quality.type_inference import Guess
from onward.schema import Field
from onward.table.sources import Source

DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%Y", "%m/%d/%Y"),
    *("%d.%m.%Y", "%d-%m-%y", "%m/%d/%y", "%d.%m.%y", "%d-%b-%Y", "%d %b %Y", "%d/%b/%Y"),
    *("%d-%b-%y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%a, %d %b %Y", "%Y%m%d", "%Y-%m"),
    *("%m/%Y", "%b %Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M"),
    *("%Y-%m-%d %H:%M:%S+00", "%Y-%m-%dT%H:%M:%S.000+0000", "%Y-%m-%d %H:%M:%S UTC"),
    *("%Y-%m-%d %H:%M:%S +02:00", "%Y-%m-%d %H:%M:%S,25", "%Y-%m-%d %H", "%d-%m-%Y %H:%M"),
    *("%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p", "%Y%m%dT%H%M%S"),
    *("%a, %d %b %Y %H:%M:%S +0000", "%a %b %d %H:%M:%S %Y", "%s", "%G-W%V", "%d%b%Y"),
)
MARKS = (
    *("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none", r"\N", "<NA>", "-"),
    *("--", ".", "?", "#N/A", "#DIV/0!", "#VALUE!", "(null)", "nil", "missing", "unknown"),
    *("UNKNOWN", "ERROR", "NaT", "n.a.", "-999", "9999999", "2147483647", "[null]", "undefined"),
)
Spelling = tuple[Callable[[float], str], Callable[[float], float]]


def _same(x: float) -> float:
    return x


NUMBERS: dict[str, Spelling] = {
    "plain": (lambda x: f"{x:.2f}", _same),
    "whole": (lambda x: f"{round(x)}", round),
    "short": (lambda x: f"{x:g}", _same),
    "long": (repr, _same),
    "power": (lambda x: f"{x:.7e}", _same),
    "POWER": (lambda x: f"{x:.8E}", _same),
    "plus": (lambda x: f"{x:+.2f}", _same),
    "blank": (lambda x: f" {x:.2f} ", _same),
    "accounts": (lambda x: f"({-x:.2f})" if x < 0 else f"{x:.2f}", _same),
    "behind": (lambda x: f"{-x:.2f}-" if x < 0 else f"{x:.2f}", _same),
    "minus": (lambda x: f"{x:.2f}".replace("-", "\u2212"), _same),
    "commas": (lambda x: f"{x:,.2f}", _same),
    "whole commas": (lambda x: f"{round(x):,}", round),
    "Swiss": (lambda x: f"{x:,.2f}".replace(",", "'"), _same),
    "Swiss quote": (lambda x: f"{x:,.2f}".replace(",", "\u2019"), _same),
    "German": (lambda x: f"{x:,.2f}".translate(str.maketrans(",.", ".,")), _same),
    "decimal comma": (lambda x: f"{x:.2f}".replace(".", ","), _same),
    "French": (lambda x: f"{x:,.2f}".replace(",", "\u202f").replace(".", ","), _same),
    "blanks": (lambda x: f"{x:,.2f}".replace(",", " "), _same),
    "Indian": (lambda x: _indian(x), _same),
    "dollar": (lambda x: f"{'-' * (x < 0)}${abs(x):.2f}", _same),
    "dollar and zero": (lambda x: f"${x:.2f}" if x > 0 else "0", lambda x: max(x, 0)),
    "dollar commas": (lambda x: f"{'-' * (x < 0)}${abs(x):,.2f}", _same),
    "dollar in accounts": (lambda x: f"(${-x:,.2f})" if x < 0 else f"${x:,.2f}", _same),
    "dollar with minus": (lambda x: f"${x:.2f}" if x >= 0 else f"\u2212${-x:.2f}", _same),
    "euro": (lambda x: f"{x:.2f} €".replace(".", ","), _same),
    "code": (lambda x: f"USD {abs(x):.2f}", abs),
    "percent": (lambda x: f"{x:.2f}%", _same),
    "thousand": (lambda x: f"{x:.2f}k", _same),
    "thousands and millions": (
        lambda x: f"{x:.2f}M" if x > 0 else f"{x:.2f}k",
        lambda x: x * 1e6 if x > 0 else x * 1e3,
    ),
    "unit": (lambda x: f"{x:.2f} kg", _same),
    "unit without blank": (lambda x: f"{x:.2f}cm", _same),
    "zeros": (lambda x: f"{abs(round(x)):06d}", lambda x: float(abs(round(x)))),
}
"""How a number is written, and what it then is, but for one factor."""
ODD = ("12..5", "1O.5", "x7", "Total: 120", "10-20", "see note 3", "#REF", "1/2", "~", "§12")
WORDS = (
    "red",
    "green",
    "blue",
    "Köln",
    "A+",
    "A",
    "1.0M",
    "10M",
    "C++",
    "yes",
    "not sure",
    "o'clock",
)
ENCODINGS = (
    *("utf-8", "utf-8-sig", "utf-16", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1256"),
    *("cp1257", "koi8-r", "gb18030", "big5", "shift_jis", "euc_kr", "mac_roman", "latin-1"),
)
SHARES = (0.0, 0.0, 0.01, 0.03, 0.1, 0.3)
NAMES = (
    *("km", "price", "count", "index", "literal", "len", "Unnamed: 0", "value x", "größe", "a b"),
    *("date", "store", "Total", "flight_no", "id", "x.y", "0", "it's", "name", "rows", "key"),
)


@dataclass(frozen=True)
class Column:
    """A column as it is written, and what it means."""

    name: str
    kind: str
    dialect: str
    truth: list[Any]
    cells: list[str]
    odd: frozenset[int]
    """Rows whose cell says something else."""
    mark: str
    """For missing values."""
    missing: frozenset[int]


def _indian(x: float) -> str:
    whole, fraction = f"{abs(x):.2f}".split(".")
    head, tail = whole[:-3], whole[-3:]
    groups: list[str] = []
    while head:
        head, group = head[:-2], head[-2:]
        groups.insert(0, group)
    return "-" * (x < 0) + ",".join([*groups, tail]) + f".{fraction}"


def column(draw: random.Random, name: str, rows: int) -> Column:
    """One in a dialect that is drawn."""
    kind = draw.choice(["date", "number", "number", "word", "flag", "index"])
    dialect, truth, cells = _written(draw, kind, rows)
    share, odd_share = draw.choice([0.0, 0.05, 0.3, 0.7]), draw.choice(SHARES)
    mark, odd_text = draw.choice(MARKS), draw.choice(ODD)
    missing: set[int] = set()
    odd: set[int] = set()
    for row in range(rows):
        if draw.random() < share:
            cells[row] = mark
            missing.add(row)
        elif draw.random() < odd_share:
            cells[row] = odd_text
            odd.add(row)
    return Column(name, kind, dialect, truth, cells, frozenset(odd), mark, frozenset(missing))


def _written(draw: random.Random, kind: str, rows: int) -> tuple[str, list[Any], list[str]]:
    if kind == "date":
        form = draw.choice(DATES)
        start, days = datetime(2015, 1, 1), draw.choice([5, 40, 3000])
        moments = [
            start + timedelta(days=draw.randrange(days), seconds=draw.randrange(86_400))
            for _ in range(rows)
        ]
        return form, moments, [moment.strftime(form) for moment in moments]
    if kind == "number":
        spelling = draw.choice(sorted(NUMBERS))
        size, shift = draw.choice([1, 50, 3000, 1e5]), draw.choice([0.0, 0.0, 1.0])
        numbers = [round(size * (draw.gauss(0, 1) + shift * 5), 2) for _ in range(rows)]
        write, meaning = NUMBERS[spelling]
        return spelling, [meaning(x) for x in numbers], [write(x) for x in numbers]
    if kind == "word":
        words = draw.sample(WORDS, draw.randrange(2, 7))
        chosen = [draw.choice(words) for _ in range(rows)]
        return "words", chosen, list(chosen)
    if kind == "flag":
        pair = draw.choice([("yes", "no"), ("True", "False"), ("0", "1"), ("Y", "N")])
        flags = [draw.choice(pair) for _ in range(rows)]
        return "pair", flags, list(flags)
    step = draw.choice([1, 7, 1000])
    indexes = [str(row * step + draw.randrange(step)) for row in range(rows)]
    return "index", indexes, list(indexes)


@dataclass(frozen=True)
class Table:
    """A table in a file of separated values."""

    columns: list[Column]
    target: list[str]
    encoding: str
    delimiter: str

    @property
    def text(self) -> str:
        """What a program exports."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=self.delimiter, lineterminator="\n")
        writer.writerow([*(column.name for column in self.columns), "y"])
        writer.writerows(zip(*(column.cells for column in self.columns), self.target, strict=True))
        return text.getvalue()


def table(seed: int) -> Table:
    """The table of a seed."""
    draw = random.Random(seed)
    rows = draw.choice([40, 120, 300])
    encoding = draw.choice(ENCODINGS)
    names = [name for name in NAMES if _is_written(name, encoding)]
    chosen = draw.sample(names, draw.randrange(2, 6))
    columns = [_column_in(encoding, draw, name, rows) for name in chosen]
    target = [draw.choice("ab") for _ in range(rows)]
    return Table(columns, target, encoding, draw.choice(",,;\t|"))


def _column_in(encoding: str, draw: random.Random, name: str, rows: int) -> Column:
    """The first that the encoding has letters for."""
    while True:
        made = column(draw, name, rows)
        if all(_is_written(cell, encoding) for cell in made.cells):
            return made


def _is_written(text: str, encoding: str) -> bool:
    return text.encode(encoding, "replace").decode(encoding) == text


def violations(seed: int, folder: Path) -> list[str]:
    """What is wrong with what `onward init` and `prepare` make of the table of a seed."""
    made = table(seed)
    path = folder / f"table{seed}.csv"
    path.write_bytes(made.text.encode(made.encoding))
    try:
        project = Project.of(path, "y", None)
    except DataError as error:
        return [] if any(reason in str(error) for reason in REFUSED) else [f"refused: {error}"]
    if not _is_read(project, made) or any(ASKED in reason for reason in project.source.reasons):
        return []
    found = [
        f"{column.name} ({column.kind}, {column.dialect}): {what}"
        for column, guess in zip(made.columns, project.columns, strict=True)
        for what in _wrong(column, guess)
    ]
    return found + _prepared(project, made, folder)


def _is_read(project: Project, made: Table) -> bool:
    """Whether the encoding is right, or a person is asked to judge it; else this raises."""
    text = project.path.read_bytes().decode(project.source.config.encoding)
    if text.removeprefix("\ufeff") == made.text:
        return True
    assert any("look whether that is right" in reason for reason in project.source.reasons)
    return False


REFUSED = ("no usable column to predict",)
"""What may stop `init`: all columns of a small table say nothing."""
ASKED = "look at it"
"""What a person is asked to judge: whether 1,234 is more than 1 or than 1000."""
SMALL = ("held-out rows", "training rows", "training values", "no category occurs")
"""What may stop `prepare` in tables of few rows."""
FEWEST = 20  # rows with a value, from which on a kind is expected
CODES = ("id", "key", "store", "flight_no", "index", "Unnamed: 0", "0")
DATE_SAID = re.compile("date|week|month|1970|in every row|in all but|identical to")
UNITS = ("thousand", "thousands and millions")


def _wrong(column: Column, guess: Guess) -> Iterator[str]:
    """Whether a column of one kind is called another without a word."""
    present = len(column.cells) - len(column.missing)
    usual = present - len(column.odd)
    marked = [mark for mark in guess.missing if mark in column.cells]
    if guess.type and column.odd and guess.type in ("numerical", "datetime", "quantity"):
        odd = {column.cells[row] for row in column.odd}
        if not odd <= set(marked) and "except" not in guess.reason:
            yield f"hides {odd}: {guess.reason}"
    if usual < 0.95 * present or present < FEWEST or column.kind in ("word", "flag", "index"):
        return
    is_code = guess.name in CODES or column.dialect in ("zeros", "%s")
    if "an id" in guess.reason and not is_code:
        yield f"an id: {guess.reason}"
    is_alone = len({*column.cells} - {column.mark}) < 2  # beside it, a mark may be a value
    if is_alone or (column.dialect == "%s" and is_code):
        return
    if column.kind == "date" and guess.type != "datetime" and not DATE_SAID.search(guess.reason):
        yield f"no date: {guess.type} {guess.reason}"
    is_number = column.kind == "number" and column.dialect != "zeros"
    if is_number and guess.type not in ("numerical", "quantity") and "number" not in guess.reason:
        yield f"no number: {guess.type} {guess.reason}"


def _prepared(project: Project, made: Table, folder: Path) -> list[str]:
    document = YAML(typ="safe").load(config(project))["prepare"]
    document["source"]["path"] = str(project.path)
    document["leaks"] = {"repeated_rows": "accept", "accept": list(document["columns"])}
    try:
        settings = PrepareSettings.model_validate_json(json.dumps(document))
    except ValidationError as error:
        return [f"config: {error}"]
    fields = [types.Column.build(column).field for column in settings.columns]
    try:
        prepare(Plan(settings), Source.open(settings.source), folder)
    except DataError as error:
        refused = [g.name for g in project.columns if "`prepare` refuses" in g.reason]
        is_said = any(repr(name) in str(error) for name in refused)
        is_small = any(reason in str(error) for reason in SMALL)
        return [] if is_said or is_small else [f"prepare: {error}"]
    rows = Source.open(settings.source).scan(fields).collect()
    return [*_changed(made, fields, rows), *_six_ways(settings, fields, rows, folder)]


def _six_ways(
    settings: PrepareSettings, fields: list[Field], rows: pl.DataFrame, folder: Path
) -> Iterator[str]:
    """Whether rows become other features when they are handed over in other ways."""
    columns = [types.Column.build(column) for column in settings.columns]
    for made in columns:
        made.fit(rows[made.name])
    encoder = Encoder(columns)

    def encode(rows: pl.DataFrame) -> tuple[np.ndarray, ...]:
        return tuple(encoder(rows).values())

    rows.write_parquet(folder / "rows.parquet")
    rows.write_ipc(folder / "rows.arrow")
    rows.write_ndjson(folder / "rows.jsonl")
    files = {
        name: Source.for_path(folder / f"rows.{name}") for name in ("parquet", "arrow", "jsonl")
    }
    ways: dict[str, Sequence[np.ndarray]] = {
        name: encode(file.scan(fields).collect()) for name, file in files.items()
    }
    ways["twice"] = tuple(block[len(rows) :] for block in encode(pl.concat([rows, rows])))
    ways["backwards"] = tuple(block[::-1] for block in encode(rows.reverse()))
    alone = [encode(rows[row : row + 1]) for row in range(len(rows))]
    ways["one by one"] = tuple(np.concatenate(part) for part in zip(*alone, strict=True))
    for name, blocks in ways.items():
        for block, usual in zip(blocks, encode(rows), strict=True):
            if not np.array_equal(block, usual):
                yield f"other features: {name}"


def _changed(made: Table, fields: list[Field], rows: pl.DataFrame) -> Iterator[str]:
    """Whether a value has another sign, magnitude or day than was meant."""
    columns = {column.name: column for column in made.columns}
    for field in fields:
        column = columns[field.name]
        if field.type == "datetime" and column.kind == "date":
            read = moments(field, rows[field.name]).to_list()
            yield from _other_days(column, read)
        elif field.type in ("numerical", "quantity") and column.kind == "number":
            yield from _other_numbers(column, numbers(field, rows[field.name]).to_list())


def _other_days(column: Column, read: list[datetime | None]) -> Iterator[str]:
    has_days = "%d" in column.dialect or column.dialect == "%s"
    for row, (moment, truth) in enumerate(zip(read, column.truth, strict=True)):
        if row in column.missing | column.odd:
            continue
        day = truth.date() if has_days else truth.date().replace(day=1)
        if moment is None or moment.date() != day:
            yield f"{column.name} ({column.dialect}): {column.cells[row]!r} became {moment}"
            return


def _other_numbers(column: Column, read: list[float | None]) -> Iterator[str]:
    """All are the truth times one factor, that of the unit."""
    usual = [row for row in range(len(read)) if row not in column.missing | column.odd]
    lost = [row for row in usual if read[row] is None]
    if lost:
        yield f"{column.name} ({column.dialect}): {column.cells[lost[0]]!r} became missing"
        return
    largest = max(usual, key=lambda row: abs(column.truth[row]), default=None)
    if largest is None or not column.truth[largest]:
        return
    factor = read[largest] / column.truth[largest]
    for row in usual:
        meant = column.truth[row] * factor
        if abs(read[row] - meant) > 1e-4 * abs(meant) + 1e-9:
            yield f"{column.name} ({column.dialect}): {column.cells[row]!r} became {read[row]}"
            return
    if factor < 0 or (factor != 1 and column.dialect not in UNITS and abs(factor - 1) > 1e-4):
        yield f"{column.name} ({column.dialect}): all numbers are multiplied by {factor}"
