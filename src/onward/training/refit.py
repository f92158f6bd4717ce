"""Training again on more rows, for as many steps as early stopping has found."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from onward.artifacts.prepared import Prepared
from onward.network.network import Network
from onward.network.scoring import Shape
from onward.network.start import Start
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.history import LOSS
from onward.training.joined_rows import LEARNED_SPLITS, joined_rows
from onward.training.loop import Length, new_network, train_again
from onward.training.run import Trained
from onward.training.settings import Settings
from onward.wording import format_count

logger = logging.getLogger(__name__)

Added = Literal["validation", "test"]
SPLITS: dict[Added, tuple[str, ...]] = {
    "validation": LEARNED_SPLITS,
    "test": (*LEARNED_SPLITS, "test"),
}


@dataclass(frozen=True)
class Refitted:
    """A network that has learned from held-out rows, too."""

    network: Network
    splits: tuple[str, ...]
    rows: int
    steps: int

    def document(self) -> dict[str, str | int]:
        """What it was trained on, as JSON."""
        return {"splits": " + ".join(self.splits), "rows": self.rows, "steps": self.steps}


def refit(
    settings: Settings,
    trained: Trained,
    added: Added,
    prepared: Prepared,
    checkpoints: Checkpoints,
    start: Start | None = None,
) -> Refitted:
    """Train again on training rows and held-out rows, and calibrate as before.

    The steps are as many as the best epoch of the first training was reached in, with the same
    learning rates. No row is left to judge the result, or to calibrate it: scale, temperature and
    interval are those of the first network.

    Source: Goodfellow et al. 2016, "Deep Learning", algorithm 7.2.

    Args:
        settings: of the first training.
        trained: the first network, which has not learned from held-out rows.
        added: ``validation``, or ``test`` for validation and test rows.
        prepared: the rows.
        checkpoints: of both trainings.
        start: the network that the first training has started from.

    Raises:
        NotFiniteError: if the loss is not finite.
        OSError: if a checkpoint cannot be written.
    """
    splits, first, length = SPLITS[added], trained.data, _length(settings, trained)
    rows = _joined(prepared, splits, length)
    network = train_again(
        settings,
        Shape(first.blocks, len(first.target.classes)),
        rows,
        length,
        checkpoints.of_refit(f"{added} {length}"),
        partial(new_network, start=start, targets=first.train.targets),
    )
    network.head.load_state_dict(trained.network.head.state_dict())
    return Refitted(network, splits, len(rows), length.steps)


def _joined(prepared: Prepared, splits: Sequence[str], length: Length) -> Rows:
    rows, shown = joined_rows(prepared, splits), " + ".join(splits)
    steps = format_count(length.steps, "step")
    logger.info("train: again on %s (%s): %s", format_count(len(rows), "row"), shown, steps)
    return rows


def _length(settings: Settings, trained: Trained) -> Length:
    best = min(trained.history, key=lambda epoch: epoch[LOSS])
    rows = len(trained.data.train)
    return Length(int(best["epoch"]), rows // min(settings.learner.batch_size, rows))
