"""What a column seems to be."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from onward.quality.type_inference._column_summary import Sight, shown

Setting = str | int | tuple[str, ...] | dict[str, float]

MOST_SHOWN = 3  # texts for missing in a reason


@dataclass(frozen=True)
class Guess:
    """What a column seems to be."""

    name: str
    type: str
    """Of the family of columns; empty where the column is left out."""
    reason: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    """Texts found that mean the value is missing, beside the empty one."""
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Values, and others that look like the same in another spelling: for a person to confirm."""


def left_out(name: str, reason: str) -> Guess:
    """A column that no type reads, or that says nothing."""
    return Guess(name, "", reason)


def typed(sight: Sight, type_: str, reason: str, **settings: Setting) -> Guess:
    """A column of the type, with the values that are missing in its reason."""
    missing = sight.rows - sight.present
    if missing:
        reason += f"; missing in {missing:,} of {sight.rows:,} rows"
        marks = [mark for mark in sight.missing if mark.strip()]
        if marks:
            more = ", ..." if len(marks) > MOST_SHOWN else ""
            reason += f", as {', '.join(map(shown, marks[:MOST_SHOWN]))}{more} say"
    return Guess(sight.name, type_, reason, settings, sight.missing)
