"""What every check can do."""

from abc import ABC, abstractmethod
from typing import Any

from onward.rules import Rule
from onward.settings.family import Family


class Check(Family, ABC):
    """A rule about several columns, or about what no setting of a column says."""

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Those it looks at; one that is no column of the config is read as text."""

    @abstractmethod
    def rule(self) -> Rule:
        """The rule, in terms of wire values: float64 for numbers, text for all else."""
