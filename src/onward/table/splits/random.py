"""Rows in random order."""

from typing import Literal

from onward.table.splits._base import Split


class Random(Split):
    """Each row has the same chance to be held out."""

    class Config(Split.Config):
        """No settings of its own."""

        type: Literal["random"] = "random"
