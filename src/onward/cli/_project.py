"""What a table seems to be."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from onward.errors import DataError
from onward.quality.type_inference import Guess, TargetGuess, infer, infer_target
from onward.table.sources import Sniffed, Source
from onward.table.splits import SPLITS
from onward.tasks import output_names

SHOWN = 30  # columns in a message
MOST_ROWS = 1_000_000  # that are looked at; more do not change what columns seem to be


@dataclass(frozen=True)
class Project:
    """A table, and what it seems to be."""

    source: Sniffed
    split: str | None
    rows: int
    """Of the table."""
    columns: tuple[Guess, ...]
    target: TargetGuess

    @classmethod
    def of(cls, table: Path, target: str, split: str | None) -> "Project":
        """Look at the table.

        Raises:
            DataError: if it cannot be read, or there is nothing to predict or to predict from.
        """
        sniffed = Source.sniffed(table)
        source = Source.open(sniffed.config)
        rows, names = source.num_rows(), source.names()
        for option, name in (("--target", target), ("--split", split)):
            if name is not None and name not in names:
                raise DataError(f"{table}: {option} {name!r} is no column.{_hint(name, names)}")
        frame = source.head(MOST_ROWS)
        if split is not None:
            _refuse_split(table, split, frame[split], target)
        try:
            found = infer_target(frame[target])
        except DataError as error:
            raise DataError(f"{table}: {error}") from error
        classes = frame[target] if found.target.classes else None
        decimal = getattr(sniffed.config, "decimal", ".")  # what is typed has no marks
        given = frame.select(name for name in names if name not in (target, split))
        guesses = infer(given, classes, decimal)
        columns = tuple(_refused(guess) or guess for guess in guesses)
        if not any(guess.type for guess in columns):
            reasons = "; ".join(f"{guess.name!r}: {guess.reason}" for guess in columns[:10])
            raise DataError(f"{table}: there is no column to predict {target!r} from. {reasons}")
        return cls(sniffed, split, rows, columns, found)

    @property
    def path(self) -> Path:
        """Of the table."""
        path: Path = self.source.config.path
        return path

    @property
    def name(self) -> str:
        """Of the config: the table's, without its ending."""
        name = self.path.name
        stem = name[: len(name) - len(Source.suffix(name))]
        return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_") or "table"


def _hint(name: str, names: Sequence[str]) -> str:
    spelled = {known.casefold(): known for known in reversed(names)}
    meant = difflib.get_close_matches(name.casefold(), spelled, 1)
    few = ", ".join(map(repr, names[:SHOWN])) + (", ..." if len(names) > SHOWN else "")
    return (f" Did you mean {spelled[meant[0]]!r}?" if meant else "") + f" There are {few}"


def _refuse_split(table: Path, name: str, values: pl.Series, target: str) -> None:
    others = values.cast(pl.String).unique().sort().drop_nulls()
    others = others.filter(~others.is_in(SPLITS))
    if name == target or len(others) or values.null_count():
        found = f"there is also {others[0]!r}" if len(others) else "rows say nothing"
        found = "it is the target" if name == target else found
        raise DataError(
            f"{table}: --split {name!r} says train, validation or test for each row; {found}."
            " Leave --split out to have rows drawn"
        )


def _refused(guess: Guess) -> Guess | None:
    if guess.name in output_names() or guess.name.startswith("onward/"):
        return Guess(guess.name, "", "a name in the exported file; rename the column to use it")
    return None
