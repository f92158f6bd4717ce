"""The exceptions of this package, with the exit codes of the program.

* OnwardError
  * ConfigError     78  a config file is wrong
  * ExtraError      78  a library that the command needs is not installed
  * DataError       65  a table does not fit its schema
  * ArtifactError   66  a file of an earlier stage is missing, damaged or incompatible
  * ExportError     66  the exported file does not predict what the network predicts
  * LockedError     75  another process runs this stage or writes this file; try again later
  * NotFiniteError  76  the training loss is no longer a finite number
  * PeerError       69  another process of the same training or job has ended or hangs

The codes follow sysexits.h where possible. Others in use: 0 success, 2 usage, 3 drift
(`onward monitor`), 4 champion kept and 5 undecided (`onward promote`), 6 different results
(`onward reproduce`), 70 a bug in onward (with a traceback), 71 out of memory, 74 input/output or
disk full, 130 Ctrl-C, 143 SIGTERM.
"""

import difflib
import errno
import re
from collections.abc import Iterable, Sequence
from typing import ClassVar

MAX_LISTED_NAMES = 20  # valid names in a message at most
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Characters that steer a terminal or turn a text around; those of paths and names may be there."""


class OnwardError(Exception):
    """Base class of all exceptions of this package."""

    exit_code: ClassVar[int] = 70


class ConfigError(OnwardError):
    """A config file is wrong."""

    exit_code = 78


class ExtraError(OnwardError):
    """A library that the command needs is not installed."""

    exit_code = 78


class DataError(OnwardError):
    """A table does not fit its schema."""

    exit_code = 65


class ArtifactError(OnwardError):
    """A file of an earlier stage is missing, damaged or incompatible."""

    exit_code = 66


class ExportError(OnwardError):
    """The exported file does not predict what the network predicts."""

    exit_code = 66


class LockedError(OnwardError):
    """Another process runs this stage, or writes the same file."""

    exit_code = 75


class NotFiniteError(OnwardError):
    """The training loss is no longer a finite number."""

    exit_code = 76


class PeerError(OnwardError):
    """Another process of the same training or job has ended or hangs."""

    exit_code = 69


def is_out_of_memory(error: BaseException) -> bool:
    """NumPy raises MemoryError, the system an errno; polars, torch and onnxruntime a message."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM or f"(os error {errno.ENOMEM})" in str(error)
    words = r"out of memory|(can't|cannot|failed to) allocate memory|bad.alloc"
    return isinstance(error, MemoryError) or bool(re.search(words, str(error), re.IGNORECASE))


def printable(text: str) -> str:
    r"""The text with escapes in place of characters that would steer a terminal.

    Example:
        >>> printable("a\x1b[2Jb: no\nsuch file")
        'a\\x1b[2Jb: no\nsuch file'
    """
    return CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def closest(name: str, known: Sequence[str]) -> str | None:
    """The most similar of the known names, ignoring case; None if none is similar."""
    by_folded = {other.casefold(): other for other in reversed(known)}
    matches = difflib.get_close_matches(name.casefold(), by_folded, 1)
    return by_folded[matches[0]] if matches else None


def suggestion(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """The end of a message about an unknown name: the closest match, or the known names.

    Args:
        name: the unknown name.
        known: the valid names.
        otherwise: text instead of the list of valid names.

    Example:
        >>> suggestion("agee", ["age", "city"])
        "Did you mean 'age'?"
        >>> suggestion("km", ["age", "city"])
        "There are 'age', 'city'"
    """
    names = [*known]
    match = closest(name, names)
    if match is not None:
        return f"Did you mean {match!r}?"
    if otherwise is not None or not names:
        return otherwise or "Remove it"
    more = ", ..." if len(names) > MAX_LISTED_NAMES else ""
    return f"There are {', '.join(map(repr, names[:MAX_LISTED_NAMES]))}{more}"
