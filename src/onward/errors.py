"""Everything this package raises on purpose, and the exit code each ends the program with.

* OnwardError
  * ConfigError     78  a config file is wrong
  * ExtraError      78  a library that the command needs is not installed
  * DataError       65  a table does not fit its schema
  * ArtifactError   66  a file written by an earlier stage is missing, damaged or of another kind
  * ExportError     66  the exported file does not predict what the network predicts
  * LockedError     75  another process runs this stage; try again later
  * NotFiniteError  76  the training loss is no longer a finite number
  * PeerError       69  another process of the same training has ended or hangs

The codes are those of sysexits.h, where it has one. Others in use: 0 success, 2 usage, 6 other
results (`onward reproduce`), 70 a bug of ours (with its traceback), 71 out of memory, 74
input/output or disk full, 130 Ctrl-C, 143 SIGTERM.
"""

import difflib
from collections.abc import Iterable
from typing import ClassVar

LISTED = 20  # names in a message


class OnwardError(Exception):
    """Base class: catch this to catch all of ours and none of anyone else's."""

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
    """A file written by an earlier stage is missing, damaged or of another kind."""

    exit_code = 66


class ExportError(OnwardError):
    """The exported file does not predict what the network predicts."""

    exit_code = 66


class LockedError(OnwardError):
    """Another process runs this stage."""

    exit_code = 75


class NotFiniteError(OnwardError):
    """The training loss is no longer a finite number."""

    exit_code = 76


class PeerError(OnwardError):
    """Another process of the same training has ended or hangs."""

    exit_code = 69


def suggestion(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """The end of a message about an unknown name: the name that was meant, or what there is.

    Args:
        name: the unknown one.
        known: the names that there are.
        otherwise: what to say in place of these names.

    Example:
        >>> suggestion("agee", ["age", "city"])
        "Did you mean 'age'?"
        >>> suggestion("km", ["age", "city"])
        "There are 'age', 'city'"
    """
    names = [*known]
    alike = difflib.get_close_matches(name, names, 1)
    if alike:
        return f"Did you mean {alike[0]!r}?"
    if otherwise is not None or not names:
        return otherwise or "Remove it"
    more = ", ..." if len(names) > LISTED else ""
    return f"There are {', '.join(map(repr, names[:LISTED]))}{more}"
