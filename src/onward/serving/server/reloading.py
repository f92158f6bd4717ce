"""Reload models when their files change."""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path

from onward.errors import OnwardError
from onward.serving.server.repository import Repository

logger = logging.getLogger(__name__)


async def follow_files(repository: Repository, interval_s: float, hangup: asyncio.Event) -> None:
    """Reload each model whose file has another content, for ever.

    Looks after each interval, and at once when ``hangup`` is set. A file that does not verify is
    left alone until it changes again.
    """
    seen = {model.path: _mark(model.path) for model in repository.models}
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await hangup.wait()
        for model in repository.models:
            mark = _mark(model.path)
            if mark != seen[model.path] or hangup.is_set():
                seen[model.path] = mark
                await asyncio.to_thread(_reload, repository, model.name)
        hangup.clear()


def _reload(repository: Repository, name: str) -> None:
    try:
        model = repository.reload(name)
    except OnwardError as error:
        logger.warning("%s: the new file is refused and the old one still served. %s", name, error)
        repository.failures += 1
    except Exception:  # else nobody would look at the files again, and nobody would know
        logger.exception("%s: a bug in onward: please report it with the lines below", name)
        repository.failures += 1
    else:
        if model is not None:
            logger.info("%s %s: replaces the previous version", name, model.version)


def _mark(path: Path) -> object:
    """A mark that changes with the content; ctime cannot be set by users."""
    try:
        status = os.stat(path)  # noqa: PTH116  (once a second and file)
    except OSError:
        return None
    return status.st_ctime_ns, status.st_ino, status.st_size
