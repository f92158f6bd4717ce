"""Callbacks of users."""

from typing import Any, ClassVar

from lightning import Callback


class Observer(Callback):
    """Base class of custom callbacks: a Lightning callback of every training.

    Defining a subclass in a module of ``plugins`` registers it. It is created without arguments. A
    batch is a chunk of many optimizer steps; `Learner.steps_taken` counts steps.

    A resumed run has the weights as the callback left them, but not the callback's own state.

    Example:
        >>> class Temperature(Observer):
        ...     def on_train_epoch_end(self, trainer, module):
        ...         measure()
        >>> Observer.members.pop().__name__
        'Temperature'
    """

    members: ClassVar[list[type["Observer"]]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Observer.members.append(cls)
