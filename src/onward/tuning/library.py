"""The best trainings of a search with their validation scores, to choose from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from onward.network.heads import Head
from onward.training.batches import Rows
from onward.tuning.results import Result
from onward.tuning.score_files import ScoreFiles
from onward.tuning.search import rank
from onward.tuning.space import Values

CANDIDATES = 12  # trainings, the best ones


@dataclass(frozen=True)
class Library:
    """Trainings to choose from, the best first, with their scores of the same rows."""

    results: Sequence[Result]
    scores: Tensor
    """``(trainings, rows, width)``."""
    head: Head
    rows: Rows
    of_config: int | None = None
    """Which training has the settings of the config; None if it failed."""

    @classmethod
    def of(cls, results: Sequence[Result], files: ScoreFiles) -> "Library":
        """The best trainings with different settings, and that with the settings of the config.

        Raises:
            ArtifactError: if the scores of one of them are lost.
        """
        finished = sorted((one for one in results if math.isfinite(one.loss)), key=rank)
        usual = [settings_of(one) for one in finished if one.training.trial == 0]
        different = _different(finished)
        others = different[CANDIDATES:]
        best = [*different[:CANDIDATES], *(one for one in others if settings_of(one) in usual)]
        scores = (
            torch.stack([files.load(one.training.name) for one in best]) if best else torch.empty(0)
        )
        of_config = [index for index, one in enumerate(best) if settings_of(one) in usual]
        return cls(best, scores, files.head, files.rows, next(iter(of_config), None))

    def lowest(self) -> list[int]:
        """The training with the lowest loss on these rows."""
        losses = [self.loss([index]) for index in range(len(self.results))]
        return [losses.index(min(losses))]

    def between(self, indices: Tensor) -> "Library":
        """The same trainings on some of the rows."""
        rows = self.rows.take(indices)
        return replace(self, scores=self.scores[:, indices], rows=rows)

    def mean(self, chosen: Sequence[int]) -> Tensor:
        """The scores of the mean prediction of these trainings, ``(rows, width)``."""
        scores = self.scores[list(chosen)].transpose(0, 1)
        return self.head.together(scores) if len(chosen) > 1 else scores[:, 0]

    def loss(self, chosen: Sequence[int]) -> float:
        """The loss of the mean prediction of these trainings."""
        return self.head.loss(self.mean(chosen), self.rows.targets, self.rows.weights).item()


def settings_of(result: Result) -> tuple[int, Values]:
    """What makes two trainings the same, but for rounding."""
    return result.training.epochs, result.training.values


def _different(results: Sequence[Result]) -> list[Result]:
    """The first training of each settings; the others would be the same network again."""
    settings = [*map(settings_of, results)]
    return [one for index, one in enumerate(results) if settings.index(settings[index]) == index]
