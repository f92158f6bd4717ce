"""A JSON API, page by page: a real HTTP server on loopback, and what servers do wrong."""

import gc
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from onward.__main__ import app
from onward.cli._source import source_of
from onward.errors import ConfigError, DataError
from onward.table.remote import batches, http
from onward.table.remote.http import _next_link, redact
from onward.table.sources.json_api import JsonApi

ROWS = [{"id": n, "town": None if n % 3 else "Köln", "pay": n / 4} for n in range(1, 8)]
PAGES = [ROWS[start : start + 3] for start in range(0, 9, 3)]
TOKEN = "t0p/secret"


@dataclass
class Reply:
    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


Respond = Callable[[str, dict[str, str]], Reply]


class Server(ThreadingHTTPServer):
    daemon_threads = True
    respond: Respond
    seen: list[BaseHTTPRequestHandler]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/orders"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append(self)
        parts = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        reply = self.server.respond(parts.path, query)
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(reply.length or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(http, "PAUSE", 0.01)
    with Server(("127.0.0.1", 0), Handler) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def collect(url: str, **settings: Any) -> pl.DataFrame:
    source = {"type": "json_api", "url": url, "path": "data/orders", **settings}
    Path("orders.yaml").write_text(json.dumps({"prepare": {"source": source}}))
    result = CliRunner().invoke(app, ["collect", "orders.yaml"])
    if result.exception:
        raise result.exception
    return pl.read_parquet("snapshots/orders/table.parquet")


def next_links(path: str, query: dict[str, str]) -> Reply:
    page = int(query.get("page", "1"))
    link = f"?page={page + 1}" if page < 3 else None
    return Reply({"data": {"items": PAGES[page - 1]}, "links": {"next": link}})


def link_headers(path: str, query: dict[str, str]) -> Reply:
    page = int(query.get("page", "1"))
    first, following = f'<{path}?page=1>; rel="first"', f'<{path}?page={page + 1}>; rel="next"'
    return Reply(PAGES[page - 1], headers={"Link": f"{first}, {following}" if page < 3 else first})


def page_numbers(path: str, query: dict[str, str]) -> Reply:
    page = int(query["page"])
    return Reply(PAGES[page] if page < 3 else [])


def offsets(path: str, query: dict[str, str]) -> Reply:
    start = int(query["offset"])
    return Reply(ROWS[start : start + 3])


def cursors(path: str, query: dict[str, str]) -> Reply:
    page = int(query.get("after", "0 +").split()[0])
    return Reply({"items": PAGES[page], "meta": {"next": f"{page + 1} +" if page < 2 else None}})


LINK = {"type": "link", "field": "links.next"}
STYLES: dict[str, tuple[Respond, dict[str, Any]]] = {
    "a link in the page": (next_links, {"paging": LINK, "records": "data.items"}),
    "a link in the header": (link_headers, {"paging": "link"}),
    "page numbers from 0": (page_numbers, {"paging": {"type": "page_number", "first": 0}}),
    "offsets": (
        offsets,
        {"paging": {"type": "page_number", "parameter": "offset", "first": 0, "step": 3}},
    ),
    "cursors": (
        cursors,
        {
            "paging": {"type": "cursor", "field": "meta.next", "parameter": "after"},
            "records": "items",
        },
    ),
    "one page": (lambda *_: Reply(ROWS), {}),
}


@pytest.mark.parametrize("style", STYLES)
def test_all_pages_are_read(style: str, server: Server) -> None:
    server.respond, settings = STYLES[style]
    assert collect(server.url, **settings).to_dicts() == ROWS


@pytest.mark.parametrize(("step", "size"), [(4, "fewer"), (6, "fewer"), (2, "more")])
def test_pages_of_another_size_than_the_step_are_refused(
    step: int, size: str, server: Server
) -> None:
    server.respond = offsets  # at most three records a page
    paging = {"type": "page_number", "parameter": "offset", "first": 0, "step": step}
    with pytest.raises(DataError, match=f"page 1 has {size} records than the `step` of {step}"):
        collect(server.url, paging=paging)


def test_a_snapshot_with_another_paging_is_refused(server: Server) -> None:
    server.respond = lambda *_: Reply(ROWS)
    collect(server.url)
    paged = {"url": server.url, "paging": {"type": "link"}, "path": Path("snapshots/orders")}
    with pytest.raises(DataError, match="of another `paging` than in the config"):
        JsonApi(JsonApi.Config.model_validate(paged))


def test_a_first_page_without_a_link_is_noted(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.respond = lambda *_: Reply(ROWS)
    collect(server.url, paging="link", parameters={"hint": "x"})
    assert "page 1 has no header `Link` with rel=next, so it is taken as" in caplog.text
    assert "hint" not in caplog.text


def test_a_snapshot_becomes_a_project_that_can_be_collected_again(server: Server) -> None:
    rows = [{"id": n, "town": "ab"[n % 2], "pay": n % 7 / 2} for n in range(200)]
    pages = {"links": {"next": None}, "rows": rows}
    server.respond = lambda *_: Reply(pages)
    settings = {"paging": LINK, "records": "rows", "parameters": {"limit": 200}, "max_pages": 3}
    collect(server.url, **settings)
    before = Path("snapshots/orders/table.parquet").read_bytes()
    result = CliRunner().invoke(app, ["init", "snapshots/orders", "--target", "town"])
    assert result.exit_code == 0, result.output
    config = source_of(Path("configs/orders.yaml"))
    assert config == JsonApi.Config.model_validate_json(
        json.dumps({"type": "json_api", "url": server.url, "path": "data/orders", **settings})
    )
    CliRunner().invoke(app, ["collect", "configs/orders.yaml"], catch_exceptions=False)
    assert Path("snapshots/orders/table.parquet").read_bytes() == before
    assert server.seen[-1].path == "/orders?limit=200"


def test_a_token_goes_to_the_server_and_nowhere_else(
    server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ONWARD_TOKEN", TOKEN)
    server.respond = next_links
    collect(server.url, paging=LINK, records="data.items", token="ONWARD_TOKEN")
    assert {seen.headers["Authorization"] for seen in server.seen} == {f"Bearer {TOKEN}"}
    collect(server.url, records="data.items", token="ONWARD_TOKEN", token_header="X-Key")
    assert server.seen[-1].headers["X-Key"] == TOKEN
    server.respond = lambda *_: Reply({"error": f"no access with {TOKEN}"}, 401)
    with pytest.raises(DataError, match=r"answers 401 .*Check the token") as refusal:
        collect(server.url, token="ONWARD_TOKEN")
    files = b"".join(path.read_bytes() for path in Path().rglob("*") if path.is_file())
    assert TOKEN not in f"{refusal.value} {caplog.text}"
    assert TOKEN.encode() not in files


def test_a_token_that_is_not_set_is_named(server: Server) -> None:
    with pytest.raises(ConfigError, match="variable ONWARD_NONE is not set"):
        collect(server.url, token="ONWARD_NONE")
    assert not server.seen


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"token": TOKEN}, "begins with ONWARD_"),
        ({"token": "AWS_SECRET_ACCESS_KEY"}, "begins with ONWARD_"),
        ({"url": "https://example.com/?api_key=a"}, "not written here"),
        ({"url": "https://me:pass@example.com/"}, "not written here"),
        ({"parameters": {"access_token": "a"}}, "not written here"),
        ({"url": "HTTPS://me:pass?@example.com/"}, "not written here"),
        ({"url": "https://example.com/?a=1&sig=a"}, "not written here"),
        ({"url": "https://example.com/#code=a"}, "not written here"),
        ({"parameters": {"subscription-key": "a"}}, "not written here"),
        ({"parameters": {"key": "a"}}, "not written here"),
        ({"url": "https://[x"}, "not an address of an API"),
        ({"url": "file:///etc/passwd"}, "not an address of an API"),
        ({"url": "http://example.com/", "token": "ONWARD_T"}, "https:// only"),
    ],
)
def test_configs_without_secrets(settings: dict[str, Any], message: str) -> None:
    config = {"url": "https://example.com/", "path": Path("x"), **settings}
    with pytest.raises(ValidationError, match=message):
        JsonApi.Config.model_validate(config)


def scripted(*replies: Reply) -> Respond:
    left = list(replies)
    return lambda *_: left.pop(0) if len(left) > 1 else left[0]


BUSY = Reply("later", 503)


@pytest.mark.parametrize(
    "replies",
    [
        [BUSY, Reply("", 429, {"Retry-After": "0"}), Reply("", 500), Reply(ROWS)],
        [Reply("", 503, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), Reply(ROWS)],
        [Reply(json.dumps(ROWS).encode(), length=10_000), Reply(ROWS)],
    ],
)
def test_a_busy_server_is_asked_again(replies: list[Reply], server: Server) -> None:
    server.respond = scripted(*replies)
    assert collect(server.url).to_dicts() == ROWS
    assert len(server.seen) == len(replies)


def redirect(target: str) -> Reply:
    return Reply("", 302, {"Location": target})


WRONG: dict[str, tuple[Respond, dict[str, Any], str]] = {
    "busy for ever": (scripted(BUSY), {}, "answers 503 Service Unavailable in each of 6 tries"),
    "asks to wait for long": (scripted(Reply("", 429, {"Retry-After": "9999"})), {}, "9999 sec"),
    "nothing there": (scripted(Reply("gone", 404)), {}, "answers 404 Not Found: '\"gone\"'"),
    "a page for people": (scripted(Reply(b"<html>hi")), {}, "not JSON .* begins with '<html>hi'"),
    "half a page": (scripted(Reply(b'[{"a": 1}, ')), {}, "page 1 is not JSON"),
    "not UTF-8": (scripted(Reply(b'[{"a": "\xff"}]')), {}, "page 1 is not JSON"),
    "nested too deeply": (scripted(Reply(b"[" * 100_000)), {}, "page 1 is not JSON"),
    "NaN": (scripted(Reply(b'[{"a": NaN}]')), {}, "has NaN, which JSON does not know"),
    "half a character": (scripted(Reply(b'[{"a": "\\ud800"}]')), {}, "column 'a' has a value"),
    "half a character in a name": (scripted(Reply(b'[{"\\ud800": 1}]')), {}, "name is not text"),
    "infinite": (scripted(Reply(b'[{"a": 1e999}]')), {}, "outside the range of float64"),
    "a name twice": (scripted(Reply(b'[{"a": 1, "a": 2}]')), {}, "2 values called 'a'"),
    "a name like a part": (
        scripted(Reply([{"a.b": 1, "a": {"b": 2}}])),
        {},
        "two values called 'a.b'",
    ),
    "several types": (
        scripted(Reply([{"a": 1}, {"a": None}, {"a": "x"}])),
        {},
        r"'a' has values of several types: whole numbers \(row 1\), texts \(row 3\)",
    ),
    "no records": (scripted(Reply([])), {}, "there are no rows"),
    "records that are none": (scripted(Reply([1])), {}, "page 1, record 1 is a number"),
    "another path": (
        scripted(Reply({"data": {"items": []}})),
        {"records": "items"},
        "is not there, not a list. Set `records`: .*'data.items'",
    ),
    "the same page again": (
        lambda path, query: Reply(ROWS),
        {"paging": "page_number"},
        "page 2 has the same records as the one before",
    ),
    "a circle": (
        lambda path, query: Reply({"items": [{"a": str(query)}], "next": "?x=1"}),
        {"paging": {"type": "link", "field": "next"}, "records": "items"},
        "page 2 leads back to an earlier page",
    ),
    "no end": (
        lambda path, query: Reply([{"a": query["page"]}]),
        {"paging": "page_number", "max_pages": 5},
        "there are more than 5 pages",
    ),
    "too large": (scripted(Reply([{"a": "x" * 99_000}])), {"max_bytes": 90_000}, "90,000 bytes"),
    "a redirect to another server": (
        scripted(redirect("http://localhost:1/")),
        {},
        "sends us to another server",
    ),
    "a redirect to a file": (
        scripted(redirect("file:///etc/passwd")),
        {},
        "file:///etc/passwd.* is not allowed",
    ),
    "a redirect to no address": (scripted(redirect("https://[x")), {}, "Invalid IPv6 URL"),
    "a link to no address": (
        scripted(Reply({"items": ROWS, "next": "https://[x"})),
        {"paging": {"type": "link", "field": "next"}, "records": "items"},
        "page 1 leads to a next page that has no address",
    ),
    "a link with half a character": (
        scripted(Reply({"items": ROWS, "next": "/\ud800"})),
        {"paging": {"type": "link", "field": "next"}, "records": "items"},
        r"/\\ud800: .* surrogates not allowed",
    ),
    "half a character as cursor": (
        scripted(Reply({"items": ROWS, "next": "\ud800"})),
        {"paging": {"type": "cursor", "field": "next"}, "records": "items"},
        "page 1 leads to a next page that has no address",
    ),
    "a time without end": (
        scripted(Reply("", 429, {"Retry-After": "Wed, 21 Oct 99999999999 07:28:00 GMT"})),
        {},
        "answers 429 .* in each of 6 tries",
    ),
    "a refusal that breaks off": (
        scripted(Reply(b"zz", 404, {"Transfer-Encoding": "chunked"})),
        {},
        "answers 404 Not Found",
    ),
    "a long header": (
        scripted(Reply(ROWS, headers={"Link": "<" * 9_000})),
        {"paging": "link"},
        "the header `Link` has more than 8192 characters",
    ),
    "a link to another server": (
        scripted(Reply({"items": ROWS, "next": "http://169.254.169.254/latest"})),
        {"paging": {"type": "link", "field": "next"}, "records": "items"},
        r"169\.254.* sends us to another server",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_servers_do_wrong_is_named_and_leaves_the_old_snapshot(
    case: str, server: Server
) -> None:
    server.respond, settings, message = WRONG[case]
    wrong, server.respond = server.respond, lambda *_: Reply([{"a": 0}])
    collect(server.url)
    server.respond = wrong
    with pytest.raises(DataError, match=message) as refusal:
        collect(server.url, **settings)
    assert "\n" not in str(refusal.value)
    assert pl.read_parquet("snapshots/orders/table.parquet").to_dicts() == [{"a": 0}]
    assert not [path for path in Path("snapshots").iterdir() if path.name.endswith(".new")]


@pytest.mark.parametrize("target", ["http://localhost:1/", "file:///etc/passwd", "https://[x"])
def test_a_redirect_that_is_not_followed_is_closed(target: str, server: Server) -> None:
    server.respond = scripted(redirect(target))

    with pytest.raises(DataError):
        collect(server.url)

    gc.collect()  # warns of a socket left open, which fails the test


def test_pages_that_take_too_long_are_given_up(server: Server) -> None:
    server.respond = page_numbers
    with pytest.raises(DataError, match="more than 1e-06 seconds"):
        collect(server.url, paging={"type": "page_number", "first": 0}, max_seconds=1e-6)


def test_a_server_that_sends_headers_for_ever_is_given_up(server: Server) -> None:
    def drip(path: str, query: dict[str, str]) -> Reply:
        for _ in range(20):
            server.seen[-1].wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            time.sleep(0.1)
        return Reply(ROWS)

    server.respond = drip
    start = time.monotonic()
    with pytest.raises(DataError, match=r"more than 0\.3 seconds"):
        collect(server.url, max_seconds=0.3)
    assert time.monotonic() - start < 1.9


@pytest.mark.parametrize("body", [f"<p>{'x' * 50}{TOKEN}", json.dumps(TOKEN).replace("/", r"\/")])
@pytest.mark.parametrize("status", [200, 403])
def test_a_token_that_the_server_repeats_is_not_shown(
    body: str, status: int, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONWARD_SHOP_TOKEN", TOKEN)
    server.respond = lambda *_: Reply(f"{body},".encode(), status)
    with pytest.raises(DataError) as refusal:
        collect(server.url, token="ONWARD_SHOP_TOKEN")
    assert "t0p" not in str(refusal.value)


def test_an_address_that_is_none_is_named(server: Server) -> None:
    with pytest.raises(DataError, match="Correct `url`"):
        collect("http://a..b/")


def test_a_token_outside_ascii_is_named(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONWARD_SHOP_TOKEN", "tökén")
    with pytest.raises(ConfigError, match="ONWARD_SHOP_TOKEN has a character outside ASCII"):
        collect(server.url, token="ONWARD_SHOP_TOKEN")


def test_a_first_page_without_the_field_of_the_next_one_is_noted(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    server.respond = lambda *_: Reply({"items": ROWS})
    assert collect(server.url, paging=LINK, records="items").height == len(ROWS)
    assert "page 1 has no 'links.next', so it is taken as the only one" in caplog.text


def test_a_server_that_is_not_there_is_named_at_once(server: Server) -> None:
    with pytest.raises(DataError, match=r"127\.0\.0\.1:1/.* cannot be reached .*refused"):
        collect("http://127.0.0.1:1/orders")


def test_a_redirect_on_the_same_server_is_followed(server: Server) -> None:
    server.respond = lambda path, _: Reply(ROWS) if path == "/new" else redirect("/new")
    assert collect(server.url).to_dicts() == ROWS


def test_objects_lists_and_large_numbers_have_a_column(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "BATCH", 2)  # the type of a column shows in a later batch
    server.respond = lambda *_: Reply(
        [
            {"id": 1, "who": None, "tags": [], "share": None},
            {"id": 2, "who": {"name": "Ö", "at": {"zip": "01"}}, "tags": ["a", {"b": 1}]},
            {"id": 2**80, "share": 1, "who": {}},
            {"id": -5, "share": 0.5, "late": True},
        ]
    )
    table = collect(server.url)
    assert table["id"].to_list() == ["1", "2", str(2**80), "-5"]
    assert table["who.at.zip"].to_list() == [None, "01", None, None]
    assert table["tags"].to_list() == ["[]", '["a", {"b": 1}]', None, None]
    assert table["share"].to_list() == [None, None, 1.0, 0.5]
    assert table["late"].to_list() == [None, None, None, True]


def test_addresses_are_shown_without_what_may_be_secret() -> None:
    assert redact("https://me:pw@a.example/b?token=x#y") == "https://a.example/b"


@pytest.mark.parametrize(
    ("header", "link"),
    [
        ('<https://a/?b=1,2>; title="a, b"; rel="prev next"', "https://a/?b=1,2"),
        ("<x>; rel=last, <y>; rel=Next", "y"),
        ("<x>; rel=nextish", None),
        ("nonsense", None),
    ],
)
def test_the_link_to_the_next_page_is_found(header: str, link: str | None) -> None:
    from email.message import Message

    headers = Message()
    headers["Link"] = header
    assert _next_link("https://a/", headers) == link
