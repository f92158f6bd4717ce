"""Atomic replacement of a file: it is written beside its place, then renamed."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from onward.errors import LockedError

OPEN_FILES = ("/dev", "/dev/fd", "/proc/self/fd")  # links to what may be files
ATTEMPTS = 100  # to lock a file that others rename; some file systems never say that it is ours
# of some network file systems
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP)


@contextmanager
def replacing(path: Path, writer: str = "") -> Iterator[Path]:
    """A temporary path that replaces ``path`` if nothing is raised.

    The body must write the file, or raise. A device or a pipe is written to in place: a rename
    would take `/dev/null` from all programs.

    Args:
        path: of the file.
        writer: distinguishes concurrent writers; of those without it, only one may write.

    Raises:
        LockedError: if another process is writing the file.
    """
    if _is_device(path):
        yield path
        return
    new = path.with_name(f".{path.name}{writer}.new")
    with _temporary_file(new, path):
        try:
            yield new
            sync(new)
            new.replace(path)
        except BaseException:  # signals, too
            new.unlink(missing_ok=True)
            raise
    sync(path.parent)


@contextmanager
def _temporary_file(new: Path, path: Path) -> Iterator[None]:
    """Hold the lock on an empty temporary file; what a killed process left is overwritten."""
    for attempt in range(ATTEMPTS):
        with new.open("a") as file:
            _lock(file, path)
            # between opening and locking, the last writer may have renamed it to ``path``
            is_ours = _has_path(file, new)
            if is_ours:
                file.truncate(0)
            if is_ours or attempt == ATTEMPTS - 1:
                yield
                return


def _lock(file: IO[Any], path: Path) -> None:
    """Take the lock, which the operating system releases when the file is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise LockedError(
            f"{path}: another command is writing this file. Wait for it to end, or name another"
            " file"
        ) from error
    except OSError as error:
        if error.errno not in NO_LOCKS:  # there, concurrent writers are not noticed
            raise


def _has_path(file: IO[Any], path: Path) -> bool:
    """Whether an open file is the one at the path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _is_device(path: Path) -> bool:
    if str(path.absolute().parent) in OPEN_FILES:
        return True
    return path.exists() and not (path.is_file() or path.is_dir())


def sync(path: Path) -> None:
    """Flush a file or a folder to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
