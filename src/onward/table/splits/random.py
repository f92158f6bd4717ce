"""Random splits."""

from typing import Literal

from onward.table.splits._base import Split


class Random(Split):
    """Each row is held out with the same probability."""

    class Config(Split.Config):
        """Shares of the rows; the rest is the training set."""

        type: Literal["random"] = "random"
