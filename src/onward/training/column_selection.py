"""Which columns a network can do without: a few trainings with fewer and fewer of them."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import Field
from torch import Tensor

from onward.errors import ConfigError
from onward.settings.family import Settings
from onward.text_table import text_table
from onward.training.distributed import of_first
from onward.training.permutation_loss import Relevance, block_losses, mean_and_radius, relevance
from onward.training.run import Trained

logger = logging.getLogger(__name__)

SHOWN = 20  # dropped columns that are printed
LEAST_ROWS = 20  # validation rows; of fewer, the spread of differences is a guess


class Selection(Settings):
    """Drop columns whose permutation importance on validation rows is not above noise.

    ``trainings``: at most so many, the one with all columns included; each takes its time.
    """

    trainings: int = Field(5, ge=2, le=20)


@dataclass(frozen=True)
class Selected:
    """The network with the columns that are kept, and why."""

    trained: Trained
    about: Mapping[str, Any]
    """For people and for later stages, as JSON has it; empty where nothing was asked for."""


Fit = Callable[[Sequence[str]], Trained]
"""Trains with some columns."""


@dataclass(frozen=True)
class Runs:
    """What was trained, by the number of columns, and how many there must be at least."""

    losses: Mapping[int, Tensor]
    """Of blocks of validation rows."""
    least: int

    def worse(self, number: int) -> tuple[float, float]:
        """How much larger the loss is than that of the best, and the radius of the interval."""
        return mean_and_radius(self.losses[number] - self.losses[self._best])

    @property
    def fewest(self) -> int:
        """Columns with which the loss is that of the best, or larger within noise."""
        return min(n for n in self._eligible if n == self._best or self._is_as_good(n))

    def following(self) -> int | None:
        """The number of columns to train with next; None if there is nothing more to learn.

        If those above noise alone are too few, halves what lies between too few and enough; else
        looks at half of them, and half-way to all, to show what that would cost.
        """
        fewest, most = self.fewest, max(self.losses)
        wanted = [self.least, self.least // 2, (self.least + most) // 2]
        if self.least in self.losses and fewest > self.least:
            too_few = max(n for n in self.losses if n < fewest)
            wanted = [(too_few + fewest) // 2]
        return next((n for n in wanted if n > 0 and n not in self.losses), None)

    @property
    def _eligible(self) -> list[int]:
        return [number for number in self.losses if number >= self.least]

    @property
    def _best(self) -> int:
        return min(self._eligible, key=lambda number: (float(self.losses[number].mean()), number))

    def _is_as_good(self, number: int) -> bool:
        value, radius = self.worse(number)
        return value <= radius


def refuse_unselectable(rows: int, derived: Sequence[str]) -> None:
    """Look at what a selection would rest on.

    Args:
        rows: for validation.
        derived: names of derived columns.

    Raises:
        ConfigError: if there are too few rows, or any derived columns.
    """
    if rows < LEAST_ROWS:
        raise ConfigError(
            f"train.selection: {rows} validation rows cannot tell a column from noise; {LEAST_ROWS}"
            " might. Ask for more in prepare.split, or remove `selection`"
        )
    if derived:
        raise ConfigError(
            f"train.selection: {derived[0]!r} is a derived column, one of {len(derived)}, and"
            " selection knows only columns of the table. Remove prepare.derive, or remove"
            " `selection`"
        )


def select(fit: Fit, columns: Sequence[str], settings: Selection, seed: int) -> Selected:
    """Train with all columns, then without those that are not above noise, and choose.

    A column that is above noise stays. Of the others as many go as the validation loss allows:
    where two say the same, each of them seems to be needless. Test rows are not looked at.

    Source: Breiman et al. 1984, "Classification and Regression Trees", section 3.4.3: the smallest
    whose error is that of the best within its noise. Differs: an interval of 95 % of the paired
    differences, in place of one standard error.

    Args:
        fit: trains with some columns.
        columns: all there are.
        settings: how many trainings there may be.
        seed: of the shuffled values.
    """
    whole = fit(columns)
    found = of_first(relevance(whole.network, whole.data.validation, seed))
    ranked = sorted(found, key=lambda each: (each.is_above_noise, each.value), reverse=True)
    least = max(1, sum(each.is_above_noise for each in ranked))
    trained, runs = {len(columns): whole}, Runs({len(columns): _losses(whole)}, least)
    while len(trained) < settings.trainings and (number := runs.following()) is not None:
        logger.info(
            "train: selection: training %d of at most %d, with %d of %d columns",
            len(trained) + 1,
            settings.trainings,
            number,
            len(columns),
        )
        some = {each.column for each in ranked[:number]}
        trained[number] = fit([column for column in columns if column in some])
        runs = Runs({**runs.losses, number: _losses(trained[number])}, least)
    kept = trained[runs.fewest]
    names = kept.data.blocks.columns
    about = _about([column for column in columns if column in names], ranked, runs)
    for line in _told(about):
        logger.info(line)
    return Selected(kept, about)


def _losses(trained: Trained) -> Tensor:
    return of_first(block_losses(trained.network, trained.data.validation))


def _about(kept: Sequence[str], ranked: Sequence[Relevance], runs: Runs) -> dict[str, Any]:
    curve = []
    for number in sorted(runs.losses):
        value, radius = runs.worse(number)
        curve.append(
            {
                "columns": number,
                "loss": float(runs.losses[number].mean()),
                "worse": value,
                "lower": value - radius,
                "upper": value + radius,
            }
        )
    return {
        "kept": list(kept),
        "dropped": [each.column for each in ranked if each.column not in kept],
        "above_noise": sum(each.is_above_noise for each in ranked),
        "relevance": [asdict(each) for each in ranked],
        "curve": curve,
    }


def _told(about: Mapping[str, Any]) -> Iterator[str]:
    """What was found, for people."""
    kept, dropped, total = about["kept"], about["dropped"], len(about["relevance"])
    yield (
        f"train: selection: {about['above_noise']} of {total} columns are above noise;"
        f" {len(kept)} are kept, {len(dropped)} dropped"
    )
    points = [
        [
            f"{point['columns']}",
            f"{point['loss']:.5g}",
            f"{point['worse']:.2g}",
            _interval(point),
            "kept" if point["columns"] == len(kept) else "",
        ]
        for point in reversed(about["curve"])
    ]
    head = ["columns", "validation loss", "above the best", "95 % interval", ""]
    yield from text_table(head, points)
    losses = [
        [column["column"], f"{column['value']:.2g}", _interval(column)]
        for column in about["relevance"]
        if column["column"] in dropped
    ]
    if losses:
        head = ["dropped", "more loss, if shuffled", "95 % interval"]
        yield from text_table(head, losses[:SHOWN])
    if len(dropped) > SHOWN:
        yield f"  ... and {len(dropped) - SHOWN:,} more, see selection.json"


def _interval(found: Mapping[str, Any]) -> str:
    return f"{found['lower']:.2g} to {found['upper']:.2g}"
