"""Requests to one HTTP server, within limits."""

import logging
import random
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse, InvalidURL
from queue import Empty, Queue
from threading import TIMEOUT_MAX, Thread
from typing import Any, NoReturn
from urllib.error import HTTPError
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from onward.errors import DataError

logger = logging.getLogger(__name__)

TIMEOUT = 60  # seconds without a byte
TRIES = 6
PAUSE = 1.0  # seconds before the second try; twice as long before each one after it
LONGEST_PAUSE = 120.0  # seconds
BLOCK = 1 << 16  # bytes
BUSY = {429, 500, 502, 503, 504}
PORTS = {"http": 80, "https": 443}
LINK = re.compile(r"<(?P<target>[^<>]*)>(?P<parameters>(?:[^,\"]|\"[^\"]*\")*)")
RELATION = re.compile(r';\s*rel\s*=\s*"?(?P<names>[^";]*)', re.IGNORECASE)
LONGEST_LINK = 1 << 13  # characters of a header
UNQUOTED = "%/:=&?~#+!$,;'@()*[]"  # what may stand in an address as it is


@dataclass(frozen=True)
class Answer:
    """The body of a page, and the address of the next one in its header ``Link``, if any."""

    body: bytes
    link: str | None


class _TryLaterError(Exception):
    """The server is busy, or the connection broke; ``seconds`` is how long it asks us to wait."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Client:
    """Gets pages of one server, the one of the first address.

    Args:
        url: of the first page.
        headers: with a login, of each request. They go to this server only.
        max_bytes: of all pages together.
        max_seconds: for all pages together.
    """

    def __init__(
        self, url: str, headers: dict[str, str], max_bytes: int, max_seconds: float
    ) -> None:
        self.server = server_of(url)
        self.has_login = bool(headers)
        self.headers = {
            "Accept": "application/json",
            "User-Agent": "onward",
            **headers,
        }
        self.max_bytes, self.max_seconds = max_bytes, max_seconds
        self.num_bytes = 0
        self.end = time.monotonic() + max_seconds
        self.is_reached = False
        self.opener = build_opener(_SameServer(self))

    def get(self, url: str) -> Answer:
        """The page, after some tries if the server is busy.

        Raises:
            DataError: if it cannot be had, or a limit is reached, or it is of another server.
        """
        self.refuse_other_server(url)
        for attempt in range(1, TRIES + 1):
            try:
                return self._read_in_time(url)
            except _TryLaterError as error:
                if attempt == TRIES or not self.is_reached:
                    tries = f" in each of {TRIES} tries" if attempt == TRIES else ""
                    raise DataError(
                        f"{redact(url)}: {error}{tries}. Try again later, or correct `url`"
                    ) from error
                self._wait(url, attempt, error)
        raise AssertionError

    def refuse_other_server(self, url: str) -> None:
        """Raise a `DataError` if the address is not of the server of the first page."""
        if server_of(url) != self.server:
            raise DataError(
                f"{redact(url)}: the server sends us to another server or scheme than"
                f" {'{}://{}:{}'.format(*self.server)}, which is not followed. If it is right,"
                " write it as `url`"
            )

    def _read_in_time(self, url: str) -> Answer:
        """Reads in a thread, which is left alone when the time is over.

        A server that sends a byte now and then, also in headers, holds it as long as it likes.
        """
        answers: Queue[Answer | Exception] = Queue()

        def read() -> None:
            try:
                answers.put(self._read(url))
            except Exception as error:  # noqa: BLE001 (raised below)
                answers.put(error)

        Thread(target=read, daemon=True).start()
        try:
            answer = answers.get(timeout=min(max(0.0, self.end - time.monotonic()), TIMEOUT_MAX))
        except Empty:
            raise self._overtime(url) from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _read(self, url: str) -> Answer:
        try:
            request = Request(quote(url, safe=UNQUOTED), headers=self.headers)
            with self.opener.open(request, timeout=TIMEOUT) as response:
                self.is_reached = True
                return Answer(self._body(url, response), _next_link(url, response.headers))
        except HTTPError as error:
            self.is_reached = True
            self._refuse(url, error)
        except (InvalidURL, ValueError) as error:  # of the address, or of one it leads to
            raise DataError(
                f"{redact(url)}: the address, or the one it leads to, is invalid ({error}). Correct"
                " `url`"
            ) from error
        except (HTTPException, OSError) as error:
            reason = str(getattr(error, "reason", None) or error) or "no answer"
            raise _TryLaterError(f"the server cannot be reached ({reason})") from error

    def _body(self, url: str, response: HTTPResponse) -> bytes:
        blocks = []
        while block := response.read1(BLOCK):
            self.num_bytes += len(block)
            if self.num_bytes > self.max_bytes:
                raise DataError(
                    f"{redact(url)}: the pages have more than {self.max_bytes:,} bytes. Raise"
                    " `max_bytes`, if the table is that large"
                )
            blocks.append(block)
        if response.length:
            raise _TryLaterError(f"the page ended {response.length} bytes too early")
        return b"".join(blocks)

    def _refuse(self, url: str, error: HTTPError) -> NoReturn:
        with error:
            status = f"the server answers {error.code} {error.reason}".rstrip()
            if error.code in BUSY:
                raise _TryLaterError(status, _seconds(error.headers)) from error
            start = self._start(error)
        reply = f": {' '.join(start.split())!r}" if start.strip() else ""
        remedy = (
            "Check the token: `token` names the environment variable that has it"
            if error.code in (401, 403)
            else "Correct `url` or `parameters`"
        )
        raise DataError(f"{redact(url)}: {status}{reply}. {remedy}") from error

    def _start(self, error: HTTPError) -> str:
        """How the body of a refusal begins; empty with a login, which it may repeat."""
        if self.has_login:
            return ""
        try:
            return error.read(200).decode(errors="replace")
        except (HTTPException, OSError):
            return ""

    def _wait(self, url: str, attempt: int, error: _TryLaterError) -> None:
        pause = PAUSE * 2 ** (attempt - 1) * random.uniform(1, 1.25)
        seconds = max(pause, error.seconds or 0)
        if seconds > LONGEST_PAUSE or time.monotonic() + seconds > self.end:
            raise DataError(
                f"{redact(url)}: {error}, and asks to wait for {seconds:.0f} seconds. Try again"
                " later"
            ) from error
        logger.info("%s: %s; waiting %.0f seconds", redact(url), error, seconds)
        time.sleep(seconds)

    def _overtime(self, url: str) -> DataError:
        return DataError(
            f"{redact(url)}: the pages take more than {self.max_seconds:g} seconds. Raise"
            " `max_seconds`, if the server needs that long"
        )


class _SameServer(HTTPRedirectHandler):
    """Follows a redirect on the same server only."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def http_error_302(
        self, req: Request, fp: Any, code: int, msg: str, headers: Message
    ) -> HTTPResponse | None:
        try:
            return super().http_error_302(req, fp, code, msg, headers)  # type: ignore[arg-type]
        except HTTPError:  # has the response, and is closed by who handles it
            raise
        except Exception:
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    def redirect_request(
        self, req: Request, fp: Any, code: int, msg: str, headers: Message, newurl: str
    ) -> Request | None:
        self.client.refuse_other_server(urljoin(req.full_url, newurl))
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def server_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port.

    Raises:
        DataError: if the address is not of HTTP.
    """
    try:
        parts = urlsplit(url)
        server = parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    except ValueError:  # of the port
        server = "", "", 0
    if server[0] not in PORTS or not server[1]:
        raise DataError(f"{redact(url)}: not an http:// or https:// address. Correct it")
    return server


def redact(url: str) -> str:
    """The address for messages: without parameters and logins, which may be secret.

    Example:
        >>> redact("https://me:secret@example.com/a?token=b")
        'https://example.com/a'
    """
    address = re.sub("//[^/@]*@", "//", url.partition("?")[0].partition("#")[0])
    return address.encode(errors="backslashreplace").decode()  # a server may send half a character


def _next_link(url: str, headers: Message) -> str | None:
    """The target with ``rel=next``. Source: RFC 8288, section 3."""
    text = ", ".join(headers.get_all("Link") or ())
    if len(text) > LONGEST_LINK:
        raise DataError(f"{redact(url)}: the header `Link` has more than {LONGEST_LINK} characters")
    for link in LINK.finditer(text):
        relation = RELATION.search(link["parameters"])
        if relation and "next" in relation["names"].lower().split():
            return link["target"]
    return None


def _seconds(headers: Message) -> float | None:
    """How long the server asks us to wait, as a number of seconds or until a time."""
    text = str(headers.get("Retry-After", "")).strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):  # no time, or one without a zone
        return None
