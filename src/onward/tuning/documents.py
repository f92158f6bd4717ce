"""The results of a search, as files."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from onward.settings.search_space import Interval, Range
from onward.settings.yaml import comment, setting
from onward.tuning.importance import importance
from onward.tuning.sampler import Result
from onward.tuning.search import best_of
from onward.tuning.space import Space


def best_settings(space: Space, best: Result) -> dict[str, Any]:
    """The settings of a training as a section ``train``, without those that the search leaves.

    Empty if they are those of the config.
    """
    training = best.training
    if training.values == space.base_values and training.epochs == space.base.learner.max_epochs:
        return {}
    settings = space.settings(training.values, training.epochs)
    parts = dict.fromkeys(name.split(".")[0] for name in space.names)
    searched = [name.split(".")[1] for name in space.names if name.startswith("learner.")]
    network = {
        part: getattr(settings.network, part).model_dump() for part in parts if part != "learner"
    }
    names = dict.fromkeys((*searched, "max_epochs"))
    learner = {name: getattr(settings.learner, name) for name in names}
    return {**({"network": network} if network else {}), "learner": learner}


def best_text(space: Space, best: Result, base: Result) -> str:
    """``best.yaml``: the section ``train`` of the best settings, and how good they are."""
    section = best_settings(space, best)
    about = (
        f"Trial {best.training.trial} of `onward tune`: validation loss {best.loss:.5g};"
        f" with the settings of the config {base.failure or format(base.loss, '.5g')}."
        if section
        else "No trial of `onward tune` was better than the settings of the config."
    )
    usual, epochs = space.base.learner.max_epochs, best.training.epochs
    if section and epochs < usual:
        about += f" It had the lower loss with {epochs} epochs in place of {usual}."
    lines = ["train:"] if section else ["train: {}"]
    for name, part in section.items():
        lines.append(f"  {name}:")
        lines += [line for key, value in part.items() for line in setting(key, value, indent=4)]
    return "\n".join([*comment(about), *lines]) + "\n"


def document(space: Space, results: Sequence[Result]) -> dict[str, Any]:
    """The whole search, as JSON: the ranges, all trainings, the best one, what mattered."""
    best, ordered = best_of(results).training, sorted(results, key=_order)
    return {
        "model": space.base.network.model.model_dump()["type"],
        "space": {name: _range(choice) for name, choice in space.ranges.items()},
        "trainings": [_training(result) for result in ordered],
        "best": {"trial": best.trial, "epochs": best.epochs},
        "importance": importance(ordered, space.names),
    }


def _order(result: Result) -> tuple[int, int]:
    return (result.training.trial, result.training.epochs)


def _training(result: Result) -> Mapping[str, Any]:
    training = result.training
    return {
        "trial": training.trial,
        "epochs": training.epochs,
        "values": dict(training.values),
        "point": [round(share, 4) for share in training.point],
        "loss": result.loss if math.isfinite(result.loss) else None,
        "best_epoch": result.best_epoch,
        **({"failure": result.failure} if result.failure else {}),
    }


def _range(choice: Range) -> Any:
    if isinstance(choice, Interval):
        return choice.model_dump(exclude_defaults=True)
    return list(choice)
