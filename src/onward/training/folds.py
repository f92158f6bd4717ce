"""Training on folds: a network for each fold, which stops by it and does not learn from it."""

import logging
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from onward.network.bag import Bag
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.history import LOSS
from onward.training.run import Trained, TrainingData, all_reasons, fit
from onward.training.scores import compute_scores
from onward.training.settings import Settings

logger = logging.getLogger(__name__)

CPU = torch.device("cpu")


def fit_folds(
    settings: Settings, data: TrainingData, whole: Rows, checkpoints: Checkpoints
) -> Trained:
    """Train a network for each fold of the rows, and join them.

    Each network stops early by its fold. Together, the scores of each row by the network that did
    not learn from it calibrate the result: no row is needed for validation only. They also have the
    validation loss of the result; the history is the mean of the networks, the speed of the last.

    Args:
        settings: of each training; ``folds`` is 2 or more.
        data: the table.
        whole: its training rows, then its validation rows.
        checkpoints: of all trainings.

    Raises:
        NotFiniteError: if a loss is not finite.
        OSError: if a checkpoint cannot be written.
    """
    fold_of = folds(whole.targets, settings.folds, settings.seed)
    parts: list[Trained] = []
    for fold in range(settings.folds):
        logger.info("train: fold %d of %d", fold + 1, settings.folds)
        part = replace(
            data,
            train=whole.take((fold_of != fold).nonzero()[:, 0]),
            validation=whole.take((fold_of == fold).nonzero()[:, 0]),
        )
        own = settings.model_copy(update={"seed": settings.seed + fold})  # members differ more
        parts.append(fit(own, part, checkpoints.of_fold(fold), None, whole.targets))
    scores = _out_of_fold(parts, fold_of)
    bag = Bag([part.network for part in parts], out_of_fold=scores)
    bag.head.calibrate(scores, whole.targets, whole.weights)
    loss = bag.head.loss(scores, whole.targets, whole.weights).item()
    history = _mean_history([part.history for part in parts])
    ensemble = {LOSS: loss, "folds": len(parts)}
    return Trained(bag, data, history, parts[-1].speed, all_reasons(parts), ensemble)


def folds(targets: Tensor, count: int, seed: int) -> Tensor:
    """The fold of each row, ``(rows,)``, stratified by class or by the size of the target."""
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))
    order = order[targets[order].argsort(stable=True)]
    fold_of = torch.empty(len(targets), dtype=torch.int64)
    fold_of[order] = torch.arange(len(targets)) % count
    return fold_of


def _out_of_fold(parts: Sequence[Trained], fold_of: Tensor) -> Tensor:
    """The scores of each row by the network that did not learn from it, ``(rows, width)``."""
    with torch.no_grad():
        of_folds = [compute_scores(p.network, p.data.validation, CPU) for p in parts]
    scores = of_folds[0].new_empty(len(fold_of), of_folds[0].shape[1])
    for fold, indices in enumerate(of_folds):
        scores[fold_of == fold] = indices
    return scores


def _mean_history(histories: Sequence[Sequence[Mapping[str, float]]]) -> list[dict[str, float]]:
    """The mean losses of the epochs that all networks have reached."""
    return [
        {name: statistics.fmean(epoch[name] for epoch in epochs) for name in epochs[0]}
        for epochs in zip(*histories, strict=False)
    ]
