"""Class weights and balanced sampling."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from onward.training.batches import Rows

Balanced = Literal["balanced"]
ClassWeights = Balanced | dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]]
"""How much a row of each class counts in training; balanced: so that all classes count alike."""


def factors(weights: Balanced | Mapping[str, float], rows: Rows, classes: int) -> Tensor:
    """The weight of a row of each class: ``(classes,)`` float64.

    Args:
        weights: of each class, in the order of their codes.
        rows: for training.
        classes: their number.
    """
    if weights != "balanced":
        return torch.tensor(list(weights.values()), dtype=torch.float64)
    return _shares(rows, classes).reciprocal()


def weigh(rows: Rows, of_classes: Tensor) -> Rows:
    """The same rows, with class weights."""
    weights = of_classes[rows.targets]
    return rows.with_weights(weights if rows.weights is None else weights * rows.weights)


def oversampling_factors(rows: Rows, classes: int) -> Tensor:
    """The factor by which `balanced_order` oversamples each class: ``(classes,)`` float64."""
    return torch.bincount(rows.targets, minlength=classes).clamp(min=1).double().reciprocal()


def by_class(targets: Tensor) -> Sequence[Tensor]:
    """The row numbers of each class that occurs."""
    order = targets.argsort(stable=True)
    counts = torch.bincount(targets)
    return torch.split(order, counts[counts > 0].tolist())


def balanced_order(groups: Sequence[Tensor], batch_size: int, seed: int) -> Tensor:
    """The row numbers of an epoch, in whole batches: equal numbers per class, give or take one.

    An epoch has its usual length. Rows of a rare class are repeated about equally often; rows of a
    frequent class are subsampled differently in each epoch. Like `loading.shuffled`, the order
    depends on its seed only.

    Args:
        groups: the result of `by_class`.
        batch_size: in rows.
        seed: of the epoch.
    """
    generator = torch.Generator().manual_seed(seed)
    length = sum(map(len, groups)) // batch_size * batch_size
    extra = torch.randperm(len(groups), generator=generator) < length % len(groups)
    shares = [length // len(groups) + int(one_more) for one_more in extra]
    drawn = [_draw(group, share, generator) for group, share in zip(groups, shares, strict=True)]
    together = torch.cat(drawn)
    return together[torch.randperm(len(together), generator=generator)]


def _draw(group: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Shuffled rounds of the group, up to this many rows."""
    rounds = -(-count // len(group))
    orders = torch.rand(rounds, len(group), generator=generator).argsort(1)
    return group[orders.flatten()[:count]]


def _shares(rows: Rows, classes: int) -> Tensor:
    """The total weight of each class; 1 for a total of 0."""
    weights = None if rows.weights is None else rows.weights.double()
    masses = torch.bincount(rows.targets, weights, classes).double()
    return torch.where(masses > 0, masses, 1.0)
