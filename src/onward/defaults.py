"""What a config leaves out of ``train``: rules that follow from the table, and what they rest on.

Found by trying on nine public tables of 220 to 38,837 training rows, see "Accuracy" in
``benchmarks/README.md``; `python benchmarks/accuracy.py` measures them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from onward.embedders import Embedder
from onward.family import OneOf, Seed
from onward.family import Settings as Base
from onward.heads import Head
from onward.learner import Learner
from onward.models import Model
from onward.network import Shape
from onward.schema import Kind
from onward.training import Settings


class Choices(Base):
    """Which embedder, body and head; `completed` adds those that are not said."""

    embedder: Annotated[Embedder.Config, OneOf(Embedder)] | None = None
    model: Annotated[Model.Config, OneOf(Model)] | None = None
    head: Annotated[Head.Config, OneOf(Head)] | None = None


class Given(Base):
    """What a config says about training: as much or as little as one likes."""

    seed: Seed = 0
    network: Choices = Choices()
    learner: Learner.Config = Learner.Config()


@dataclass(frozen=True)
class Table:
    """What the rules look at."""

    rows: int
    """For training."""
    shape: Shape
    kind: Kind


def completed(given: Given, table: Table) -> Settings:
    """The settings with all that was left out.

    Where a config names another type than the rule's, what it does not say about that type is the
    type's own default.
    """
    said = given.model_dump(exclude_unset=True)
    network = said.get("network", {})
    parts: dict[str, dict[str, Any]] = {
        "embedder": {"type": "piecewise_linear", "bins": _bins(table.rows)},
        "model": {"type": "tabm", "k": 8, "width": 256, "depth": 2, "dropout": 0.1},
        "head": {"type": _head(table)},
    }
    return Settings.model_validate(
        {
            "seed": given.seed,
            "network": {name: _joined(rule, network.get(name)) for name, rule in parts.items()},
            "learner": {**_learner(table), **said.get("learner", {})},
        }
    )


def _joined(rule: Mapping[str, Any], said: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if said and said["type"] != rule["type"]:
        return said
    return {**rule, **(said or {})}


def _bins(rows: int) -> int:
    """A bin is to hold some rows, or it learns noise."""
    return 16 if rows < 2_000 else 48


def _head(table: Table) -> str:
    if table.kind == "number":
        return "regression"
    return "binary" if table.shape.classes == 2 else "multiclass"


def _learner(table: Table) -> dict[str, Any]:
    """Small batches where there are few rows: what counts is the number of steps."""
    batch_size = min(256, max(32, 2 ** round(math.log2(table.rows / 100))))
    return {
        "learning_rate": 2e-3,
        "weight_decay": 1e-2,
        "batch_size": batch_size,
        "max_epochs": 40,
        "patience": 12,
    }
