"""Train a network: validation, early stopping, best weights, calibration."""

import gc
import logging
import os
import signal
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import Timer
from torch import Tensor

from onward.artifacts.process import (
    end_if_asked,
    is_first,
    note_signals,
    signals_received,
    signals_wait,
)
from onward.errors import NotFiniteError
from onward.network.network import Network
from onward.network.scoring import Shape
from onward.network.start import Start
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints, State
from onward.training.class_balance import factors, oversampling_factors, weigh
from onward.training.distributed import Layout, Together, layout
from onward.training.history import LOSS, FixedLength, History, Record, is_impatient
from onward.training.learner import Learner, multiplications
from onward.training.observer import Observer
from onward.training.progress import Watch
from onward.training.schedule import Schedule
from onward.training.scores import compute_scores
from onward.training.settings import Settings

logger = logging.getLogger(__name__)

INTERVAL = 30.0  # seconds of training that a kill may cost, if saving takes little
SHARE = 0.01  # of the time, at most, goes into saving

Build = Callable[[Network.Config, Rows, Shape], Network]
"""Makes a network from its settings, the training rows and its shape."""


@dataclass(frozen=True)
class Length:
    """Of a training that does not stop early."""

    epochs: int
    steps_in_epoch: int
    """Not necessarily a pass over all rows."""

    @property
    def steps(self) -> int:
        """Of all epochs."""
        return self.epochs * self.steps_in_epoch


class Resumption(Callback):
    """Callback: saves the state of a run, and resumes from the last one.

    The state is what steps and validation change. Random draws depend on seed and step only, so
    they need no state. A signal waits for the end of a chunk of steps, or of a validation. If the
    state cannot be written, the run ends: no result could be written either.

    The first rank reads and writes for all, and a signal to one ends all of them at the same place.
    """

    def __init__(
        self, checkpoints: Checkpoints, module: Learner, history: Record, timer: Timer
    ) -> None:
        self._checkpoints, self._module = checkpoints, module
        self._history, self._timer = history, timer
        self._state: State | None = None
        self._saved, self._cost = time.monotonic(), 0.0

    def setup(self, trainer: Trainer, module: LightningModule, stage: str) -> None:
        """Load the last checkpoint of the same run, if there is one."""
        checkpoint = self._checkpoints.newest() if trainer.is_global_zero else None
        self._state = state = trainer.strategy.broadcast(checkpoint)
        if state is None:
            return
        self._module.load_state_dict(state["weights"])
        self._module.steps_taken = state["steps"]
        self._history.epochs, self._history.weights = state["epochs"], state["best"]
        progress: Any = trainer.fit_loop.epoch_progress.current
        progress.processed = progress.completed = len(state["epochs"])
        logger.info("train: resumed at %s", self._place())
        trainer.should_stop = state["is_over"]

    def on_train_start(self, trainer: Trainer, module: LightningModule) -> None:
        """The trainer has just made the optimizer, set the clock to zero, and handles SIGTERM.

        Its handler waits for the other ranks in the middle of whatever they are doing.
        """
        note_signals()
        if self._state is not None:
            trainer.optimizers[0].load_state_dict(dict(self._state["optimizer"]))
            self._timer.load_state_dict(self._state["timer"])
            self._state = None  # frees its memory
        self._saved = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """After each chunk of steps."""
        self._save_if_due(trainer, INTERVAL)

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Runs after the history callback."""
        self._save_if_due(trainer, 0.0, is_over=trainer.should_stop)

    def _save_if_due(self, trainer: Trainer, interval: float, is_over: bool = False) -> None:
        is_asked = trainer.strategy.reduce_boolean_decision(bool(signals_received()), all=False)
        since = time.monotonic() - self._saved
        if trainer.is_global_zero and (is_asked or since >= max(interval, self._cost / SHARE)):
            self._save(trainer, is_over)
        if is_asked:
            logger.info("train: interrupted at %s; start it again to resume there", self._place())
            if not signals_received():  # another rank has one
                signal.raise_signal(signal.SIGTERM)
            end_if_asked()

    def _save(self, trainer: Trainer, is_over: bool) -> None:
        started = time.monotonic()
        state = {
            "weights": self._module.state_dict(),
            "optimizer": trainer.optimizers[0].state_dict(),
            "steps": self._module.steps_taken,
            "epochs": self._history.epochs,
            "best": self._history.weights,
            "timer": self._timer.state_dict(),
            "is_over": is_over,
        }
        self._checkpoints.save(self._module.steps_taken, state)
        self._saved = time.monotonic()
        self._cost = self._saved - started

    def _place(self) -> str:
        epoch = min(len(self._history.epochs) + 1, self._module.config.max_epochs)
        return f"step {self._module.steps_taken} of {self._module.steps} (epoch {epoch})"


def train(
    settings: Settings,
    shape: Shape,
    rows: Rows,
    validation: Rows,
    checkpoints: Checkpoints,
    *watching: Callback,
    build: Build | None = None,
) -> tuple[Network, list[dict[str, float]]]:
    """Train and calibrate a network; return it with the losses of each epoch.

    Args:
        settings: what to train, and how.
        shape: blocks and outputs of the network.
        rows: for training, on the CPU.
        validation: rows for early stopping and calibration.
        checkpoints: where an interrupted run resumes from.
        watching: further callbacks.
        build: makes the network; by default with new weights.

    Raises:
        NotFiniteError: if the loss is not finite.
        OSError: if a checkpoint cannot be written.
    """
    seed_everything(settings.seed, verbose=False)
    built = (build or new_network)(settings.network, rows, shape)
    rows = add_emphasis(settings, rows, built)
    module = Learner(settings.learner, built, rows, validation, schedule_of(settings, rows))
    history = History(settings.learner.patience)
    watch = [Watch(len(rows), LOSS)] if is_first() else []
    _fit(module, history, checkpoints, [*watch, *watching])
    _refuse_no_weights(history, settings.learner)
    module.load_state_dict(history.weights)
    _calibrate(built.cpu().eval(), validation)
    return built, history.epochs


def train_again(
    settings: Settings,
    shape: Shape,
    rows: Rows,
    length: Length,
    checkpoints: Checkpoints,
    build: Build,
) -> Network:
    """Train a network for a number of steps, without validation; it is not calibrated.

    Learning rates are those of the training that found the length.

    Args:
        settings: as of that training.
        shape: blocks and outputs of the network.
        rows: for training, on the CPU.
        length: of the training.
        checkpoints: where an interrupted run resumes from.
        build: makes the network.

    Raises:
        NotFiniteError: if the loss is not finite.
        OSError: if a checkpoint cannot be written.
    """
    seed_everything(settings.seed, verbose=False)
    built = build(settings.network, rows, shape)
    rows = add_emphasis(settings, rows, built)
    schedule = schedule_of(settings, rows).with_epochs_of(length.steps_in_epoch)
    learner = settings.learner.model_copy(update={"max_time": None})
    module = Learner(learner, built, rows, None, schedule)
    record = FixedLength(length.epochs)
    _fit(module, record, checkpoints, [])
    module.load_state_dict(record.weights)
    return built.cpu().eval()


def schedule_of(settings: Settings, rows: Rows) -> Schedule:
    """Batches, learning rates and draws of a training on these rows."""
    learner = settings.learner
    return Schedule(
        rows,
        batch_size=learner.batch_size,
        max_epochs=learner.max_epochs,
        warmup=learner.warmup,
        seed=settings.seed,
        sampler=settings.sampler,
    )


def _refuse_no_weights(history: History, config: Learner.Config) -> None:
    if not history.weights:
        raise NotFiniteError(
            "train: the validation loss is not finite after any epoch. Lower train.learner."
            f"learning_rate, now {config.learning_rate:g}"
        )


def _calibrate(network: Network, validation: Rows) -> None:
    with torch.no_grad():
        scores = compute_scores(network, validation, torch.device("cpu"))
        network.head.calibrate(scores, validation.targets, validation.weights)


def stop_reason(epochs: Sequence[Mapping[str, float]], config: Learner.Config) -> str:
    """What ended a training: ``max_epochs``, ``patience``, ``max_time`` or its loss.

    With a limit of time, a loss that is not finite counts as that limit.

    Args:
        epochs: losses of each epoch that had finite ones.
        config: the limits.
    """
    losses = [epoch[LOSS] for epoch in epochs]
    if len(losses) >= config.max_epochs:
        return "max_epochs"
    if is_impatient(losses, config.patience):
        return "patience"
    return "a loss that is not finite" if config.max_time is None else "max_time"


def new_network(
    config: Network.Config,
    rows: Rows,
    shape: Shape,
    start: Start | None = None,
    targets: Tensor | None = None,
) -> Network:
    """A network before training.

    Args:
        config: embedders, model and head.
        rows: for training.
        shape: blocks and outputs of the network.
        start: the network to start from; by default new weights.
        targets: whose mean and spread the head learns; by default those of the training rows.
    """
    built = (Network.fit if start is None else start.fit)(config, shape, rows.features)
    built.head.fit(rows.targets if targets is None else targets)
    if start is not None:
        built.head.start_from(start.network.head)
    return built


def add_emphasis(settings: Settings, rows: Rows, built: Network) -> Rows:
    """The rows as they count in training, of which the head is told."""
    classes = built.shape.classes
    emphasis = torch.ones(classes, dtype=torch.float64)
    if settings.sampler is not None:
        emphasis *= oversampling_factors(rows, classes)
    if settings.class_weights is not None:
        of_classes = factors(settings.class_weights, rows, classes)
        emphasis *= of_classes
        rows = weigh(rows, of_classes)
    if settings.sampler is not None or settings.class_weights is not None:
        built.head.emphasize(emphasis.float())
    return rows


def _fit(
    module: Learner, record: Record, checkpoints: Checkpoints, watching: list[Callback]
) -> None:
    """Train, and keep weights in the record."""
    limit = module.config.max_time
    timer = Timer(None if limit is None else timedelta(seconds=limit))
    resumption = Resumption(checkpoints, module, record, timer)
    observers = [member() for member in Observer.members]
    device_layout = layout(multiplications(module.network, module.batch_size))
    callbacks = [record, *watching, timer, *observers, resumption]
    with warnings.catch_warnings(), signals_wait():
        # on machines with SLURM, outside of a job or in one that `launch` has written
        warnings.filterwarnings("ignore", "The `srun` command is available")
        trainer = _trainer(device_layout, module, callbacks)
        # Lightning 2.6 calls what torch 2.13 deprecates
        warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.` is deprecated")
        try:
            trainer.fit(module)
        finally:  # which Lightning tears down after success only
            module.teardown("fit")
            for callback in watching:
                callback.teardown(trainer, module, "fit")
            del trainer
            gc.collect()  # earlier trainers and networks, which refer to each other
            if torch.cuda.is_available():
                torch.cuda.empty_cache()


def _trainer(device_layout: Layout, module: Learner, callbacks: list[Callback]) -> Trainer:
    # read when cuBLAS starts; with several workspaces the same product may have other bits
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    for name in ("pytorch.utilities.rank_zero", "fabric.utilities.distributed"):
        logging.getLogger(f"lightning.{name}").setLevel(logging.WARNING)
    return Trainer(
        # of Apple's GPUs neither targets of numbers nor heads have float64
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        devices=device_layout.devices,
        num_nodes=device_layout.nodes,
        strategy=Together() if device_layout.ranks > 1 else "auto",
        max_epochs=module.config.max_epochs,
        limit_val_batches=0 if module.validation_rows is None else 1.0,
        callbacks=callbacks,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
    )
