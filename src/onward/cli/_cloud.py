"""Tables and predictions in buckets, through the libraries that DVC uses for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from onward.errors import DataError, ExtraError

EXTRAS = {"s3": "s3", "gs": "gs", "gcs": "gs", "az": "azure", "abfs": "azure", "azure": "azure"}
"""For each scheme of URLs the extra that has its library."""
LIBRARIES = ("aiohttp", "azure", "botocore", "gcsfs", "google")
"""Where the exceptions of these libraries are defined."""


def is_url(path: str) -> bool:
    """Whether it names a bucket, and no file on this machine."""
    return "://" in path


def file_system(url: str) -> tuple[Any, str]:
    """The file system of fsspec for a URL, and the path in it.

    Keys and endpoints are those of the environment, as the provider's own tools read them.

    Raises:
        typer.BadParameter: if there is no way to such a place.
        ExtraError: if its library is not installed.
    """
    scheme = url.partition("://")[0]
    if scheme not in EXTRAS:
        known = ", ".join(f"{name}://" for name in EXTRAS)
        raise typer.BadParameter(f"{url}: must be a path, or a URL that starts with {known}")
    try:
        import fsspec.core

        system, path = fsspec.core.url_to_fs(url.replace("azure://", "az://", 1))
    except ImportError as error:
        extra = EXTRAS[scheme]
        raise ExtraError(
            f"{url}: the library for it is not installed. Run pip install 'onward[{extra}]'"
        ) from error
    return system, path.rstrip("/")


@contextmanager
def naming_buckets(*paths: str) -> Iterator[None]:
    """Name the buckets among the paths if one cannot be reached.

    Raises:
        DataError: instead of the exceptions of the libraries, which have no common base class.
    """
    urls = [path for path in paths if is_url(path)]
    try:
        yield
    except Exception as error:
        is_of_library = type(error).__module__.partition(".")[0] in LIBRARIES
        # an OSError of this machine has the name of a file
        is_refusal = isinstance(error, OSError) and error.filename is None
        if not urls or not (is_of_library or is_refusal):
            raise
        raise DataError(
            f"{' or '.join(urls)}: cannot be read or written: {error}. Correct the URL, or the keys"
            " and the endpoint in the environment"
        ) from error
