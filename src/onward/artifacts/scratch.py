"""Scratch runs: stages that run a second time, in a temporary folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

CHECKPOINTS_VARIABLE = "ONWARD_CHECKPOINTS"  # a folder with a subfolder for each config


def scratch_environment() -> dict[str, str]:
    """The environment for processes of a scratch run: their checkpoints are in their own folder.

    In the shared folder, a scratch run would resume from the checkpoints of the real run, which has
    the same config, and remove them at its end.
    """
    return {name: value for name, value in os.environ.items() if name != CHECKPOINTS_VARIABLE}


@contextmanager
def own_checkpoints() -> Iterator[None]:
    """The same for stages that run in this process."""
    shared = os.environ.pop(CHECKPOINTS_VARIABLE, None)
    try:
        yield
    finally:
        if shared is not None:
            os.environ[CHECKPOINTS_VARIABLE] = shared
