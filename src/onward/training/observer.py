"""What users let take part in a training."""

from typing import Any, ClassVar

from lightning import Callback


class Observer(Callback):
    """A callback of Lightning that takes part in every training: base class of one's own.

    Defining a subclass is what adds it, in a module that ``plugins`` of a config names. It is made
    without arguments. A batch is a chunk of many optimizer steps, which `Learner.steps_taken`
    counts.

    A run that resumes has the weights as a callback left them, but not what it kept for itself.

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
