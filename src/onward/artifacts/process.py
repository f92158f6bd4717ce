"""Locks, signals and exit codes of a stage."""

import ctypes
import fcntl
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from onward.errors import LockedError

_parent = [os.getppid()]  # before the other imports, which take seconds
if sys.platform != "win32":  # a fork of a process that has imported this has another one
    os.register_at_fork(after_in_child=lambda: _parent.__setitem__(0, os.getppid()))
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of linux/prctl.h
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the lock on ``folder``: only one process may write it.

    The operating system releases the lock when the process ends.

    Raises:
        LockedError: if another process holds it.
    """
    path = folder.with_name(f".{folder.name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError(
                f"{folder}: in use by {_holder(path)}. Wait for it to end, or end it"
            ) from error
        file.truncate(0)
        since = datetime.now(UTC).isoformat(timespec="seconds")
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": since}, file)
        file.flush()
        yield


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
    except ValueError:  # it has the lock, and is about to write who it is
        return "another process"
    return f"process {holder['pid']} on {holder['host']} since {holder['since']}"


def end_with_signals() -> None:
    """Exit with 128 + the signal number on SIGINT, SIGTERM and SIGHUP, after cleaning up.

    Lightning ends a training that got SIGTERM with the code 0, and DVC would record the run as
    done; an exception that is no `Exception` passes through it.
    """
    for number in ENDING:
        signal.signal(number, _end)


_received: list[int] = []


def signals_received() -> list[int]:
    """The signals received that end this process."""
    return _received


def _end(number: int, _: FrameType | None) -> None:
    _received.append(number)
    if len(_received) == 1:  # others must not interrupt the cleaning up
        sys.exit(128 + number)


@contextmanager
def signals_wait() -> Iterator[None]:
    """Delay signals until `end_if_asked` or the end of the block, except a second Ctrl-C.

    A second SIGTERM is delayed: it comes when the first has ended the parent.
    """
    handlers = {number: signal.getsignal(number) for number in ENDING}
    note_signals()
    try:
        yield
    except SystemExit:  # Lightning's has the code 0
        end_if_asked()
        raise
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    end_if_asked()


def note_signals() -> None:
    """Delay signals again after a library has replaced our handlers."""
    for number in ENDING:
        signal.signal(number, _note)


def _note(number: int, _: FrameType | None) -> None:
    _received.append(number)
    if number == signal.SIGINT and _received.count(number) > 1:
        end_if_asked()


def end_if_asked() -> None:
    """Exit if a signal has been received."""
    if _received:
        sys.exit(128 + _received[0])


def is_first() -> bool:
    """Whether this process writes: it is alone, or has rank zero.

    torchrun numbers the processes of all machines, Lightning those that it starts on this one.
    """
    name = "RANK" if "TORCHELASTIC_RUN_ID" in os.environ else "LOCAL_RANK"
    return os.environ.get(name, "0") == "0"


def end_with_parent() -> None:
    """On Linux, end this process when its parent ends.

    Otherwise a stage would continue after its ``dvc`` was killed, and the next ``dvc repro`` would
    start another.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
        if os.getppid() != _parent[0] or _is_orphan():  # it ended before we asked
            sys.exit(128 + signal.SIGTERM)


def _is_orphan() -> bool:
    """Whether the parent ended before this process started, and process 1 adopted it.

    Process 1 may also have started us: an init, or the shell of a container. It makes us the leader
    of a process group, or has us in its own; DVC does neither.
    """
    is_started_by_init = os.getpgrp() in (os.getpid(), 1) and "DVC_ROOT" not in os.environ
    return _parent[0] == 1 and not is_started_by_init
