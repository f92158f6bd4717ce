"""Checkpoints: the state of a training on disk, resumed by the same run only."""

import hashlib
import io
import json
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from onward.artifacts.replacing import replacing
from onward.artifacts.scratch import CHECKPOINTS_VARIABLE

logger = logging.getLogger(__name__)

KEPT = 2  # so that one is left where the newest is damaged
DIGEST = 65  # letters of its hash and the end of the line, with which a file begins

State = Mapping[str, Any]
"""Tensors, numbers and texts, in dicts and lists."""


def checkpoint_folder(folder: Path, stage: str = "train") -> Path:
    """Where the checkpoints of a config lie: on storage that outlives the machine, if asked.

    Args:
        folder: of the results of the config.
        stage: that writes them.
    """
    shared = os.environ.get(CHECKPOINTS_VARIABLE)
    if shared:
        return Path(shared, folder.name if stage == "train" else f"{folder.name}.{stage}")
    return folder / f".{stage}.checkpoints"


class Checkpoints:
    """The newest checkpoints of one run; each file begins with the hash of its content.

    Args:
        folder: for checkpoints only; a stage must not publish it.
        key: identifies a run, by the names used in messages.
    """

    def __init__(self, folder: Path, key: Mapping[str, str]) -> None:
        self._folder, self._key = folder, key

    def of_columns(self, columns: Sequence[str]) -> "Checkpoints":
        """The checkpoints of a training with some of the columns, within this run."""
        names = hashlib.sha256("\n".join(columns).encode()).hexdigest()
        key = {**self._key, "set of columns": names}
        return Checkpoints(self._folder / f"{len(columns)} columns", key)

    def of_fold(self, fold: int) -> "Checkpoints":
        """The checkpoints of the training without a fold, within this run."""
        return Checkpoints(self._folder / f"fold {fold}", {**self._key, "fold": str(fold)})

    def of_member(self, number: int) -> "Checkpoints":
        """The checkpoints of the training of a member of an ensemble, within this run."""
        return Checkpoints(self._folder / f"member {number}", {**self._key, "member": str(number)})

    def of_refit(self, length: str) -> "Checkpoints":
        """The checkpoints of a second training, on more rows and of this length."""
        return Checkpoints(self._folder / "refit", {**self._key, "refit": length})

    def save(self, step: int, state: State) -> None:
        """Write the state after a step, and remove all but the last two.

        Raises:
            OSError: if it cannot be written, usually because the disk is full; older ones are kept.
        """
        tensors = io.BytesIO()
        torch.save(state, tensors)
        head = json.dumps({"step": step, "key": self._key}).encode() + b"\n"
        path = self._folder / f"step-{step:012}.pt"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as new, new.open("wb") as file:
                file.write(_digest(head, tensors.getbuffer()))
                file.write(head)
                file.write(tensors.getbuffer())
            states = {path for path in self._folder.iterdir() if path.is_file()}
            for old in states.difference(self._newest_first()[:KEPT]):
                old.unlink()
        except OSError as error:
            size = f"{tensors.tell() / 2**20:,.1f} MB"
            raise OSError(
                error.errno, f"{error.strerror}, for a checkpoint of {size}", str(path)
            ) from error

    def newest(self) -> State | None:
        """The last undamaged state of this run, if there is one.

        Damaged files and those of another run are removed, with a message.
        """
        for path in self._newest_first():
            content = _content(path.read_bytes())
            if content is None:
                logger.warning("%s: damaged (its hash does not match), removed", path)
                path.unlink()
                continue
            head, _, tensors = content.partition(b"\n")
            header = json.loads(head)
            changed = changed_parts(header["key"], self._key)
            if not changed:
                state: State = torch.load(
                    io.BytesIO(tensors), map_location="cpu", weights_only=True
                )
                return state
            logger.warning(
                "train: starting over: changed since the checkpoint of step %d: %s",
                header["step"],
                ", ".join(changed),
            )
            break
        self.remove()
        return None

    def remove(self) -> None:
        """Remove all checkpoints."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self._folder.glob("step-*.pt"), reverse=True)


def changed_parts(noted: Mapping[str, str], key: Mapping[str, str]) -> list[str]:
    """The names of what differs from the key of an earlier run, for messages.

    A key with other parts was written by another version, and cannot be compared part by part.
    """
    if noted.keys() != key.keys():
        return ["version of onward"]
    return [part for part, value in key.items() if noted[part] != value]


def _content(data: bytes) -> bytes | None:
    """The content after the hash, if it matches."""
    content = data[DIGEST:]
    return content if data[:DIGEST] == _digest(content) else None


def _digest(*parts: bytes | memoryview) -> bytes:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest().encode() + b"\n"
