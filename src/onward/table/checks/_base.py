"""The base class of checks."""

from abc import ABC, abstractmethod
from typing import Any

from onward.rules import Rule
from onward.settings.family import Family, Settings


class Check(Family, ABC):
    """A rule for several columns, or one that no setting of a column can express."""

    class Config(Settings):
        """Settings that every type has."""

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """Columns that the check reads; columns outside the config are read as text."""

    @abstractmethod
    def rule(self) -> Rule:
        """The rule on wire values: float64 for numbers, arrays of several values in a row, text."""
