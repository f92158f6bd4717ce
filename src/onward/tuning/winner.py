"""The training whose settings replace those of the config, if they are better out of fold, too."""

from collections.abc import Sequence
from dataclasses import dataclass

from onward.tuning.comparison import Gain, gain
from onward.tuning.library import Library, settings_of
from onward.tuning.results import Result
from onward.tuning.search import best_of


@dataclass(frozen=True)
class Winner:
    """The training with the lowest validation loss, and whether its settings are taken over."""

    lowest: Result
    of_config: Result
    """The training with the settings of the config."""
    gain: Gain | None = None
    """Of the choice of the lowest loss over the settings of the config; None if not compared."""
    refusal: str = ""
    """Why the settings of the config stay; empty if they do not, or have the lowest loss."""

    @property
    def result(self) -> Result:
        """The training whose settings are the best."""
        return self.of_config if self.refusal else self.lowest

    def choose(self, library: Library) -> Sequence[int]:
        """That training, or the one that some rows would choose in its place."""
        position = library.of_config
        return [position] if self.refusal and position is not None else library.lowest()


def winner(results: Sequence[Result], library: Library) -> Winner:
    """The training with the lowest loss, compared with that of the config.

    The lowest of many losses is low by chance, too, and with few validation rows mostly by chance.
    """
    lowest = best_of(results)
    of_config = next(one for one in results if one.training.trial == 0)
    position = library.of_config
    if position is None:
        return Winner(lowest, of_config)
    if settings_of(lowest) == settings_of(of_config):
        return Winner(of_config, of_config)
    gained = gain(library, lambda _: [position], Library.lowest)
    refusal = "" if gained.value > 0 else "out of fold, others are not better"
    return Winner(lowest, of_config, gained, refusal)
