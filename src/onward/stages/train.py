"""Train a network on the prepared rows, and keep the best weights."""

import inspect
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256 as hashed
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from onward.artifacts.prepared import FeatureNames, Prepared
from onward.artifacts.process import is_first
from onward.artifacts.publishing import inputs_of, publishing, replacing, sha256, sha256_of_code
from onward.errors import ConfigError
from onward.network.heads import Head
from onward.network.network import Shape
from onward.schema import Target
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.column_selection import Selected, Trained, select
from onward.training.default_settings import Given as Settings
from onward.training.default_settings import Table, completed
from onward.training.distributed import layout, leaving_together
from onward.training.loop import LOSS, train
from onward.training.loop import Settings as Complete
from onward.training.observer import Observer
from onward.training.precision import multiplies_bfloat16
from onward.training.timing import Speed

__all__ = ["Settings", "run"]

logger = logging.getLogger(__name__)

LEAST_ROWS = 20  # validation rows; of fewer, the spread of differences is a guess


def run(given: Settings, folder: Path) -> None:
    """Write ``network.pt``, ``history.json``, ``metrics.json``, ``selection.json``, ``speed.json``.

    The last is written last and is not hashed: it has times in it, and who trains again gets the
    other files again, to the bit.

    Checkpoints lie beside the folder that is published, where no other stage and no DVC looks, and
    go with the end of the run: whoever trains again wants to train.

    Of several ranks the first one writes; the others train along, and wait until that is done.
    """
    prepared = Prepared(folder / "prepare")
    schema, features = prepared.schema(), prepared.features()
    target = schema.target
    rows = len(prepared.arrays("train").targets)
    table = Table(rows, _shape(features, target), target.kind, target.classes)
    settings = completed(given, table)
    _refuse_wrong_head(Head.member(settings.network.head), target)
    logger.info("train: %s", _words(settings, given))
    if given.selection is not None:
        _refuse_few(len(prepared.arrays("validation").targets))
        _refuse_derived([made["name"] for made in prepared.profiles().get("derived", [])])
    inputs = inputs_of(folder, "prepare")
    trainer = _Trainer(settings, folder, _key(settings, inputs))
    with leaving_together():
        if given.selection is None:
            found = Selected(trainer(), {})
        else:
            names = [field.name for field in schema.columns]
            found = select(trainer.alone, names, given.selection, settings.seed)
        if is_first():
            asked = given.model_dump(mode="json", include={"selection"}, exclude_none=True)
            notes = {
                "inputs": inputs,
                "settings": settings.model_dump(mode="json") | asked,
                "given": given.model_dump(mode="json", exclude_unset=True),
            }
            _publish(folder, found, notes)
            trainer.remove_checkpoints()


@dataclass(frozen=True)
class _Trainer:
    """Trains with all columns, or with some."""

    settings: Complete
    folder: Path
    key: Mapping[str, str]

    def __call__(self) -> Trained:
        """With all of them."""
        return self._train(Prepared(self.folder / "prepare"), self._checkpoints, self.key)

    def alone(self, columns: Sequence[str]) -> Trained:
        """With some of them: one of several trainings, of which each finds its checkpoints."""
        prepared = Prepared(self.folder / "prepare", columns)
        names = hashed("\n".join(columns).encode()).hexdigest()
        place = self._checkpoints / f"{len(columns)} columns"
        return self._train(prepared, place, {**self.key, "set of columns": names})

    def _train(self, prepared: Prepared, place: Path, key: Mapping[str, str]) -> Trained:
        features, target = prepared.features(), prepared.schema().target
        rows, validation = (Rows.of(prepared.arrays(split)) for split in ("train", "validation"))
        speed, checkpoints = Speed(), Checkpoints(place, key)
        shape = _shape(features, target)
        network, history = train(self.settings, shape, rows, validation, checkpoints, speed)
        return Trained(features, network, history, speed.document(), validation)

    @property
    def _checkpoints(self) -> Path:
        return self.folder / ".train.checkpoints"

    def remove_checkpoints(self) -> None:
        """Those of all trainings."""
        Checkpoints(self._checkpoints, self.key).remove()


def _shape(features: FeatureNames, target: Target) -> Shape:
    return Shape(len(features.numerical), features.cardinalities, len(target.classes))


def _publish(folder: Path, found: Selected, notes: Mapping[str, Any]) -> None:
    history = found.trained.history
    best = min(history, key=lambda epoch: epoch[LOSS])
    metrics = {"epochs": len(history), "best_epoch": best["epoch"], LOSS: best[LOSS]}
    documents = {"history": history, "metrics": metrics, "selection": found.about}
    with publishing(folder / "train", **notes) as work:
        (work / "network.pt").write_bytes(found.trained.network.dump())
        for name, document in documents.items():
            (work / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    with replacing(folder / "train" / "speed.json") as new:
        new.write_text(json.dumps(found.trained.speed, indent=1) + "\n")
    logger.info(
        "train: %d epochs, validation loss %.5g after epoch %d",
        len(history),
        best[LOSS],
        best["epoch"],
    )


def _key(settings: Complete, inputs: Mapping[str, str]) -> dict[str, str]:
    """What the bits of the result depend on.

    Of plug-ins only the files that define classes are looked at, not what they import.
    """
    network = settings.network
    parts = (type(part) for part in (network.embedder, network.model, network.head))
    files = {inspect.getfile(part) for part in (*parts, *Observer.members)}
    code = [sha256_of_code(), *sorted(sha256(Path(file)) for file in files)]
    return {
        "config": hashed(settings.model_dump_json().encode()).hexdigest(),
        "data": inputs["prepare"],
        "code": " ".join(code),
        "machine": _machine(),
        "number of processes": str(layout().ranks),
    }


def _machine() -> str:
    """Sums come out differently with other instructions, other threads, another device."""
    device = torch.accelerator.current_accelerator()
    names = [
        *(f"{name} {version(name)}" for name in ("torch", "lightning")),
        torch.backends.cpu.get_cpu_capability(),
        "with bfloat16" if multiplies_bfloat16(torch.device("cpu")) else "without bfloat16",
        f"{torch.get_num_threads()} threads",
        torch.cuda.get_device_name() if torch.cuda.is_available() else str(device or "cpu"),
    ]
    return ", ".join(names)


def _words(settings: Complete, given: Settings) -> str:
    """What is trained, and which of it follows from the table."""
    network, learner = settings.network.model_dump(), settings.learner
    sizes = ", ".join(f"{name} {value}" for name, value in network["model"].items())
    said = given.model_dump(exclude_unset=True)
    parts = {"learner": said, **dict.fromkeys(network, said.get("network", {}))}
    balanced = [
        f"; {name} {value}"
        for name, value in (
            ("class weights", settings.class_weights),
            ("sampler", settings.sampler),
        )
        if value is not None
    ]
    by_rule = sorted(name for name, those in parts.items() if name not in those)
    return (
        f"{sizes.removeprefix('type ')} on {network['embedder']['type']}, batches of"
        f" {learner.batch_size}, learning rate {learner.learning_rate:g}, up to"
        f" {learner.max_epochs} epochs{''.join(balanced)}"
        + (f"; by rule: {', '.join(by_rule)}" if by_rule else "")
    )


def _refuse_wrong_head(head: type[Head], target: Target) -> None:
    if head.kind != target.kind:
        fitting = sorted(n for n, other in Head.members.items() if other.kind == target.kind)
        raise ConfigError(
            f"train.network.head: {head.__name__.lower()} does not predict the target"
            f" {target.name!r} of `kind: {target.kind}`. Choose {' or '.join(fitting)}"
        )


def _refuse_few(rows: int) -> None:
    if rows < LEAST_ROWS:
        raise ConfigError(
            f"train.selection: {rows} validation rows cannot tell a column from noise; {LEAST_ROWS}"
            " might. Ask for more in prepare.split, or remove `selection`"
        )


def _refuse_derived(names: Sequence[str]) -> None:
    if names:
        raise ConfigError(
            f"train.selection: {names[0]!r} is a derived column, one of {len(names)}, and selection"
            " knows only columns of the table. Remove prepare.derive, or remove `selection`"
        )
