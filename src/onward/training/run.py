"""A training as a value: rows and settings in, a trained network out.

Every caller of training calls `fit`: the stage ``train`` once, column selection several times.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor

from onward.artifacts.prepared import Prepared
from onward.blocks import Blocks
from onward.network.scoring import Scoring, Shape
from onward.network.start import Start
from onward.schema import Target
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.loop import new_network, stop_reason, train
from onward.training.settings import Settings
from onward.training.timing import Speed


@dataclass(frozen=True)
class TrainingData:
    """Training rows, and validation rows for early stopping."""

    blocks: Blocks
    target: Target
    train: Rows
    validation: Rows

    @classmethod
    def load(cls, prepared: Prepared) -> "TrainingData":
        """The rows that ``prepare`` wrote, mapped from files."""
        train, validation = (Rows.of(prepared.arrays(split)) for split in ("train", "validation"))
        return cls(prepared.blocks(), prepared.schema().target, train, validation)


@dataclass(frozen=True)
class Trained:
    """A network with its best weights, and its history."""

    network: Scoring
    data: TrainingData
    history: list[dict[str, float]]
    """The losses of each epoch."""
    speed: dict[str, Any]
    """Where the time went, as JSON."""
    stopped_by: tuple[str, ...]
    """The settings that ended the trainings of its networks, each once."""
    ensemble: Mapping[str, Any] = field(default_factory=dict)
    """Of several networks, their validation loss together, and their members or the number of their
    folds, as JSON."""


def fit(
    settings: Settings,
    data: TrainingData,
    checkpoints: Checkpoints,
    start: Start | None = None,
    targets: Tensor | None = None,
) -> Trained:
    """Train and calibrate a network.

    Args:
        settings: of the training.
        data: the rows, on the CPU.
        checkpoints: where an interrupted training resumes from, with the same result to the bit.
        start: the network to start from; by default new weights.
        targets: whose mean and spread the head learns; by default those of the training rows.

    Raises:
        NotFiniteError: if the loss is not finite.
        OSError: if a checkpoint cannot be written.
    """
    speed, shape = Speed(), Shape(data.blocks, len(data.target.classes))
    rows, build = (data.train, data.validation), partial(new_network, start=start, targets=targets)
    network, history = train(settings, shape, *rows, checkpoints, speed, build=build)
    stopped_by = (stop_reason(history, settings.learner),)
    return Trained(network, data, history, speed.document(), stopped_by)


def all_reasons(parts: Iterable[Trained]) -> tuple[str, ...]:
    """The settings that ended several trainings, each once."""
    return tuple(dict.fromkeys(reason for part in parts for reason in part.stopped_by))
