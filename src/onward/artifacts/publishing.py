"""Atomic publishing of folders: files are written to a temporary folder, then renamed."""

import ctypes
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onward.artifacts.replacing import sync
from onward.errors import ArtifactError

MANIFEST = "manifest.json"
MODEL = "model.onnx"
EVALUATED = "evaluated.onnx"  # only if the model has learned from held-out rows, too
AT_FDCWD, RENAME_EXCHANGE = -100, 2  # of fcntl.h and stdio.h


@contextmanager
def publishing(folder: Path, **notes: Any) -> Iterator[Path]:
    """A temporary folder that replaces ``folder`` if nothing is raised.

    Until then ``folder`` is unchanged. The folder also gets a `MANIFEST` with
    the hash of each file, and ``notes``. Requires the lock: see `lock`.

    Raises:
        ArtifactError: if the folder holds files and was not published.
    """
    refuse_foreign(folder)
    work = folder.with_name(f".{folder.name}.new")
    old = folder.with_name(f".{folder.name}.old")
    _restore(old, folder)  # after a kill between the two renames below
    for left_over in (work, old):
        shutil.rmtree(left_over, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        yield work
        files = sorted(path for path in work.rglob("*") if path.is_file())
        hashes = {str(path.relative_to(work)): sha256(path) for path in files}
        (work / MANIFEST).write_text(json.dumps({"files": hashes, **notes}, indent=1) + "\n")
        for path in (*files, work / MANIFEST, work):
            sync(path)
        if not folder.exists():
            work.rename(folder)
        elif not _exchange(work, folder):
            folder.rename(old)
            work.rename(folder)
        sync(folder.parent)
    finally:
        _restore(old, folder)  # a signal may have come between the renames
        for left_over in (work, old):
            shutil.rmtree(left_over, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders in one step, so that readers find one of them at any time.

    Returns:
        Whether the system and its file system can.
    """
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    names = (os.fsencode(first), os.fsencode(second))
    return bool(
        renameat2 and renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0
    )


def _restore(old: Path, folder: Path) -> None:
    if old.exists() and not folder.exists():
        old.rename(folder)


def refuse_foreign(folder: Path) -> None:
    """Refuse to replace a folder that was not published.

    Raises:
        ArtifactError: if it has files, and no manifest.
    """
    if folder.exists() and not (folder / MANIFEST).is_file() and any(folder.iterdir()):
        raise ArtifactError(
            f"{folder}: this folder has no {MANIFEST}, so its files are not results of onward"
            " and are not replaced. Move them elsewhere, or remove the folder"
        )


def manifest(folder: Path) -> Mapping[str, Any]:
    """The manifest that `publishing` wrote.

    Raises:
        ArtifactError: if the folder was not published.
    """
    path = folder / MANIFEST
    try:
        noted: Mapping[str, Any] = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{folder}: the stage {folder.name!r} has not run here. Run"
            f" `onward {folder.name}` with the same config, or `dvc repro`"
        ) from error
    except ValueError as error:
        raise ArtifactError(f"{path}: damaged. Run `onward {folder.name}` again") from error
    return noted


def verify(path: Path) -> Path:
    """The path of a published file, after checking its hash.

    Raises:
        ArtifactError: if it is missing or has changed.
    """
    known = manifest(path.parent)["files"]
    if path.name not in known or not path.is_file():
        raise ArtifactError(f"{path}: missing. Run `onward {path.parent.name}` again")
    if sha256(path) != known[path.name]:
        raise ArtifactError(
            f"{path}: changed since it was written: its hash does not match. Run"
            f" `onward {path.parent.name}` again"
        )
    return path


def evaluated_file(export: Path) -> Path:
    """The file to which the test set is new: usually the one that ships.

    Args:
        export: the folder of the stage.
    """
    first = export / EVALUATED
    return first if first.name in manifest(export)["files"] else export / MODEL


def inputs_of(folder: Path, *stages: str) -> dict[str, str]:
    """The hashes of the input stages, for `refuse_stale`."""
    return {stage: sha256(folder / stage / MANIFEST) for stage in stages}


def refuse_stale(folder: Path) -> None:
    """Check that the input stages have not changed since a stage ran.

    Raises:
        ArtifactError: if one of them has.
    """
    for stage, noted in manifest(folder)["inputs"].items():
        path = folder.with_name(stage) / MANIFEST
        if path.exists() and sha256(path) != noted:
            raise ArtifactError(
                f"{folder}: made from another {stage!r} than the current one. Run"
                f" `onward {folder.name}` again, or `dvc repro`"
            )


def sha256(path: Path) -> str:
    """The hash of a file's content; of a folder the hash of the hashes of its files."""
    if path.is_dir():
        lines = [
            f"{f.relative_to(path)} {sha256(f)}" for f in sorted(path.rglob("*")) if f.is_file()
        ]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_code() -> str:
    """The hash of the sources of this package."""
    package = Path(__file__).parents[1]
    hashes = (sha256(path) for path in sorted(package.rglob("*.py")))
    return hashlib.sha256("".join(hashes).encode()).hexdigest()
