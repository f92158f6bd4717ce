"""Other programs with their default settings, on the rows and columns of a prepared table.

The trees see numbers, categories as such, and dates as seconds, year, month, day, weekday and hour.
LightGBM and CatBoost with default settings, and the linear model, need no validation rows and learn
from these, too; LightGBM with early stopping stops after 100 rounds without gain, of at most 5,000.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl

from onward.artifacts.prepared import Prepared
from onward.evaluation.baselines import Linear, targets_of
from onward.preprocessing.columns import moments, semantic_type
from onward.schema import Field, Schema
from onward.tasks import Task, usual_task


@dataclass(frozen=True)
class Fitted:
    """A trained program."""

    read: Callable[[pl.DataFrame], Any]
    """Raw rows as ``predict`` takes them."""
    predict: Callable[[Any], np.ndarray]
    """To probabilities ``(rows, classes)``, or values ``(rows,)``."""


class Table:
    """The raw rows of each split, and how tree libraries read them."""

    def __init__(self, prepared: Prepared) -> None:
        self.schema: Schema = prepared.schema()
        self.task: Task = usual_task(self.schema.target)
        self.splits = {
            name: prepared.rows(name).collect() for name in ("train", "validation", "test")
        }

    @property
    def columns(self) -> list[str]:
        """The inputs."""
        return [field.name for field in self.schema.columns]

    def targets(self, split: str) -> np.ndarray:
        """Codes of classes, or numbers."""
        return targets_of(self.task, self.splits[split])

    def frame(self, rows: pl.DataFrame) -> Any:
        """Raw rows as trees read them."""
        columns = [
            part for field in self.schema.columns for part in columns_of(field, rows[field.name])
        ]
        frame = pl.DataFrame(columns).to_pandas()
        frame.columns = [str(index) for index in range(len(columns))]  # LightGBM refuses some names
        return frame

    @cached_property
    def all_training(self) -> pl.DataFrame:
        """Training and validation rows."""
        return pl.concat([self.splits["train"], self.splits["validation"]])

    @cached_property
    def categories(self) -> list[str]:
        """Columns of `frame` that are categories."""
        first = self.frame(self.splits["train"])
        return [name for name in first if first[name].dtype.kind not in "fiu"]


def columns_of(field: Field, values: pl.Series) -> list[pl.Series]:
    """A column as it is, or what a date consists of."""
    if semantic_type(field) == "category":
        return [values.cast(pl.String).fill_null("missing")]
    if field.type != "datetime":
        return [values.cast(pl.Float64)]
    dates, name = moments(field, values), field.name
    parts = {
        "seconds": dates.dt.epoch("s"),
        "year": dates.dt.year(),
        "month": dates.dt.month(),
        "day": dates.dt.day(),
        "weekday": dates.dt.weekday(),
        "hour": dates.dt.hour(),
    }
    return [part.cast(pl.Float64).alias(f"{name}: {what}") for what, part in parts.items()]


def lightgbm(table: Table, seed: int, *, stops: bool) -> Fitted:
    """Defaults, or early stopping on the validation rows."""
    import lightgbm as lgb

    whole = table.frame(table.all_training)
    known = {name: whole[name].astype("category").dtype for name in table.categories}
    member: Any = lgb.LGBMRegressor if table.task.is_number else lgb.LGBMClassifier
    rounds: dict[str, Any] = {"n_estimators": 5_000} if stops else {}
    model = member(random_state=seed, verbosity=-1, **rounds)

    def read(rows: pl.DataFrame) -> Any:
        return table.frame(rows).astype(known)

    if stops:
        train, held_out = table.splits["train"], table.splits["validation"]
        stop = lgb.early_stopping(100, verbose=False)
        sets = [(read(held_out), table.targets("validation"))]
        model.fit(read(train), table.targets("train"), eval_set=sets, callbacks=[stop])
    else:
        model.fit(whole.astype(known), targets_of(table.task, table.all_training))
    return Fitted(read, model.predict if table.task.is_number else model.predict_proba)


def catboost(table: Table, seed: int) -> Fitted:
    """Defaults."""
    from catboost import CatBoostClassifier, CatBoostRegressor

    member = CatBoostRegressor if table.task.is_number else CatBoostClassifier
    model = member(random_seed=seed, verbose=0, allow_writing_files=False)
    targets = targets_of(table.task, table.all_training)
    model.fit(table.frame(table.all_training), targets, cat_features=table.categories)
    return Fitted(table.frame, model.predict if table.task.is_number else model.predict_proba)


def linear(table: Table, seed: int) -> Fitted:
    """The linear baseline of `onward evaluate`."""
    model = Linear(table.task, table.schema, table.all_training, seed)
    ask = model.numbers() if table.task.is_number else model.probabilities()
    return Fitted(lambda rows: rows, ask)


RIVALS: dict[str, Callable[[Table, int], Fitted]] = {
    "CatBoost": catboost,
    "LightGBM": lambda table, seed: lightgbm(table, seed, stops=False),
    "LightGBM, early stopping": lambda table, seed: lightgbm(table, seed, stops=True),
    "linear": linear,
}
