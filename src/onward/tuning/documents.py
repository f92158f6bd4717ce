"""The results of a search, as files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from onward.settings.search_space import Interval, Range
from onward.settings.yaml import comment, setting
from onward.tuning.comparison import Gain
from onward.tuning.ensemble import Ensemble
from onward.tuning.importance import importance
from onward.tuning.on_folds import FOLDS, OnFolds
from onward.tuning.results import Result
from onward.tuning.space import Space
from onward.tuning.winner import Winner
from onward.wording import format_count


def best_settings(
    space: Space, best: Result, ensemble: Ensemble, on_folds: OnFolds
) -> dict[str, Any]:
    """The settings of a training as a section ``train``, without those that the search leaves.

    Empty if they are those of the config. With an ensemble, also those of its members.
    """
    is_base = space.is_base(best.training.values, best.training.epochs)
    section = {} if is_base else _section(space, best)
    if not on_folds.refusal:
        section["folds"] = FOLDS
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
        part: getattr(settings.network, part).model_dump(exclude={*space.automatic})
        for part in parts
        if part != "learner"
    }
    names = dict.fromkeys((*searched, "max_epochs", "patience"))  # or it would follow the epochs
    learner = {name: getattr(settings.learner, name) for name in names}
    return {**({"network": network} if network else {}), "learner": learner}


def best_text(space: Space, best: Winner, ensemble: Ensemble, on_folds: OnFolds) -> str:
    """``best.yaml``: the section ``train`` of the best settings, and how good they are."""
    section = best_settings(space, best.result, ensemble, on_folds)
    lines = ["train:"] if section else ["train: {}"]
    for name, part in section.items():
        if name in ("members", "folds"):
            lines += setting(name, part, indent=2)
            continue
        lines.append(f"  {name}:")
        lines += [line for key, value in part.items() for line in setting(key, value, indent=4)]
    paragraphs = [_about_training(space, best)]
    if not ensemble.refusal:
        paragraphs.append(about_ensemble(ensemble))
    if not on_folds.refusal:
        paragraphs.append(about_folds(on_folds, best))
    return "\n".join([*(line for text in paragraphs for line in comment(text)), *lines]) + "\n"


def _about_training(space: Space, best: Winner) -> str:
    usual, lowest, of_config = space.base.learner.max_epochs, best.lowest, best.of_config
    epochs = lowest.training.epochs
    if lowest is of_config:
        return "No trial of `onward tune` was better than the settings of the config."
    about = (
        f"Trial {lowest.training.trial} of `onward tune`: validation loss {lowest.loss:.5g};"
        f" with the settings of the config {of_config.failure or format(of_config.loss, '.5g')}."
    )
    if epochs < usual:
        about += f" It had the lower loss with {format_count(epochs, 'epoch')} in place of {usual}."
    return f"{about} {about_winner(best)}".rstrip()


def about_winner(best: Winner) -> str:
    """How sure it is that its settings are better than those of the config."""
    about = "" if best.gain is None else f"{_out_of_fold(best.gain)}."
    if not best.refusal:
        return about
    return (
        f"{about} The settings of the config stay: {best.refusal}. Those of trial"
        f" {best.lowest.training.trial} are in tuning.json."
    ).lstrip()


def _out_of_fold(gain: Gain) -> str:
    return f"Out of fold the gain is {_interval(gain)}"


def _interval(gain: Gain) -> str:
    radius = gain.upper - gain.value
    places = max(0, 1 - math.floor(math.log10(radius))) if 0 < radius < math.inf else 4
    value, lower, upper = (f"{end:.{places}f}" for end in (gain.value, gain.lower, gain.upper))
    return f"{value} (95 % interval {lower} to {upper})"


def about_ensemble(ensemble: Ensemble) -> str:
    """An ensemble in a sentence or two."""
    if not ensemble.members:
        return f"No ensemble: {ensemble.refusal}."
    assert ensemble.gain is not None
    total = sum(member.count for member in ensemble.members)
    names = (f"{_name(member.result)} ({member.count} of {total})" for member in ensemble.members)
    end = f". It is not taken: {ensemble.refusal}" if ensemble.refusal else ""
    return (
        f"The mean of {', '.join(names)} has a validation loss of {ensemble.loss:.5g}, a single"
        f" network {ensemble.single:.5g}. {_out_of_fold(ensemble.gain)}{end}."
    )


def about_folds(on_folds: OnFolds, best: Winner) -> str:
    """The networks of folds in a sentence or two."""
    if on_folds.gain is None:
        return f"No folds: {on_folds.refusal}."
    end = f". They are not taken: {on_folds.refusal}" if on_folds.refusal else ""
    trial = best.result.training.trial
    settings = f"the settings of trial {trial}" if trial else "the settings of the config"
    return (
        f"{FOLDS} networks with {settings}, each trained without another fifth of the training"
        f" rows, have a validation loss of {on_folds.loss:.5g} together, and of"
        f" {on_folds.single:.5g} alone, in the mean. The gain is {_interval(on_folds.gain)}{end}."
    )


def _name(result: Result) -> str:
    return f"trial {result.training.trial} with {format_count(result.training.epochs, 'epoch')}"


def document(
    space: Space, results: Sequence[Result], best: Winner, ensemble: Ensemble, on_folds: OnFolds
) -> dict[str, Any]:
    """The whole search, as JSON: the ranges, all trainings, the best ones, what mattered."""
    lowest, ordered = best.lowest.training, sorted(results, key=_order)
    return {
        "model": space.base.network.model.model_dump()["type"],
        "space": {name: _range(choice) for name, choice in space.ranges.items()},
        "trainings": [_training(result) for result in ordered],
        "best": {
            "trial": lowest.trial,
            "epochs": lowest.epochs,
            "gain": None if best.gain is None else asdict(best.gain),
            "refusal": best.refusal,
        },
        "ensemble": _ensemble(ensemble),
        "folds": _on_folds(on_folds),
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


def _on_folds(on_folds: OnFolds) -> dict[str, Any]:
    if on_folds.gain is None:
        return {"refusal": on_folds.refusal}
    return {"folds": FOLDS, **asdict(on_folds)}


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
