"""How long networks of a shape take to predict one row, before they are trained."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from onward.training.settings import Settings
from onward.training.trial_batch import dropouts
from onward.tuning.journal import Journal
from onward.tuning.space import Space, Values

Measure = Callable[[Settings], float]
"""Microseconds for one row by a network of these settings."""


def shape_key(settings: Settings) -> str:
    """A text that is the same for settings whose networks take the same time."""
    networks = [one.network.model_dump() for one in settings.of_members]
    for network in networks:
        for name in dropouts(network["model"]):
            del network["model"][name]
    if settings.members:
        return json.dumps([settings.counts, networks])
    return json.dumps(networks[0] if settings.folds == 1 else [settings.folds, networks[0]])


@dataclass(frozen=True)
class Limit:
    """The time that one row may take.

    Each shape is measured once; the journal keeps what was measured, since times differ between two
    measurements and the search must not.

    Args:
        microseconds: the limit.
        space: of the settings.
        measure: of a shape.
        journal: of the search.
    """

    microseconds: float
    space: Space
    measure: Measure
    journal: Journal

    def __str__(self) -> str:
        return f"{self.microseconds:g} µs"

    def of(self, values: Values) -> float:
        """Microseconds of one row."""
        return self.of_settings(self.space.settings(values, self.space.base.learner.max_epochs))

    def of_settings(self, settings: Settings) -> float:
        """Microseconds of one row, also of an ensemble."""
        key = shape_key(settings)
        if key not in self.journal.latencies:
            started = time.monotonic()
            found = round(self.measure(settings), 1)
            self.journal.add_latency(key, found, round(time.monotonic() - started, 3))
        return self.journal.latencies[key]

    def allows(self, values: Values) -> bool:
        """Whether a network of these values is fast enough."""
        return self.of(values) <= self.microseconds

    def allows_settings(self, settings: Settings) -> bool:
        """Whether the network or ensemble of these settings is fast enough."""
        return self.of_settings(settings) <= self.microseconds
