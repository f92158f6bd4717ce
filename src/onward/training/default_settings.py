"""Default training settings, which depend on the table.

Tuned on nine public tables of 220 to 38,837 training rows, see "Accuracy" in
``benchmarks/README.md``; `python benchmarks/accuracy.py` measures them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from onward.artifacts.prepared import Prepared
from onward.blocks import NUMERICAL, Blocks
from onward.errors import ConfigError
from onward.network.embedders import Embedder, default_embedder, refuse_other_blocks
from onward.network.heads import Head
from onward.network.models import Model
from onward.network.network import Network
from onward.network.scoring import Shape
from onward.schema import Target, refuse_unknown
from onward.settings.auto import AUTO, EachOrAuto, OrAuto, without_auto
from onward.settings.family import OneOf, Seed
from onward.settings.family import Settings as Base
from onward.tasks import Task, usual_task
from onward.training.class_balance import Balanced, ClassWeights
from onward.training.column_selection import Selection
from onward.training.effort import EFFORTS, Effort
from onward.training.learner import Learner
from onward.training.refit import Added
from onward.training.settings import Member, Settings


class BodyChoices(Base):
    """Embedders and model.

    ``embedder`` is for the numerical block, ``embedders`` for other blocks, by name.
    """

    embedder: Annotated[Any, OneOf(Embedder), OrAuto()] = AUTO
    embedders: dict[str, Annotated[Any, OneOf(Embedder)]] = Field(default_factory=dict)
    model: Annotated[Any, OneOf(Model), OrAuto()] = AUTO

    @model_validator(mode="after")
    def _embedders_read_their_blocks(self) -> Self:
        refuse_other_blocks(None if self.embedder == AUTO else self.embedder, self.embedders)
        return self


class Choices(BodyChoices):
    """Embedders, model and head.

    ``embedder`` is for the numerical block, ``embedders`` for other blocks, by name.
    """

    head: Annotated[Any, OneOf(Head), OrAuto()] = AUTO


LEARNER = EachOrAuto(Learner.Config)


class MemberChoices(Base):
    """A network of an ensemble: settings that differ from those of the section ``train``.

    ``count`` is how often it counts in the mean of the predictions.
    """

    count: int = Field(1, ge=1, le=100)
    network: BodyChoices = BodyChoices()
    learner: Annotated[Any, LEARNER] = LEARNER.settings()


class Given(Base):
    """Training settings. All of them are optional.

    The default, ``auto``, depends on the number of rows and the task.

    ``effort`` changes these defaults: ``fast`` trains half of TabM's members for two thirds of the
    epochs, ``best`` trains on five folds, with as many members in each network as in a single one.

    ``class_weights``: weights by class, such as ``{yes: 5}``, by default 1; or ``balanced``.
    ``sampler: balanced`` draws equal numbers of rows of each class in an epoch. Both keep
    probabilities calibrated.

    ``folds``: the number of networks, each trained without another fold of the training and
    validation rows, whose predictions are averaged; 1, the default, trains one network on the
    training rows. From 500 training rows on, networks of folds have half of the members.

    ``refit``: the published network is trained a second time, for as many steps as the first one
    needed: ``validation`` on training and validation rows, ``test`` on all rows. All metrics are
    those of the first network.

    ``members``: networks of an ensemble, trained one after the other, whose predictions are
    averaged. Each has the settings of this section, unless it has its own.
    """

    seed: Seed = 0
    effort: Literal["fast", "default", "best"] = "default"
    network: Choices = Choices()
    class_weights: ClassWeights | None = None
    sampler: Balanced | None = None
    folds: PositiveInt | None = None
    refit: Added | None = None
    learner: Annotated[Any, LEARNER] = LEARNER.settings()
    selection: Selection | None = None
    members: tuple[MemberChoices, ...] = Field((), max_length=32)

    @model_validator(mode="after")
    def _balances_once(self) -> Self:
        if self.class_weights == self.sampler == "balanced":
            raise ValueError("class_weights and sampler balance the classes twice. Remove one")
        return self

    @model_validator(mode="after")
    def _selects_without_folds(self) -> Self:
        if self.num_folds > 1 and self.selection is not None:
            raise ValueError(
                f"columns cannot be selected on folds. Remove selection, or {self._source_of_folds}"
            )
        return self

    @model_validator(mode="after")
    def _refits_without_folds(self) -> Self:
        if self.num_folds > 1 and self.refit is not None:
            raise ValueError(
                "the networks of folds learn from all training and validation rows already. Remove"
                f" refit, or {self._source_of_folds}"
            )
        return self

    @model_validator(mode="after")
    def _members_are_not_combined(self) -> Self:
        if self.members and (others := self.without_members()):
            raise ValueError(f"members cannot be combined with {others[0]}. Remove one of the two")
        return self

    @property
    def num_folds(self) -> int:
        """The number of networks that are trained on folds; 1 is a single network."""
        return self.folds or EFFORTS[self.effort].folds

    @property
    def _source_of_folds(self) -> str:
        return "effort: best" if self.folds is None else "folds"

    def without_members(self) -> list[str]:
        """The names of settings in use that cannot be combined with members."""
        is_used = {
            self._source_of_folds: self.num_folds > 1,
            "refit": self.refit is not None,
            "selection": self.selection is not None,
        }
        return [name for name, is_set in is_used.items() if is_set]


@dataclass(frozen=True)
class Table:
    """The properties of a table that the defaults depend on."""

    rows: int
    """For training."""
    shape: Shape
    task: Task
    """Of the target, unless a config has a head for another one."""

    @classmethod
    def of(cls, prepared: Prepared) -> "Table":
        """The table that ``prepare`` has read."""
        target, rows = prepared.schema().target, prepared.num_rows("train")
        shape = Shape(prepared.blocks(), len(target.classes))
        return cls(rows, shape, usual_task(target))


@dataclass(frozen=True)
class Size:
    """Defaults for a number of training rows."""

    below: float
    """Rows."""
    bins: int
    """Of a number; each is to hold some rows, or it learns noise."""
    dropout: float
    batch_size: int
    """Small where there are few rows: what counts is the number of steps."""
    learning_rate: float


STEPS, FEWEST_EPOCHS, MOST_EPOCHS, LEAST_PATIENCE = 1_500, 12, 24, 8
WIDE = 2_000  # numbers; with vectors of as many, an epoch of some hundred rows takes minutes
START_SHARE = 1 / 3  # of the learning rate and of the epochs, if the weights are trained already
SIZES = (
    Size(150, bins=16, dropout=0.1, batch_size=8, learning_rate=2e-3),
    Size(2_000, bins=16, dropout=0.1, batch_size=32, learning_rate=2e-3),
    Size(10_000, bins=48, dropout=0.2, batch_size=128, learning_rate=4e-3),
    Size(200_000, bins=128, dropout=0.0, batch_size=256, learning_rate=4e-3),
    Size(math.inf, bins=128, dropout=0.0, batch_size=1024, learning_rate=4e-3),
)
"""The last is a guess; there was no table of that size to try it on."""


def complete(given: Given, table: Table, start: Network.Config | None = None) -> Settings:
    """Fill in the defaults.

    If a config chooses another type than the default, that type's own defaults apply.

    Args:
        given: what the config says.
        table: the properties of the table.
        start: the network to start from, whose settings are then the defaults.

    Raises:
        ConfigError: if a class weight has an unknown class, a block has no embedder, or the network
            is to be another one than that to start from.
    """
    _refuse_balance_of_numbers(given, table)
    explicit = without_auto(given.model_dump(exclude_unset=True))
    chosen: dict[str, Any] = {
        name: part for name, part in given.network if name != "embedders" and part != AUTO
    }
    network = {name: _explicit(part) for name, part in chosen.items()}
    size, effort = next(s for s in SIZES if table.rows < s.below), EFFORTS[given.effort]
    parts = _parts(table, size, effort, given.num_folds) if start is None else _parts_of(start)
    trained = {} if start is None else start.embedders
    settings = Settings.model_validate(
        {
            "seed": given.seed,
            "network": {
                **{name: _merge(rule, network.get(name, {})) for name, rule in parts.items()},
                "embedders": _embedders(given.network.embedders, table.shape.blocks, trained),
            },
            "class_weights": _class_weights(given.class_weights, table),
            "sampler": given.sampler,
            "folds": given.num_folds,
            "learner": _learner(table, size, effort, start, explicit.get("learner", {})),
        }
    )
    settings = _with_members(settings, given, table.shape.blocks)
    if start is not None:
        _refuse_other_network(settings.network, start)
    return settings


def _with_members(settings: Settings, given: Given, blocks: Blocks) -> Settings:
    """The settings with those of all members, complete."""
    members = tuple(_member(member, settings, given, blocks) for member in given.members)
    alone = [member.model_copy(update={"count": 1}) for member in members]
    for index, member in enumerate(alone):
        if (first := alone.index(member)) < index:
            raise ConfigError(
                f"train.members: members {first + 1} and {index + 1} have the same settings, and"
                " would be the same network. Remove one, and add its `count` to the other"
            )
    return settings.model_copy(update={"members": members})


def _member(member: MemberChoices, base: Settings, given: Given, blocks: Blocks) -> Member:
    own = {name: part for name, part in member.network if name != "embedders" and part != AUTO}
    usual = base.network.model_dump(include={"embedder", "model"})
    chosen = {**given.network.embedders, **member.network.embedders}
    learner = without_auto(member.learner.model_dump(exclude_unset=True))
    shared = without_auto(given.learner.model_dump(exclude_unset=True))
    if "max_epochs" in learner and "patience" not in shared:
        learner = {"patience": _usual_patience(learner["max_epochs"]), **learner}
    return Member.model_validate(
        {
            "count": member.count,
            "network": {
                **{
                    name: _merge(part, _explicit(own[name]) if name in own else {})
                    for name, part in usual.items()
                },
                "embedders": _embedders(chosen, blocks, {}),
            },
            "learner": {**base.learner.model_dump(), **learner},
        }
    )


def _parts(table: Table, size: Size, effort: Effort, folds: int) -> dict[str, dict[str, Any]]:
    numbers = table.shape.blocks.get(NUMERICAL)
    is_wide = numbers is not None and len(numbers.owners) > WIDE
    embedded = {"type": "piecewise_linear_embedding", "bins": size.bins}
    members = effort.members_of(folds, table.rows)
    sizes = {"k": members, "width": 256, "depth": 2, "dropout": size.dropout}
    return {
        "embedder": {"type": "identity"} if is_wide else embedded,
        "model": {"type": "tabm", **sizes},
        "head": {"type": table.task.name},  # each task that is usual has a head of its name
    }


def _parts_of(start: Network.Config) -> dict[str, dict[str, Any]]:
    return {name: getattr(start, name).model_dump() for name in ("embedder", "model", "head")}


def _learner(
    table: Table,
    size: Size,
    effort: Effort,
    start: Network.Config | None,
    explicit: Mapping[str, Any],
) -> dict[str, Any]:
    share = 1.0 if start is None else START_SHARE
    learner = {
        "learning_rate": size.learning_rate * share,
        "weight_decay": 1e-2,
        "batch_size": size.batch_size,
        "max_epochs": math.ceil(_epochs(table.rows, size) * effort.epochs * share),
        **explicit,
    }
    return {"patience": _usual_patience(learner["max_epochs"]), **learner}


def _usual_patience(max_epochs: int) -> int:
    """The loss may pause for longer in a longer training, before the learning rate falls."""
    return max(LEAST_PATIENCE, math.ceil(max_epochs / 3))


def _refuse_other_network(network: Network.Config, start: Network.Config) -> None:
    """Refuse other embedders or another model than those to start from; weights would not fit."""
    before, now = start.model_dump(), network.model_dump()
    shared = set(before["embedders"]) & set(now["embedders"])
    pairs = {name: (before[name], now[name]) for name in ("embedder", "model")}
    pairs |= {f"embedders.{n}": (before["embedders"][n], now["embedders"][n]) for n in shared}
    types = [{"type": part["head"]["type"]} for part in (before, now)]
    pairs["head"] = types[0], types[1]
    for name, (old, new) in sorted(pairs.items()):
        for setting, value in new.items():
            if old.get(setting) != value:
                raise ConfigError(
                    f"train.network.{name}.{setting}: {value!r} here, {old.get(setting)!r} in the"
                    " model of prepare.start_from. Restore it, or remove start_from"
                )


def _refuse_balance_of_numbers(given: Given, table: Table) -> None:
    is_balanced = given.class_weights is not None or given.sampler is not None
    if table.task.is_number and is_balanced:
        raise ConfigError(
            "train: the target is a number and has no classes to balance. Remove `class_weights`"
            " and `sampler`"
        )


def _explicit(part: Any) -> dict[str, Any]:
    return {"type": part.type, **part.model_dump(exclude_unset=True)}


def _embedders(
    chosen: Mapping[str, Any], blocks: Blocks, trained: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """The embedders of all blocks but the numerical one."""
    for name in chosen:
        if name not in blocks:
            raise ConfigError(
                f"train.network.embedders: no column fills the block {name!r}. Choose from"
                f" {', '.join(blocks)}"
            )
    others = [block for block in blocks if block != NUMERICAL]
    known = {**trained, **chosen}
    return {block: _explicit(known.get(block) or default_embedder(block)) for block in others}


def _class_weights(weights: ClassWeights | None, table: Table) -> ClassWeights | None:
    """The weights of all classes, in the order of their codes."""
    if weights is None or weights == "balanced":
        return weights
    classes = table.task.target.classes
    refuse_unknown("train.class_weights", weights, classes)
    return {name: weights.get(name, 1.0) for name in classes}


def _merge(rule: Mapping[str, Any], explicit: Mapping[str, Any]) -> Mapping[str, Any]:
    is_other = explicit.get("type", rule["type"]) != rule["type"]
    return explicit if is_other else {**rule, **explicit}


def _epochs(rows: int, size: Size) -> int:
    """About ``STEPS`` steps in total, within bounds for very few and very many rows."""
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(STEPS * size.batch_size / rows)))


def refuse_wrong_head(head: type[Head], target: Target) -> None:
    """Check that the head fits the target.

    Raises:
        ConfigError: if it does not, naming heads that do.
    """
    kinds = {name: Task.members[member.task].kind for name, member in Head.members.items()}
    if Task.members[head.task].kind != target.kind:
        fitting = sorted(name for name, kind in kinds.items() if kind == target.kind)
        raise ConfigError(
            f"train.network.head: {head.__name__.lower()} does not predict the target"
            f" {target.name!r} of `kind: {target.kind}`. Choose {' or '.join(fitting)}"
        )
