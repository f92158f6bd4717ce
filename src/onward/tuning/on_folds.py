"""The best settings trained on folds: several networks in place of one, if they gain enough."""

import hashlib
import logging
import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from onward.training.block_losses import block_losses_of_scores, mean_and_radius
from onward.training.default_settings import Given, Table, complete
from onward.training.effort import EFFORTS
from onward.training.settings import Settings
from onward.tuning.comparison import Gain
from onward.tuning.ensemble import Ensemble
from onward.tuning.journal import Journal
from onward.tuning.space import Space
from onward.tuning.trainer import Trainer

logger = logging.getLogger(__name__)

FOLDS = EFFORTS["best"].folds
SMALLER = 2 / 3  # of the time of a training: networks of folds with half of the members
LEAST_GAIN = 0.015  # of the loss; less is not worth five trainings and a slower file


@dataclass(frozen=True)
class OnFolds:
    """Networks, each trained without another fold of the training rows, on the validation rows."""

    loss: float = math.nan
    """Of the mean of their predictions."""
    single: float = math.nan
    """The mean loss of each of them alone."""
    gain: Gain | None = None
    """Of the mean over one of them; None if not compared."""
    refusal: str = ""
    """Why a single network, or an ensemble, is preferred; empty if it is not."""


def space_for_folds(given: Given, table: Table, space: Space) -> Space:
    """The space around the settings that the config has with folds, whose networks may be smaller.

    Args:
        given: the section of the config, in which folds replace members of an earlier search.
        table: the properties of the table.
        space: around those of a single network.
    """
    return replace(space, base=_complete(given, table, FOLDS))


def automatic_settings(given: Given, table: Table, space: Space) -> frozenset[str]:
    """The settings of the model that are smaller with folds, unless they are given or searched."""
    one, several = (_complete(given, table, folds).network.model for folds in (1, FOLDS))
    return frozenset(
        name
        for name in type(one).model_fields
        if getattr(one, name) != getattr(several, name) and f"model.{name}" not in space.names
    )


def _complete(given: Given, table: Table, folds: int) -> Settings:
    return complete(given.model_copy(update={"folds": folds, "members": ()}), table)


def relative_time(space: Space) -> float:
    """The time of a training on folds, by that of a single network."""
    return FOLDS * (SMALLER if space.automatic else 1.0)


def name_of(settings: Settings) -> str:
    """For the scores of a training on folds."""
    return f"folds-{hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:16]}"


def compare_on_folds(settings: Settings, trainer: Trainer, journal: Journal) -> OnFolds:
    """Train on folds of the training rows, and compare all networks with one of them.

    None of them has seen the validation rows. That is what `train` does with folds of the training
    and the validation rows, on a smaller scale: five networks in place of one that leaves a fifth
    of the rows to early stopping.

    Args:
        settings: of the training on folds.
        trainer: of the search.
        journal: gets the result; what it has is not trained again.
    """
    scores = _scores(settings, trainer, journal)
    if isinstance(scores, str):
        return OnFolds(refusal=f"a training failed: {scores}")
    head, rows = trainer.scores.head, trainer.scores.rows
    alone = torch.stack([block_losses_of_scores(head, one, rows) for one in scores]).mean(0)
    together = block_losses_of_scores(head, head.together(scores.transpose(0, 1)), rows)
    value, radius = mean_and_radius(alone - together)
    gained = Gain(value, value - radius, value + radius)
    loss, single = float(together.mean()), float(alone.mean())
    if not math.isfinite(loss + single):
        return OnFolds(refusal="a loss is not finite")
    return OnFolds(loss, single, gained, _refusal(gained, single))


def _refusal(gain: Gain, single: float) -> str:
    if not gain.lower > 0:
        return "the gain may be noise"
    if gain.value < LEAST_GAIN * single:
        return f"a gain of {100 * gain.value / single:.1f} % is not worth {FOLDS} networks"
    return ""


def _scores(settings: Settings, trainer: Trainer, journal: Journal) -> Tensor | str:
    """The scores of the validation rows by each network, or why there are none."""
    name = name_of(settings)
    if name not in journal.folds:
        logger.info("tune: the best settings on %d folds of the training rows", settings.folds)
        journal.add_folds(name, trainer.train_on_folds(settings, name))
    if failure := journal.folds[name]:
        return failure
    names = (f"{name}-{fold}" for fold in range(settings.folds))
    return torch.stack([trainer.scores.load(one) for one in names])


def prefer(ensemble: Ensemble, folds: OnFolds) -> tuple[Ensemble, OnFolds]:
    """Both, of which one is refused if both are better than a single network.

    Each gain is over a single network that has learned from as many rows.
    """
    if ensemble.refusal or folds.refusal:
        return ensemble, folds
    assert ensemble.gain is not None
    assert folds.gain is not None
    if folds.gain.value < ensemble.gain.value:
        return ensemble, replace(folds, refusal="the ensemble gains more")
    return replace(ensemble, refusal="networks of folds gain more"), folds
