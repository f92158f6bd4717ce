"""Classes that count, or are seen, more often in training than there are rows of them."""

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
    """How much a row of each class counts: ``(classes,)`` float64.

    Args:
        weights: of each class, in the order of their codes.
        rows: for training.
        classes: how many there are.
    """
    if weights != "balanced":
        return torch.tensor(list(weights.values()), dtype=torch.float64)
    return _shares(rows, classes).reciprocal()


def weighed(rows: Rows, of_classes: Tensor) -> Rows:
    """The same rows, each counting as much more as its class does."""
    weights = of_classes[rows.targets]
    return rows.weighed(weights if rows.weights is None else weights * rows.weights)


def oversampled(rows: Rows, classes: int) -> Tensor:
    """How many times as often `balanced` shows a row of each class: ``(classes,)`` float64."""
    return torch.bincount(rows.targets, minlength=classes).clamp(min=1).double().reciprocal()


def by_class(targets: Tensor) -> Sequence[Tensor]:
    """The numbers of the rows of each class that there is."""
    order = targets.argsort(stable=True)
    counts = torch.bincount(targets)
    return torch.split(order, counts[counts > 0].tolist())


def balanced(groups: Sequence[Tensor], batch_size: int, seed: int) -> Tensor:
    """The row numbers of an epoch, in whole batches: of each class as many, give or take one.

    An epoch is as long as one that shows each row once. All rows of a rare class come equally
    often, or nearly; of a frequent one each epoch shows others. Like `loading.shuffled` it is
    a function of its seed.

    Args:
        groups: what `by_class` says.
        batch_size: in rows.
        seed: of the epoch.
    """
    generator = torch.Generator().manual_seed(seed)
    length = sum(map(len, groups)) // batch_size * batch_size
    extra = torch.randperm(len(groups), generator=generator) < length % len(groups)
    shares = [length // len(groups) + int(one_more) for one_more in extra]
    drawn = [_drawn(group, share, generator) for group, share in zip(groups, shares, strict=True)]
    together = torch.cat(drawn)
    return together[torch.randperm(len(together), generator=generator)]


def _drawn(group: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Whole rounds of the group, each in an order of its own, up to so many rows."""
    rounds = -(-count // len(group))
    orders = torch.rand(rounds, len(group), generator=generator).argsort(1)
    return group[orders.flatten()[:count]]


def _shares(rows: Rows, classes: int) -> Tensor:
    """How much the rows of each class weigh together; 1 for one that weighs nothing."""
    weights = None if rows.weights is None else rows.weights.double()
    masses = torch.bincount(rows.targets, weights, classes).double()
    return torch.where(masses > 0, masses, 1.0)
