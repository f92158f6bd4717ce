"""The validation scores of finished trainings, on disk: they are compared row by row."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from onward.artifacts.replacing import replacing
from onward.errors import ArtifactError
from onward.network.heads import Head
from onward.training.batches import Rows

MOST_ROWS = 20_000  # of the validation; more seldom change a choice
MOST_SCORES = 500_000  # of a training: with many classes fewer rows are kept


class ScoreFiles:
    """A file for each training, with its scores of the best epoch.

    Args:
        folder: for the files.
        head: that reads the scores.
        validation: the rows, of which every so many are kept.
    """

    def __init__(self, folder: Path, head: Head, validation: Rows) -> None:
        self._folder, self.head = folder, head
        most = max(1, min(MOST_ROWS, MOST_SCORES // head.width))
        self.indices = torch.arange(0, len(validation), -(-len(validation) // most))
        self.rows = validation.take(self.indices)

    def save(self, name: str, scores: Tensor) -> None:
        """Write the scores of the kept rows by a training, ``(rows, width)``."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._path(name)) as new, new.open("wb") as file:
            np.save(file, scores.numpy())

    def load(self, name: str) -> Tensor:
        """The scores of a training.

        Raises:
            ArtifactError: if the file is missing or damaged.
        """
        path = self._path(name)
        try:
            return torch.from_numpy(np.load(path)).view(len(self.rows), self.head.width)
        except (OSError, ValueError, EOFError, RuntimeError) as error:
            raise ArtifactError(
                f"{path}: missing or damaged ({type(error).__name__}), and trainings are compared"
                f" by it. Remove {self._folder.parent} to search again"
            ) from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.npy"
