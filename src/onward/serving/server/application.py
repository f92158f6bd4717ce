"""The ASGI callable: limits around the endpoints."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from secrets import token_hex
from time import perf_counter
from typing import Any

from onward.errors import DataError
from onward.serving.server.batches import Batches
from onward.serving.server.body import ClientGoneError, Receive, check_headers, read_body
from onward.serving.server.exchange import Exchange, Observer
from onward.serving.server.guard import Guard
from onward.serving.server.messages import Request, Response, error_response
from onward.serving.server.options import Options
from onward.serving.server.refusal import Refusal
from onward.serving.server.request_ids import header_id
from onward.serving.server.routes import Handler, Match, Routes
from onward.serving.server.state import MOST, State

logger = logging.getLogger(__name__)

Scope = dict[str, Any]
Headers = Mapping[bytes, bytes]
Send = Callable[[dict[str, Any]], Awaitable[None]]

LARGE = 1 << 16  # bytes of a body, some 300 rows: more would keep the other requests waiting
CLIENT_GONE = 499  # of nginx, for the log; nobody gets it


class Application:
    """Answers HTTP requests and notifies observers."""

    def __init__(
        self,
        routes: Routes,
        guard: Guard,
        options: Options,
        state: State,
        observers: Sequence[Observer] = (),
    ) -> None:
        self._routes = routes
        self._guard = guard
        self._options = options
        self._state = state
        self._observers = observers
        self._thread = ThreadPoolExecutor(1)
        self._batches = Batches()
        self._ids = map(f"{token_hex(6)}-{{:x}}".format, count())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        start = perf_counter()
        headers = dict(scope["headers"])
        match = self._routes.find(scope["path"])
        request_id = header_id(headers) or next(self._ids)
        try:
            response = await self._response(scope["method"], headers, match, request_id, receive)
        except Refusal as refusal:
            response = error_response(refusal.status, str(refusal), refusal.headers)
        except DataError as error:  # rows that do not fit
            response = error_response(400, str(error))
        except ClientGoneError:
            response = error_response(CLIENT_GONE, "the client left")
        except Exception:
            logger.exception("a bug in onward: please report it with the lines below")
            response = error_response(500, "internal error; see the log of the server")
        request_id = response.id or request_id
        if response.status != CLIENT_GONE:
            must_close = self._state.is_draining or _has_unread_body(response.status, headers)
            await _send(send, response, request_id, must_close=must_close)
        exchange = Exchange(
            scope["method"],
            match.route.template if match else "",
            response.status,
            perf_counter() - start,
            int(headers.get(b"content-length", 0)),
            len(response.body),
            request_id,
            response.prediction,
        )
        for observe in self._observers:
            observe(exchange)

    async def _response(
        self, method: str, headers: Headers, match: Match | None, request_id: str, receive: Receive
    ) -> Response:
        if match is None:
            raise Refusal(404, "nothing at this path. See /openapi.json")
        if not match.route.is_open:
            self._guard.check(headers)
        handler = match.route.handlers.get("GET" if method == "HEAD" else method)
        if handler is None:
            allowed = ", ".join(match.route.handlers)
            raise Refusal(405, f"this path takes {allowed} only", (("allow", allowed),))
        if method != "POST":
            return _answer(handler, Request(headers, request_id, match.names))
        state, limits = self._state, self._options
        check_headers(headers, limits.max_bytes)
        self._refuse_from(limits.max_waiting or MOST, state.waiting)
        state.waiting += 1
        try:
            body = await read_body(receive, headers, limits.max_bytes, limits.body_timeout)
            self._refuse_from(limits.max_waiting or state.most_ready(), state.ready)
            return await self._counted(handler, Request(headers, request_id, match.names, body))
        finally:
            state.waiting -= 1

    async def _counted(self, handler: Handler, request: Request) -> Response:
        self._state.ready += 1
        try:
            # all requests that arrived together are counted before the first is computed, so that
            # those beyond the limit are refused at once
            await asyncio.sleep(0)
            return await self._compute(handler, request)
        finally:
            self._state.ready -= 1

    async def _compute(self, handler: Handler, request: Request) -> Response:
        if len(request.body) > LARGE:
            loop = asyncio.get_running_loop()
            response, seconds = await loop.run_in_executor(self._thread, _timed, handler, request)
            self._state.took(seconds)
            return response
        pending = handler(request)
        if isinstance(pending, Response):
            return pending
        prediction = await self._batches.add(pending)
        start = perf_counter()
        response = pending.respond(prediction)
        self._state.took(prediction.timing.total + perf_counter() - start)
        return response

    def _refuse_from(self, limit: int, waiting: int) -> None:
        if waiting >= limit:
            self._state.shed += 1
            raise Refusal(429, "too many requests are waiting", (("retry-after", "1"),))


def _answer(handler: Handler, request: Request) -> Response:
    answer = handler(request)
    return answer if isinstance(answer, Response) else answer.response()


def _timed(handler: Handler, request: Request) -> tuple[Response, float]:
    start = perf_counter()
    response = _answer(handler, request)
    return response, perf_counter() - start


async def _send(send: Send, response: Response, request_id: str, *, must_close: bool) -> None:
    headers = [
        (b"content-type", response.type.encode()),
        (b"content-length", str(len(response.body)).encode()),
        (b"x-request-id", request_id.encode()),
        *((name.encode(), value.encode()) for name, value in response.headers),
    ]
    if must_close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


def _has_unread_body(status: int, headers: Headers) -> bool:
    """Whether a refused body may not have arrived completely; small ones have in time."""
    is_long = int(headers.get(b"content-length", 0)) > LARGE or b"transfer-encoding" in headers
    return status == 408 or (status >= 400 and is_long)
