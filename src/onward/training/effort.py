"""How much a training may cost."""

from dataclasses import dataclass

ENOUGH_ROWS = 500  # of training; with fewer, networks of folds are better with all members


@dataclass(frozen=True)
class Effort:
    """How much a training may cost, beside the default."""

    epochs: float
    """Share of the default number."""
    members: int
    """Of TabM, in one network."""
    fold_members: int
    """Of TabM, in each network of folds with enough rows: they are an ensemble already."""
    folds: int

    def members_of(self, folds: int, rows: int) -> int:
        """The members of each network, by the numbers of networks and of training rows."""
        return self.fold_members if folds > 1 and rows >= ENOUGH_ROWS else self.members


EFFORTS = {
    "fast": Effort(epochs=2 / 3, members=4, fold_members=2, folds=1),
    "default": Effort(epochs=1.0, members=8, fold_members=4, folds=1),
    "best": Effort(epochs=1.0, members=8, fold_members=8, folds=5),
}
