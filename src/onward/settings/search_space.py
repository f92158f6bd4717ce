"""Ranges of settings, among which a search chooses."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, PositiveInt, model_validator

from onward.settings.family import Settings

DIGITS = 3  # of drawn numbers: enough for a search, and short in a config


class Interval(Settings):
    """Numbers from ``low`` to ``high``; whole numbers if both ends are.

    ``log`` draws evenly on a logarithmic scale; ``step`` is between two whole numbers, without
    ``log``; with ``or_zero`` half of the draws are 0.
    """

    low: int | float
    high: int | float
    log: bool = False
    step: PositiveInt = 1
    or_zero: bool = False

    @model_validator(mode="after")
    def _refuse_empty(self) -> Self:
        if self.high < self.low:
            raise ValueError(f"low, {self.low:g}, is above high, {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"with `log`, low must be above 0, got {self.low:g}")
        if self.step > 1 and (self.log or not self.is_whole):
            raise ValueError("`step` is for whole numbers, and without `log`")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether the numbers are whole ones."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def value(self, share: float) -> float:
        """The number at a share of the range, from 0 to 1.

        Example:
            >>> Interval(low=1e-4, high=1e-2, log=True).value(0.5)
            0.001
        """
        if self.or_zero:
            if share < 0.5:
                return 0 if self.is_whole else 0.0
            share = 2 * share - 1
        if self.log:
            drawn = math.exp(math.log(self.low) + share * math.log(self.high / self.low))
            if self.is_whole:
                return round(drawn)
        elif self.is_whole:
            count = (int(self.high) - int(self.low)) // self.step + 1
            return int(self.low) + self.step * min(int(share * count), count - 1)
        else:
            drawn = self.low + share * (self.high - self.low)
        rounded = float(f"{drawn:.{DIGITS}g}")
        return float(min(max(rounded, self.low), self.high))  # ends may have more digits

    def share(self, value: float) -> float:
        """Where in the range a number lies; one outside lies at the end."""
        if self.or_zero:
            return 0.25 if value == 0 else 0.5 + self._share(value) / 2
        return self._share(value)

    def _share(self, value: float) -> float:
        value = min(max(value, self.low), self.high)
        if self.low == self.high:
            return 0.5
        if self.is_whole and not self.log:
            count = (int(self.high) - int(self.low)) // self.step + 1
            return ((value - self.low) // self.step + 0.5) / count
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    @property
    def ends(self) -> tuple[float, ...]:
        """Values that must be valid for all others to be."""
        return (*((0,) if self.or_zero else ()), self.low, self.high)


Choices = Annotated[tuple[Any, ...], Field(min_length=1)]
"""Some values, each as likely."""
Range = Interval | Choices
Ranges = Mapping[str, Range]
"""By the name of the setting."""


def value_at(choice: Range, share: float) -> Any:
    """The value of a range at a share of it, from 0 to 1.

    Example:
        >>> [value_at((64, 128, 256), share) for share in (0.0, 0.4, 1.0)]
        [64, 128, 256]
    """
    if isinstance(choice, Interval):
        return choice.value(share)
    return choice[min(int(share * len(choice)), len(choice) - 1)]


def share_of(choice: Range, value: Any) -> float:
    """The inverse of `value_at`: the middle of the shares that give the value.

    Numbers that are no choice have the place of the nearest one.

    Example:
        >>> share_of((64, 128, 256), 100)
        0.5
    """
    if isinstance(choice, Interval):
        return choice.share(value)
    if value in choice:
        return (choice.index(value) + 0.5) / len(choice)
    if isinstance(value, int | float) and all(isinstance(one, int | float) for one in choice):
        nearest = min(choice, key=lambda one: abs(float(one) - value))
        return (choice.index(nearest) + 0.5) / len(choice)
    return 0.5


def has_one_value(choice: Range) -> bool:
    """Whether a range leaves nothing to search."""
    if isinstance(choice, Interval):
        return bool(value_at(choice, 0.0) == value_at(choice, 1.0))
    return len(set(map(repr, choice))) == 1


def values_to_check(choice: Range) -> tuple[Any, ...]:
    """The values of a range that show whether all of them are valid."""
    return choice.ends if isinstance(choice, Interval) else choice
