"""Records of a JSON API, page by page."""

import json
import logging
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import urljoin

from onward.errors import DataError, suggestion
from onward.table.remote.documents import ABSENT, flat, part
from onward.table.remote.http import Client, redact
from onward.table.remote.paging import Page, Paging
from onward.wording import format_count

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Api:
    """Where the records are, and how to go on."""

    url: str
    records: str
    """The path of the list of records in a page; empty if the page is the list."""
    paging: Paging | None
    max_pages: int
    max_bytes: int
    max_seconds: float
    headers: dict[str, str] = field(repr=False)


def api_rows(api: Api) -> Iterator[dict[str, Any]]:
    """The records of all pages, with the parts of objects as values of their own.

    Raises:
        DataError: if a page cannot be had, is no JSON, has no records, or leads back to an earlier
            one, or a limit is reached.
    """
    for page, records in _pages(api):
        for number, record in enumerate(records, 1):
            where = f"{redact(page.url)}: page {page.number}, record {number}"
            if not isinstance(record, dict) or not record:
                raise DataError(
                    f"{where} is {_kind(record)}, not an object with names and values. Correct"
                    " `records`, the path of the list of records"
                )
            yield flat(where, record)


def _pages(api: Api) -> Iterator[tuple[Page, list[Any]]]:
    client = Client(api.url, api.headers, api.max_bytes, api.max_seconds)
    url: str | None = api.paging.first(api.url) if api.paging else api.url
    visited: set[str] = set()
    previous: list[Any] = []
    while url is not None:
        number = len(visited) + 1
        if url in visited:
            raise DataError(
                f"{redact(url)}: page {number - 1} leads back to an earlier page. Correct `paging`"
            )
        if number > api.max_pages:
            raise DataError(
                f"{redact(url)}: there are more than {api.max_pages:,} pages. Raise `max_pages`, if"
                " the table is that long"
            )
        visited.add(url)
        answer = client.get(url)
        document = _Decoder(f"{redact(url)}: page {number}", bool(api.headers)).decode(answer.body)
        records = _records(api, f"{redact(url)}: page {number}", document)
        if records and records == previous:
            raise DataError(
                f"{redact(url)}: page {number} has the same records as the one before. Does the API"
                " know the parameter of `paging`?"
            )
        page = Page(number, url, document, len(records), answer.link)
        yield page, records
        previous, url = records, _following(api, page)
    logger.info("%s: %s", redact(api.url), format_count(len(visited), "page"))


def _following(api: Api, page: Page) -> str | None:
    try:
        link = api.paging.following(page) if api.paging else None
        return None if link is None else urljoin(page.url, link)
    except ValueError as error:  # as of "https://[x", or of half a character
        raise DataError(
            f"{redact(page.url)}: page {page.number} leads to a next page that has no address"
            f" ({error}). Correct `paging`"
        ) from error


def _records(api: Api, where: str, document: Any) -> list[Any]:
    records = part(document, api.records)
    if isinstance(records, list):
        return records
    lists = [name for name, value in _lists(document)]
    state = "is not there" if records is ABSENT else f"is {_kind(records)}"
    named = f"`records`, {api.records!r}," if api.records else "the page itself"
    remedy = f"Set `records`: {suggestion(api.records, lists)}" if lists else "Correct `url`"
    raise DataError(f"{where}: {named} {state}, not a list. {remedy}")


def _lists(document: Any, prefix: str = "", depth: int = 3) -> Iterator[tuple[str, list[Any]]]:
    """Lists in a page, by their path."""
    for name, value in document.items() if isinstance(document, dict) and depth else ():
        if isinstance(value, list):
            yield f"{prefix}{name}", value
        yield from _lists(value, f"{prefix}{name}.", depth - 1)


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else kinds.get(type(value), "a number")


class _Decoder:
    """Reads JSON strictly: what is ambiguous is refused."""

    def __init__(self, where: str, has_login: bool) -> None:
        self.where = where
        self.has_login = has_login
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_constant=self._refuse_constant,
            parse_float=self._number,
        )

    def decode(self, body: bytes) -> Any:
        try:
            return self.decoder.decode(body.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            start = " ".join(body[:60].decode(errors="replace").split())
            # a server may repeat the login, and a part of it would not be found to hide
            start = "***" if self.has_login else start
            raise DataError(
                f"{self.where} is not JSON ({error}); it begins with {start!r}. Correct `url`: is"
                " it the address of the API, and not of a page for people?"
            ) from error

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            [(name, count)] = Counter(name for name, _ in pairs).most_common(1)
            raise DataError(f"{self.where} has an object with {count} values called {name!r}")
        return values

    def _number(self, text: str) -> float:
        number = float(text)
        if math.isinf(number):
            raise DataError(f"{self.where} has a number outside the range of float64, {text[:40]}")
        return number

    def _refuse_constant(self, text: str) -> NoReturn:
        raise DataError(f"{self.where} has {text}, which JSON does not know")
