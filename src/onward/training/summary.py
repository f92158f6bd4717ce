"""The settings of a training as text."""

from typing import Any

from onward.settings.auto import without_auto
from onward.training.default_settings import Given
from onward.training.settings import Settings
from onward.wording import format_count


def description(settings: Settings, given: Given) -> str:
    """The settings as one line for the log, and which of them are defaults."""
    balance = {"class weights": settings.class_weights, "sampler": settings.sampler}
    balanced = [f"; {name} {value}" for name, value in balance.items() if value is not None]
    explicit = without_auto(given.model_dump(exclude_unset=True))
    network = settings.network.model_dump(exclude={"embedders"})
    parts = {"learner": explicit, **dict.fromkeys(network, explicit.get("network", {}))}
    by_rule = sorted(name for name, section in parts.items() if name not in section)
    count = len(settings.members)
    what = f"an ensemble of {format_count(count, 'network')}"
    return (
        (what if settings.members else summary(settings))
        + "".join(balanced)
        + (f"; by rule: {', '.join(by_rule)}" if by_rule else "")
    )


def summary(settings: Settings) -> str:
    """The settings of one network and its training, on one line."""
    network, learner = settings.network, settings.learner
    return (
        f"{_sizes(network.model)} on {_sizes(network.embedder)}; batches of {learner.batch_size},"
        f" learning rate {learner.learning_rate:g}, weight decay {learner.weight_decay:g}, up to"
        f" {format_count(learner.max_epochs, 'epoch')}"
    )


def _sizes(part: Any) -> str:
    """The settings of an embedder or a model."""
    values = part.model_dump().items()
    return ", ".join(f"{name} {_number(value)}" for name, value in values).removeprefix("type ")


def member_lines(settings: Settings) -> list[str]:
    """What each member of an ensemble is; empty for a single network."""
    if not settings.members:
        return []
    count, total = len(settings.members), sum(settings.counts)
    pairs = zip(settings.of_members, settings.counts, strict=True)
    return [
        f"member {number} of {count}, {100 * share / total:.0f} % of the mean: {summary(member)}"
        for number, (member, share) in enumerate(pairs, 1)
    ]


def _number(value: Any) -> Any:
    return f"{value:g}" if isinstance(value, float) else value
