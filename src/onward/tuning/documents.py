"""The results of a search, as files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from onward.settings.search_space import Interval, Range
from onward.settings.yaml import comment, setting
from onward.tuning.ensemble import Ensemble
from onward.tuning.importance import importance
from onward.tuning.sampler import Result
from onward.tuning.search import best_of
from onward.tuning.space import Space


def best_settings(space: Space, best: Result, ensemble: Ensemble) -> dict[str, Any]:
    """The settings of a training as a section ``train``, without those that the search leaves.

    Empty if they are those of the config. With an ensemble, also those of its members.
    """
    training = best.training
    is_base = training.values == space.base_values
    is_base &= training.epochs == space.base.learner.max_epochs
    section = {} if is_base else _section(space, best)
    if not ensemble.refusal:
        section["members"] = [
            {"count": member.count, **_section(space, member.result)} for member in ensemble.members
        ]
    return section


def _section(space: Space, result: Result) -> dict[str, Any]:
    """All settings that the search may change, with the values of a training."""
    training = result.training
    settings = space.settings(training.values, training.epochs)
    parts = dict.fromkeys(name.split(".")[0] for name in space.names)
    searched = [name.split(".")[1] for name in space.names if name.startswith("learner.")]
    network = {
        part: getattr(settings.network, part).model_dump() for part in parts if part != "learner"
    }
    names = dict.fromkeys((*searched, "max_epochs"))
    learner = {name: getattr(settings.learner, name) for name in names}
    return {**({"network": network} if network else {}), "learner": learner}


def best_text(space: Space, best: Result, base: Result, ensemble: Ensemble) -> str:
    """``best.yaml``: the section ``train`` of the best settings, and how good they are."""
    section = best_settings(space, best, ensemble)
    lines = ["train:"] if section else ["train: {}"]
    for name, part in section.items():
        if name == "members":
            lines += setting(name, part, indent=2)
            continue
        lines.append(f"  {name}:")
        lines += [line for key, value in part.items() for line in setting(key, value, indent=4)]
    paragraphs = [_about_training(space, best, base)]
    if not ensemble.refusal:
        paragraphs.append(about_ensemble(ensemble))
    return "\n".join([*(line for text in paragraphs for line in comment(text)), *lines]) + "\n"


def _about_training(space: Space, best: Result, base: Result) -> str:
    usual, epochs = space.base.learner.max_epochs, best.training.epochs
    if best.training == base.training:
        return "No trial of `onward tune` was better than the settings of the config."
    about = (
        f"Trial {best.training.trial} of `onward tune`: validation loss {best.loss:.5g};"
        f" with the settings of the config {base.failure or format(base.loss, '.5g')}."
    )
    if epochs < usual:
        about += f" It had the lower loss with {epochs} epochs in place of {usual}."
    return about


def about_ensemble(ensemble: Ensemble) -> str:
    """An ensemble in a sentence or two."""
    if not ensemble.members:
        return f"No ensemble: {ensemble.refusal}."
    total = sum(member.count for member in ensemble.members)
    names = (f"{_name(member.result)} ({member.count} of {total})" for member in ensemble.members)
    gain = ensemble.gain
    return (
        f"The mean of {', '.join(names)} has a validation loss of {ensemble.loss:.5g}, the best"
        f" training {ensemble.single:.5g}. Out of fold it is lower by"
        f" {gain.value:.2g} (95 % interval {gain.lower:.2g} to {gain.upper:.2g})"
        + (f": the best training is preferred, as {ensemble.refusal}." if ensemble.refusal else ".")
    )


def _name(result: Result) -> str:
    return f"trial {result.training.trial} with {result.training.epochs} epochs"


def document(space: Space, results: Sequence[Result], ensemble: Ensemble) -> dict[str, Any]:
    """The whole search, as JSON: the ranges, all trainings, the best ones, what mattered."""
    best, ordered = best_of(results).training, sorted(results, key=_order)
    return {
        "model": space.base.network.model.model_dump()["type"],
        "space": {name: _range(choice) for name, choice in space.ranges.items()},
        "trainings": [_training(result) for result in ordered],
        "best": {"trial": best.trial, "epochs": best.epochs},
        "ensemble": _ensemble(ensemble),
        "importance": importance(ordered, space.names),
    }


def _ensemble(ensemble: Ensemble) -> dict[str, Any]:
    if not ensemble.members:
        return {"refusal": ensemble.refusal}
    members = [
        {
            "trial": member.result.training.trial,
            "epochs": member.result.training.epochs,
            "count": member.count,
        }
        for member in ensemble.members
    ]
    return {**asdict(ensemble), "members": members}


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
