"""Several trainings of networks of one shape as a batch, for less than the sum of their costs.

A small step has more overhead than arithmetic. Learning rate, weight decay, clipping and dropout
are a number for each network; all else is common, also the order of rows, the initial weights and
the random bits of dropout. The results are those of `fit` but for rounding, and for most
perceptrons on a CPU to the bit.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from lightning import seed_everything
from torch import Tensor, nn
from torch.func import functional_call, vmap

from onward.network.models._dropout import Dropout
from onward.network.network import Network, Shape
from onward.training.batches import Rows, fits
from onward.training.history import LOSS, is_impatient
from onward.training.learner import multiplications
from onward.training.loading import Chunk
from onward.training.loop import add_emphasis, new_network, schedule_of
from onward.training.observer import Observer
from onward.training.optimizer_steps import Steps
from onward.training.parameter_stack import ParameterStack
from onward.training.precision import choose, fastest_float32
from onward.training.run import TrainingData
from onward.training.settings import Settings
from onward.training.vectorized import ExactFunctions, TrialDropout

FREE = ("learning_rate", "weight_decay", "clip")
"""Settings of the optimizer that may differ within a batch; dropout may, too."""
WORTHWHILE = 2**22
"""Multiplications of a forward pass of one network up to which a batch is faster on a CPU.
Measured on two cores of a Xeon with AVX-512: 16 networks take 0.26 of the time of 16 trainings at
0.3 million, 0.40 at 2.6 million, 0.73 at 5.5 million, 1.08 at 21 million."""
CHUNK = 64  # steps between two looks at the losses
VALIDATION_ROWS = 8192  # in one pass, of all networks and members together
BETAS, EPSILON = (0.9, 0.999), 1e-8  # of AdamW, as in PyTorch


@dataclass
class Trial:
    """One of the trainings, and what came of it."""

    settings: Settings
    history: list[dict[str, float]] = field(default_factory=list)
    """The losses of each epoch."""
    scores: Tensor | None = None
    """Of the validation rows, with the best weights; None if no loss was finite."""
    is_over: bool = False

    def add(self, losses: Mapping[str, float], scores: Tensor) -> None:
        """Add an epoch, and decide whether it was the last."""
        if not math.isfinite(losses[LOSS]):
            self.is_over = True
            return
        self.history.append({"epoch": len(self.history) + 1, **losses})
        known = [epoch[LOSS] for epoch in self.history]
        if known.index(min(known)) == len(known) - 1:
            self.scores = scores.clone()
        learner = self.settings.learner
        self.is_over = is_impatient(known, learner.patience) or len(known) == learner.max_epochs

    def fail(self) -> None:
        """Note a loss that is not finite, as `fit` raises an error for it."""
        self.history.clear()
        self.scores, self.is_over = None, True


def batch_key(settings: Settings) -> str:
    """A text that is the same for settings which `fit_together` takes together.

    Dropouts that are zero draw no bits. Where only some are, others draw what they would draw alone
    if the same ones are zero in all networks.
    """
    network = settings.network.model_dump()
    rates = {name: network["model"].pop(name) for name in dropouts(network["model"])}
    is_mixed = any(rates.values()) and not all(rates.values())
    idle = [name for name, rate in rates.items() if is_mixed and not rate]
    learner = settings.learner.model_dump(exclude=set(FREE))
    rest = settings.model_dump(exclude={"network", "learner"})
    return json.dumps([network, learner, rest, idle])


def dropouts(model: Mapping[str, Any]) -> list[str]:
    """The settings of a model that may differ within a batch."""
    return [name for name in model if name.endswith("dropout")]


def is_worthwhile(settings: Settings, data: TrainingData) -> bool:
    """Whether several trainings of this shape take less time as a batch than one by one.

    Settings that need what `fit` alone does are none: callbacks of plug-ins, bfloat16, a time
    limit, rows that do not fit on the device.
    """
    learner, device = settings.learner, default_device()
    if Observer.members or learner.max_time is not None or not fits(data.train, device):
        return False
    shape = Shape(data.blocks, len(data.target.classes))
    network = new_network(settings.network, data.train, shape)
    work = multiplications(network, min(learner.batch_size, len(data.train)))
    if choose(learner.precision, device, work).name != "fp32":
        return False
    return device.type == "cuda" or work <= WORTHWHILE


def default_device() -> torch.device:
    """The device of a training."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def fit_together(settings: Sequence[Settings], data: TrainingData) -> list[Trial]:
    """Train networks that differ in rates, decay, clipping and dropout only.

    Args:
        settings: of each; all with the same `batch_key`.
        data: the rows, on the CPU.
    """
    trials = [Trial(one) for one in settings]
    device = default_device()
    with fastest_float32(device):
        batch = _Batch(trials, data, device)
        for epoch in range(settings[0].learner.max_epochs):
            batch.train(epoch)
            batch.validate()
            if all(trial.is_over for trial in trials):
                break
    return trials


class _Batch:
    """The networks of trials that are not over."""

    def __init__(self, trials: Sequence[Trial], data: TrainingData, device: torch.device) -> None:
        first = trials[0].settings
        self._trials, self._device = list(trials), device
        shape = Shape(data.blocks, len(data.target.classes))
        seed_everything(first.seed, verbose=False)
        network = new_network(first.network, data.train, shape)
        rows = add_emphasis(first, data.train, network)
        self._dropouts = _replace_dropouts(network, [trial.settings for trial in trials])
        self._network = network.to(device)
        self._rows, self._validation = rows.to(device), data.validation.to(device)
        self._schedule = schedule_of(first, rows)
        self._stack = ParameterStack(self._network, len(trials))
        self._descend = _Descent(self._stack, [trial.settings for trial in trials])
        self._total = torch.zeros(len(trials), device=device)
        self._steps = Steps(
            self._losses,
            self._descend,
            self._rows,
            batch_size=self._schedule.batch_size,
            longest=min(CHUNK, self._schedule.steps_in_epoch),
            total=self._total,
        )

    def train(self, epoch: int) -> None:
        """An epoch of steps."""
        self._network.train()
        self._total.zero_()
        schedule = self._schedule
        step = epoch * schedule.steps_in_epoch
        rates = torch.tensor(
            [trial.settings.learner.learning_rate for trial in self._trials], dtype=torch.float64
        )
        for numbers in torch.split(schedule.orders(epoch), CHUNK * schedule.batch_size):
            count = len(numbers) // schedule.batch_size
            paces = [schedule.pace(number) for number in range(step, step + count)]
            draws = [schedule.draw(number) for number in range(step, step + count)]
            paced = torch.tensor(paces, dtype=torch.float64)[:, None] * rates
            losses = self._steps(Chunk(numbers, None), paced.float(), draws).cpu()
            step += count
            for trial, is_finite in zip(self._trials, losses.isfinite().all(0), strict=True):
                if not (is_finite or trial.is_over):
                    trial.fail()

    def validate(self) -> None:
        """Add the losses of the epoch to each trial that is not over."""
        self._network.eval()
        train_losses = (self._total / self._schedule.steps_in_epoch).tolist()
        rows, head = self._validation, self._network.head
        for index, (trial, scores) in enumerate(zip(self._trials, self._scores(), strict=True)):
            if trial.is_over:
                continue
            loss = head.loss(scores, rows.targets, rows.weights).item()
            trial.add({"train/loss": train_losses[index], LOSS: loss}, scores.cpu())

    @torch.no_grad()
    def _scores(self) -> Tensor:
        """``(trials, rows, width)`` of the validation rows."""
        members = self._network.model.ensemble_size * len(self._trials)
        size = max(1, VALIDATION_ROWS // members)
        rows = self._validation
        pieces = [rows.between(start, start + size) for start in range(0, len(rows), size)]
        return torch.cat([self._mapped("scores", piece.features) for piece in pieces], 1)

    def _losses(self, rows: Rows) -> Tensor:
        return self._mapped("loss", rows.features, rows.targets, rows.weights)

    def _mapped(self, method: str, *arguments: Any) -> Tensor:
        """A method of each of the networks."""
        caller = _Caller(self._network, method)
        states: dict[str, Tensor] = {
            f"network.{name}": part for name, part in self._stack.parts.items()
        }
        for name, dropout in self._dropouts.items():
            states |= {f"network.{name}.{key}": value for key, value in dropout.named_buffers()}

        def call(state: dict[str, Tensor]) -> Tensor:
            result: Tensor = functional_call(caller, state, arguments)
            return result

        with ExactFunctions():
            result: Tensor = vmap(call, randomness="same")(states)
        return result


class _Caller(nn.Module):
    """Calls a method of a network, for `functional_call`."""

    def __init__(self, network: Network, method: str) -> None:
        super().__init__()
        self.network, self._method = network, method

    def forward(self, *arguments: Any) -> Tensor:
        result: Tensor = getattr(self.network, self._method)(*arguments)
        return result


class _Descent:
    """One optimizer step of each network, with its own rate, decay and clipping.

    Args:
        stack: the parameters.
        settings: of each network.
    """

    def __init__(self, stack: ParameterStack, settings: Sequence[Settings]) -> None:
        self._stack, device = stack, stack.whole.device
        learners = [one.learner for one in settings]
        self.rate = torch.zeros(len(learners), device=device)
        self._clips = torch.tensor([learner.clip for learner in learners], device=device)
        self._decays = [learner.weight_decay for learner in learners]
        self._means, self._squares = (torch.zeros_like(stack.whole) for _ in range(2))
        self._step = torch.zeros((), device=device)

    def __call__(self, loss: Tensor) -> None:
        """Collect the gradients, shorten them and step."""
        self._stack.collect()
        gradient = self._stack.gradient
        norms = torch.stack([part.norm(dim=1) for part in self._stack.split(gradient)], 1)
        factors = (self._clips / (torch.linalg.vector_norm(norms, dim=1) + 1e-6)).clamp(max=1.0)
        gradient *= factors[:, None]
        self._step += 1
        states = (self._stack.whole, gradient, self._means, self._squares)
        decaying, lasting = zip(*map(self._stack.split, states), strict=True)
        for network, decay in enumerate(self._decays):
            self._follow(network, decaying, decay)
            self._follow(network, lasting, 0.0)

    def _follow(self, network: int, states: Sequence[Tensor], decay: float) -> None:
        weights, gradient, means, squares = (state[network] for state in states)
        torch._fused_adamw_(
            [weights],
            [gradient],
            [means],
            [squares],
            [],
            [self._step],
            lr=self.rate[network],
            beta1=BETAS[0],
            beta2=BETAS[1],
            weight_decay=decay,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def forget(self) -> None:
        """Drop gradients of a step that was left half-way."""
        self._stack.forget()


def _replace_dropouts(network: Network, settings: Sequence[Settings]) -> dict[str, TrialDropout]:
    """Put a dropout for all trials in the place of each of the network's."""
    rates = [dropout_rates(one, network) for one in settings]
    replaced: dict[str, TrialDropout] = {}
    for name in rates[0]:
        replaced[name] = TrialDropout([of_trial[name] for of_trial in rates])
        network.set_submodule(name, replaced[name])
    return replaced


def dropout_rates(settings: Settings, like: Network) -> dict[str, float]:
    """The share that each dropout drops, by its name.

    Args:
        settings: of a training.
        like: a network of the same shape.
    """
    embedders = {block: like.embedder_of(block) for block in like.shape.blocks}
    modules = Network(settings.network, like.shape, embedders).named_modules()
    return {name: module.p for name, module in modules if isinstance(module, Dropout)}
