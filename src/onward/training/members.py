"""Training of an ensemble: a network for each member, which share head and rows."""

import logging
from collections.abc import Sequence
from typing import Any

import torch

from onward.network.bag import Bag
from onward.training.checkpoints import Checkpoints
from onward.training.history import LOSS
from onward.training.run import Trained, TrainingData, all_reasons, fit
from onward.training.scores import compute_scores
from onward.training.settings import Settings
from onward.training.summary import member_lines, summary

logger = logging.getLogger(__name__)

CPU = torch.device("cpu")


def fit_members(settings: Settings, data: TrainingData, checkpoints: Checkpoints) -> Trained:
    """Train each member, and join them.

    Each stops early by the validation rows, and the scores of all together calibrate the result.
    The history is that of the first member.

    Args:
        settings: with the members.
        data: the rows, on the CPU.
        checkpoints: of all trainings.

    Raises:
        NotFiniteError: if a loss is not finite.
        OSError: if a checkpoint cannot be written.
    """
    parts: list[Trained] = []
    pairs = zip(settings.of_members, member_lines(settings), strict=True)
    for number, (own, line) in enumerate(pairs):
        logger.info("train: %s", line)
        parts.append(fit(own, data, checkpoints.of_member(number)))
    bag, validation = Bag([part.network for part in parts], settings.counts), data.validation
    with torch.no_grad():
        scores = compute_scores(bag.eval(), validation, CPU)
    bag.head.calibrate(scores, validation.targets, validation.weights)
    loss = bag.head.loss(scores, validation.targets, validation.weights).item()
    ensemble = {LOSS: loss, "members": _documents(settings, parts)}
    return Trained(bag, data, parts[0].history, parts[0].speed, all_reasons(parts), ensemble)


def _documents(settings: Settings, parts: Sequence[Trained]) -> list[dict[str, Any]]:
    """What each member is, and what came of it, as JSON."""
    documents = []
    for own, count, part in zip(settings.of_members, settings.counts, parts, strict=True):
        best = min(part.history, key=lambda epoch: epoch[LOSS])
        documents.append(
            {
                "count": count,
                "settings": summary(own),
                "epochs": len(part.history),
                "best_epoch": best["epoch"],
                LOSS: best[LOSS],
            }
        )
    return documents
