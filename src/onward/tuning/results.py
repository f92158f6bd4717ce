"""What a search trains, and what comes of it."""

from dataclasses import dataclass

from onward.tuning.space import Point, Values


@dataclass(frozen=True)
class Training:
    """Settings to train with, and for how long."""

    trial: int
    """Its number; trial 0 has the settings of the config."""
    epochs: int
    point: Point
    values: Values

    @property
    def name(self) -> str:
        """For files."""
        return f"{self.trial}-{self.epochs}"


@dataclass(frozen=True)
class Result:
    """A finished training."""

    training: Training
    loss: float
    """The lowest validation loss; infinite if it was not finite."""
    best_epoch: int
    failure: str = ""
    """Why there is no loss."""
