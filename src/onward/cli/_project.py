"""Inference of a project from a table."""

import re
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from onward.errors import DataError, suggestion
from onward.quality.type_inference import Guess, TargetGuess, infer, infer_target
from onward.table.sources import Sniffed, Source
from onward.table.splits import SPLITS

HELD_OUT = 0.15  # share of the rows for validation, and as many for testing
MAX_INFERRED_ROWS = 1_000_000  # rows to infer types from; more would not change the result


@dataclass(frozen=True)
class Project:
    """A table with its inferred source, target and columns."""

    source: Sniffed
    split: str | None
    rows: int
    """Number of rows of the table."""
    columns: tuple[Guess, ...]
    target: TargetGuess

    @classmethod
    def of(cls, table: Path, target: str, split: str | None) -> "Project":
        """Infer a project from a table.

        Raises:
            DataError: if the table cannot be read, or has no valid target or columns.
        """
        infer_config = Source.infer_config(table)
        source = Source.open(infer_config.config)
        rows, names = source.num_rows(), source.names()
        for option, name in (("--target", target), ("--split", split)):
            if name is not None and name not in names:
                raise DataError(
                    f"{table}: {option} {name!r} is not a column. {suggestion(name, names)}"
                )
        frame = source.head(MAX_INFERRED_ROWS)
        if split is not None:
            _refuse_split(table, split, frame[split], target)
        try:
            target_guess = infer_target(frame[target])
        except DataError as error:
            raise DataError(f"{table}: {error}") from error
        classes = target_guess.canonical(frame[target]) if target_guess.target.classes else None
        decimal = getattr(infer_config.config, "decimal", ".")  # typed files have no decimal mark
        inputs = frame.select(name for name in names if name not in (target, split))
        training_share = 1 - 2 * HELD_OUT if split is None else _training_share(frame[split])
        columns = tuple(infer(inputs, classes, decimal, training_share=training_share))
        if not any(guess.type for guess in columns):
            reasons = "; ".join(f"{guess.name!r}: {guess.reason}" for guess in columns[:10])
            raise DataError(f"{table}: no usable column to predict {target!r} from. {reasons}")
        return cls(infer_config, split, rows, columns, target_guess)

    @property
    def path(self) -> Path:
        """Path of the table."""
        path: Path = self.source.config.path
        return path

    @property
    def name(self) -> str:
        """Name of the config: the name of the table without its suffix."""
        name = self.path.name
        stem = name[: len(name) - len(Source.suffix(name))]
        return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_") or "table"


def _training_share(split: pl.Series) -> float:
    """Of the rows; validation rows are drawn from the training rows if the column has none."""
    names = split.cast(pl.String)
    training, validation = ((names == name).mean() for name in SPLITS[:2])
    return float(training) * (1.0 if validation else 1 - HELD_OUT)  # type: ignore[arg-type]


def _refuse_split(table: Path, name: str, values: pl.Series, target: str) -> None:
    other_values = values.cast(pl.String).unique().sort().drop_nulls()
    other_values = other_values.filter(~other_values.is_in(SPLITS))
    if name == target or len(other_values) or values.null_count():
        problem = (
            f"there is also {other_values[0]!r}" if len(other_values) else "some rows have none"
        )
        problem = "it is the target" if name == target else problem
        raise DataError(
            f"{table}: --split {name!r} must be train, validation or test in each row; {problem}."
            " Correct the column, or leave --split out for a random split"
        )
