"""Commands whose libraries `pip install onward` leaves out."""

from collections.abc import Iterator
from contextlib import contextmanager

from onward.errors import ExtraError


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Name the extra to install where a library is missing.

    Raises:
        ExtraError: in place of the `ModuleNotFoundError`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "onward":
            raise  # a bug of ours, which no installation mends
        raise ExtraError(
            f"the library {error.name!r} is not installed. This command needs the extra"
            f" {extra!r}: pip install 'onward[{extra}]'"
        ) from error
