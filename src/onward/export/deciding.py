"""Fit the decision rule of the label on the validation set."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from onward.errors import ConfigError
from onward.network.scoring import Scoring
from onward.schema import Target
from onward.tasks import Task
from onward.tasks.decision import Decision, Purpose, gains, purpose, threshold
from onward.training.batches import Rows
from onward.training.scores import compute_scores


def decide(
    network: Scoring, decision: Decision, target: Target, rows: Mapping[str, Rows]
) -> dict[str, Any]:
    """Fit the decision rule on the validation set, set it in the head, and measure its effect.

    Args:
        network: trained; its head is changed.
        decision: the objective of the labels.
        target: what is predicted.
        rows: held-out rows by split; only those of ``validation`` are used for fitting. Of networks
            trained on folds these are all rows with out-of-fold scores.

    Returns:
        ``metric``, ``gains`` of the classes, ``threshold``, and for each split the metric
        ``before`` and ``after``.

    Raises:
        ConfigError: if the target has no labels.
    """
    if not Task.members[network.head.task].has_labels:
        raise ConfigError(
            f"export.decision: {network.head.task} has no labels to decide. Remove `decision`"
        )
    serves = purpose(decision, target.classes)
    known = {split: _probabilities(network, part) for split, part in rows.items()}
    if network.out_of_fold is not None:
        known["validation"] = network.head(network.out_of_fold)["probabilities"]
    before = _metric_values(serves, network, rows, known)
    validation = rows["validation"]
    gain_matrix = gains(
        serves, validation.targets.numpy(), known["validation"].numpy(), _weights(validation)
    )
    network.head.decide(torch.from_numpy(gain_matrix).float())
    after = _metric_values(serves, network, rows, known)
    return {
        "metric": serves.metric.title,
        "gains": gain_matrix.tolist(),
        "threshold": threshold(gain_matrix),
        **{split: {"before": before[split], "after": after[split]} for split in rows},
    }


def _probabilities(network: Scoring, rows: Rows) -> Tensor:
    with torch.no_grad():
        return compute_scores(
            network,
            rows,
            torch.device("cpu"),
            lambda features: network(features)["probabilities"],
        )


def _metric_values(
    serves: Purpose, network: Scoring, rows: Mapping[str, Rows], known: Mapping[str, Tensor]
) -> dict[str, float]:
    """The metric of each split with the current labels of the head."""
    return {
        split: serves(
            part.targets.numpy(), network.head.labels(known[split]).numpy(), _weights(part)
        )
        for split, part in rows.items()
    }


def _weights(rows: Rows) -> np.ndarray | None:
    return None if rows.weights is None else rows.weights.numpy()
