"""Ends a training in the middle of a step, in this process."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from onward.network.models import Model


class KilledError(Exception):
    """Ends a run in the middle of a step, as SIGKILL does, but leaves the tests alive."""


def kill() -> None:
    raise KilledError


@contextmanager
def in_pass(number: int, act: Callable[[], None], *, training: bool) -> Iterator[None]:
    """Act in so many passes of training, which are the steps, or of validation."""
    seen = 0

    def count(module: torch.nn.Module, _: Any) -> None:
        nonlocal seen
        if isinstance(module, Model) and module.training == training:
            seen += 1
            if seen == number:
                act()

    handle = register_module_forward_pre_hook(count)
    try:
        yield
    finally:
        handle.remove()


def in_step(number: int, act: Callable[[], None]) -> AbstractContextManager[None]:
    return in_pass(number, act, training=True)
