"""Commands that need an extra of the package."""

from collections.abc import Iterator
from contextlib import contextmanager

from onward.errors import ExtraError


@contextmanager
def require_extra(extra: str) -> Iterator[None]:
    """Name the extra to install if a library is missing.

    Raises:
        ExtraError: instead of `ModuleNotFoundError`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "onward":
            raise  # a bug of onward, not a missing library
        raise ExtraError(
            f"the library {error.name!r} is not installed. This command needs the extra"
            f" {extra!r}: pip install 'onward[{extra}]'"
        ) from error
