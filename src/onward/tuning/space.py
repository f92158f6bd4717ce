"""The search space: which settings of a training are searched, and in which ranges."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from onward.errors import ConfigError, suggestion
from onward.network.embedders import Embedder
from onward.network.models import Model
from onward.network.network import Body, Network
from onward.settings.search_space import (
    Range,
    Ranges,
    has_one_value,
    share_of,
    value_at,
    values_to_check,
)
from onward.training.settings import Member, Settings
from onward.training.trial_batch import FREE
from onward.tuning.settings import SpaceSettings

NOT_SEARCHED = {"type", "max_epochs", "max_time"}  # the search itself shortens trainings

Values = Mapping[str, Any]
"""Settings by part and name: ``{"model.width": 256}``."""
Point = tuple[float, ...]
"""A share, from 0 to 1, of the range of each setting."""


@dataclass(frozen=True)
class Space:
    """The searched settings around those of a training."""

    base: Settings
    ranges: Mapping[str, Range] = field(hash=False)
    """By part and name."""
    automatic: frozenset[str] = frozenset()
    """Settings of the model that are not searched, and whose defaults depend on the folds."""

    @classmethod
    def of(cls, searched: SpaceSettings, base: Settings, has_numbers: bool) -> "Space":
        """The ranges of the config, or those of the types of embedder and model.

        Args:
            searched: the ranges of the config.
            base: complete settings, of which the others stay.
            has_numbers: whether there is a numerical block, for `embedder`.

        Raises:
            ConfigError: naming a setting that does not exist, or a value that is not valid.
        """
        base = base.model_copy(update={"members": ()})
        network = base.network
        model = Model.member(network.model)
        parts: dict[str, Ranges] = {
            "embedder": Embedder.member(network.embedder).search_space if has_numbers else {},
            "model": model.search_space,
            "learner": model.learner_search_space,
        }
        ranges: dict[str, Range] = {}
        for part, default in parts.items():
            chosen = getattr(searched, part)
            for name, choice in (default if chosen is None else chosen).items():
                _refuse_invalid(part, name, choice, _section(base, part))
                ranges[f"{part}.{name}"] = choice
        if all(map(has_one_value, ranges.values())):
            raise ConfigError(
                "tune.space: there is nothing to search: no range has two values. Name settings"
                " with their ranges, such as"
                " `learner: {learning_rate: {low: 1.0e-4, high: 1.0e-2, log: true}}`"
            )
        return cls(base, ranges)

    @property
    def names(self) -> tuple[str, ...]:
        """Part and name of each setting."""
        return tuple(self.ranges)

    @property
    def fixed(self) -> dict[str, Any]:
        """The settings whose range has one value, which all trials but the first have."""
        return {
            name: value_at(choice, 0.0)
            for name, choice in self.ranges.items()
            if has_one_value(choice)
        }

    @property
    def shape_axes(self) -> tuple[int, ...]:
        """The settings that decide the shape of the network."""
        return tuple(i for i, name in enumerate(self.ranges) if not _is_free(name))

    def values(self, point: Sequence[float]) -> dict[str, Any]:
        """The settings at a point."""
        pairs = zip(self.ranges.items(), point, strict=True)
        return {name: value_at(choice, share) for (name, choice), share in pairs}

    def point(self, values: Values) -> Point:
        """Where settings lie; those outside of their ranges lie at the ends."""
        return tuple(share_of(choice, values[name]) for name, choice in self.ranges.items())

    @property
    def base_values(self) -> dict[str, Any]:
        """The searched settings as they are in the base."""
        pairs = (name.split(".") for name in self.ranges)
        return {f"{part}.{name}": getattr(_section(self.base, part), name) for part, name in pairs}

    def is_base(self, values: Values, epochs: int) -> bool:
        """Whether a training has the settings of the base."""
        return values == self.base_values and epochs == self.base.learner.max_epochs

    def settings(self, values: Values, epochs: int) -> Settings:
        """Complete settings of a training with these values, and at most so many epochs."""
        document = self.base.model_dump()
        for path, value in values.items():
            part, name = path.split(".")
            section = document["learner"] if part == "learner" else document["network"][part]
            section[name] = value
        document["learner"]["max_epochs"] = epochs
        return Settings.model_validate(document)

    def ensemble(self, trainings: Sequence[tuple[Settings, int]]) -> Settings:
        """Complete settings of an ensemble.

        Args:
            trainings: settings of each member, and how often it counts.
        """
        members = tuple(
            Member(count=count, network=_body(one.network), learner=one.learner)
            for one, count in trainings
        )
        return self.base.model_copy(update={"members": members})


def _body(network: Network.Config) -> Body:
    return Body(**{name: getattr(network, name) for name in Body.model_fields})


def _section(base: Settings, part: str) -> Any:
    return base.learner if part == "learner" else getattr(base.network, part)


def _is_free(path: str) -> bool:
    """Whether trials of one shape may differ in a setting."""
    part, name = path.split(".")
    return name in FREE if part == "learner" else name.endswith("dropout")


def _refuse_invalid(part: str, name: str, choice: Range, section: Any) -> None:
    fields = type(section).model_fields
    if name not in fields or name in NOT_SEARCHED:
        known = sorted(fields.keys() - NOT_SEARCHED)
        raise ConfigError(
            f"tune.space.{part}: there is no setting {name!r} to search. {suggestion(name, known)}"
        )
    for value in values_to_check(choice):
        try:
            type(section).model_validate({**section.model_dump(), name: value})
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise ConfigError(
                f"tune.space.{part}.{name}: {value!r} is not valid: {reason}. Change the range"
            ) from error
