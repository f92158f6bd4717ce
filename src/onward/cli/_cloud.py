"""Tables and predictions in buckets, through the libraries that DVC uses for them."""

from typing import Any

import typer

from onward.errors import ExtraError

EXTRAS = {"s3": "s3", "gs": "gs", "gcs": "gs", "az": "azure", "abfs": "azure", "azure": "azure"}
"""For each scheme of URLs the extra that has its library."""


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
