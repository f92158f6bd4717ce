"""Training a network from start to end: validation, early stopping, best weights, calibration."""

import copy
import logging
import warnings
from datetime import timedelta

import torch
from lightning import Callback, LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, Timer
from torch import Tensor

from onward.embedders import Embedder
from onward.errors import NotFiniteError
from onward.family import Seed
from onward.family import Settings as Base
from onward.learner import Learner, Rows
from onward.network import Network, Shape
from onward.progress import Watch

LOSS = "validation/loss"


class Settings(Base):
    """What to train, and how: the section ``train`` of a config."""

    seed: Seed
    network: Network.Config
    learner: Learner.Config = Learner.Config()


class History(Callback):
    """Losses of each epoch, and the weights of the best one."""

    def __init__(self) -> None:
        self.epochs: list[dict[str, float]] = []
        self.best = float("inf")
        self.weights: dict[str, Tensor] = {}

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Keep what the epoch has brought; validation comes before this."""
        losses = {name: trainer.callback_metrics[name].item() for name in ("train/loss", LOSS)}
        self.epochs.append({"epoch": trainer.current_epoch + 1, **losses})
        if losses[LOSS] < self.best:
            self.best = losses[LOSS]
            self.weights = copy.deepcopy(module.state_dict())


def train(
    settings: Settings, shape: Shape, rows: Rows, validation: Rows
) -> tuple[Network, list[dict[str, float]]]:
    """A trained and calibrated network, and the losses of each epoch.

    Args:
        settings: what to train, and how.
        shape: what the network reads and predicts.
        rows: for training, on the CPU.
        validation: rows that stop the training early, and calibrate.

    Raises:
        NotFiniteError: if the loss is no number.
    """
    seed_everything(settings.seed, verbose=False)
    built = _untrained(settings.network, rows, shape)
    history = History()
    module = Learner(settings.learner, built, rows, validation, settings.seed)
    watch = Watch(len(rows), LOSS)
    with warnings.catch_warnings():
        # Lightning 2.6 calls what torch 2.13 deprecates
        warnings.filterwarnings("ignore", "`isinstance.treespec, LeafSpec.` is deprecated")
        _trainer(settings.learner, history, watch).fit(module)
    if not history.weights:
        raise NotFiniteError(
            "train: the validation loss is not finite after any epoch. Lower train.learner."
            f"learning_rate, now {settings.learner.learning_rate:g}"
        )
    module.load_state_dict(history.weights)
    built.cpu().eval()
    with torch.no_grad():
        scores = built.scores(validation.numerical, validation.categorical)
        built.head.calibrate(scores, validation.targets)
    return built, history.epochs


def _untrained(config: Network.Config, rows: Rows, shape: Shape) -> Network:
    embedder = Embedder.member(config.embedder).fit(config.embedder, rows.numerical)
    built = Network(config, shape, embedder)
    built.head.fit(rows.targets)
    return built


def _trainer(config: Learner.Config, *watching: Callback) -> Trainer:
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
    callbacks: list[Callback] = [*watching, EarlyStopping(LOSS, patience=config.patience)]
    if config.max_time is not None:
        callbacks.append(Timer(timedelta(seconds=config.max_time)))
    return Trainer(
        max_epochs=config.max_epochs,
        callbacks=callbacks,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
    )
