"""The base class of ways to go from page to page."""

import logging
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import StringConstraints

from onward.settings.family import Family, Settings
from onward.table.remote.documents import ABSENT, part
from onward.table.remote.http import redact

logger = logging.getLogger(__name__)

Name = Annotated[str, StringConstraints(min_length=1)]


@dataclass(frozen=True)
class Page:
    """A page of an API."""

    number: int
    """From 1."""
    url: str
    document: Any
    """Its JSON."""
    num_records: int
    link: str | None
    """The address in the header ``Link`` with ``rel=next`` (RFC 8288)."""


class Paging(Family, ABC):
    """Where the next page of a JSON API is."""

    class Config(Settings):
        """Settings that every type has."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def first(self, url: str) -> str:
        """The address of the first page."""
        return url

    @abstractmethod
    def following(self, page: Page) -> str | None:
        """The address of the page after this one, possibly relative; None after the last page."""


def next_value(page: Page, path: str) -> Any:
    """What a page says about the next one; None after the last page."""
    value = part(page.document, path)
    if value is ABSENT:
        note_only_page(page, repr(path))
    return None if value is ABSENT or value is False or value == "" else value


def note_only_page(page: Page, missing: str) -> None:
    """Warn if the first page says nothing about the next one."""
    if page.number == 1:
        where = redact(page.url)
        logger.warning("%s: page 1 has no %s, so it is taken as the only one", where, missing)


def with_parameter(url: str, name: str, value: str) -> str:
    """The address with one parameter set.

    Example:
        >>> with_parameter("https://a/b?x=1&page=2", "page", "3")
        'https://a/b?x=1&page=3'
    """
    parts = urlsplit(url)
    others = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name]
    return urlunsplit(parts._replace(query=urlencode([*others, (name, value)])))
