"""Column selection: a few trainings with fewer and fewer columns."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import Field
from torch import Tensor

from onward.errors import ConfigError
from onward.settings.family import Settings
from onward.training.block_losses import block_losses, mean_and_radius
from onward.training.distributed import of_first
from onward.training.permutation_loss import Relevance, relevance
from onward.training.run import Trained
from onward.wording import format_number, text_table

logger = logging.getLogger(__name__)

SHOWN = 20  # dropped columns that are printed
LEAST_ROWS = 20  # validation rows; of fewer, the spread of differences is a guess


class Selection(Settings):
    """Drop columns without significant permutation importance on the validation set.

    ``trainings``: the maximum number of trainings, including the one with all columns.
    """

    trainings: int = Field(5, ge=2, le=20)


@dataclass(frozen=True)
class Selected:
    """The network with the selected columns, and the reasons."""

    trained: Trained
    about: Mapping[str, Any]
    """For people and for later stages, as JSON has it; empty where nothing was asked for."""


Fit = Callable[[Sequence[str]], Trained]
"""Trains with some columns."""


@dataclass(frozen=True)
class Runs:
    """The finished trainings by number of columns, and the minimum number of columns."""

    losses: Mapping[int, Tensor]
    """Of blocks of validation rows."""
    least: int

    def worse(self, number: int) -> tuple[float, float]:
        """The excess of the loss over the best, and the half-width of its interval."""
        return mean_and_radius(self.losses[number] - self.losses[self._best])

    @property
    def fewest(self) -> int:
        """The fewest columns whose loss is not significantly worse than the best."""
        return min(n for n in self._eligible if n == self._best or self._is_as_good(n))

    def next_number(self) -> int | None:
        """The number of columns to train with next; None if the search is finished.

        If the significant columns alone are too few, bisects between too few and enough. Otherwise
        tries half of them, and half-way to all, to show the cost.
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
    """Check the preconditions of a selection.

    Args:
        rows: the number of validation rows.
        derived: names of derived columns.

    Raises:
        ConfigError: if there are too few rows, or derived columns.
    """
    if rows < LEAST_ROWS:
        raise ConfigError(
            f"train.selection: {rows} validation rows are too few to select columns;"
            f" {LEAST_ROWS} are needed. Increase `validation` in prepare.split, or remove"
            " `selection`"
        )
    if derived:
        raise ConfigError(
            "train.selection: column selection does not support derived columns;"
            f" {derived[0]!r} is one of {len(derived)}. Remove prepare.derive or `selection`"
        )


def select(fit: Fit, columns: Sequence[str], settings: Selection, seed: int) -> Selected:
    """Train with all columns, then without those that are not significant, and choose.

    Significant columns stay. Of the others, as many are dropped as the validation loss allows:
    of two redundant columns, each seems unnecessary. Test rows are not used.

    Source: Breiman et al. 1984, "Classification and Regression Trees", section 3.4.3: the
    one-standard-error rule. Differs: a 95 % interval of the paired differences instead of one
    standard error.

    Args:
        fit: trains with some columns.
        columns: all columns.
        settings: of the selection.
        seed: of the shuffling.
    """
    whole = fit(columns)
    relevances = of_first(relevance(whole.network, whole.data.validation, seed))
    ranked = sorted(
        relevances, key=lambda result: (result.is_above_noise, result.value), reverse=True
    )
    least = max(1, sum(result.is_above_noise for result in ranked))
    trained, runs = {len(columns): whole}, Runs({len(columns): _losses(whole)}, least)
    while len(trained) < settings.trainings and (number := runs.next_number()) is not None:
        logger.info(
            "train: selection: training %d of at most %d, with %d of %d columns",
            len(trained) + 1,
            settings.trainings,
            number,
            len(columns),
        )
        some = {result.column for result in ranked[:number]}
        trained[number] = fit([column for column in columns if column in some])
        runs = Runs({**runs.losses, number: _losses(trained[number])}, least)
    kept = trained[runs.fewest]
    names = kept.data.blocks.columns
    about = _about([column for column in columns if column in names], ranked, runs)
    for line in _lines(about):
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
        "dropped": [column.column for column in ranked if column.column not in kept],
        "above_noise": sum(column.is_above_noise for column in ranked),
        "relevance": [asdict(column) for column in ranked],
        "curve": curve,
    }


def _lines(about: Mapping[str, Any]) -> Iterator[str]:
    """The result, as lines for the log."""
    kept, dropped, total = about["kept"], about["dropped"], len(about["relevance"])
    yield (
        f"train: selection: {about['above_noise']} of {total} columns are significant;"
        f" {len(kept)} are kept, {len(dropped)} dropped"
    )
    points = [
        [
            f"{point['columns']}",
            format_number(point["loss"], 5),
            format_number(point["worse"], 2),
            _interval(point),
            "kept" if point["columns"] == len(kept) else "",
        ]
        for point in reversed(about["curve"])
    ]
    head = ["columns", "validation loss", "above the best", "95 % interval", ""]
    yield from text_table(head, points)
    losses = [
        [column["column"], format_number(column["value"], 2), _interval(column)]
        for column in about["relevance"]
        if column["column"] in dropped
    ]
    if losses:
        head = ["dropped", "loss if shuffled", "95 % interval"]
        yield from text_table(head, losses[:SHOWN])
    if len(dropped) > SHOWN:
        yield f"  ... and {len(dropped) - SHOWN:,} more, see selection.json"


def _interval(estimate: Mapping[str, Any]) -> str:
    return f"{format_number(estimate['lower'], 2)} to {format_number(estimate['upper'], 2)}"
