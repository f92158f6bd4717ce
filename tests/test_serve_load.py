"""A server under load: nothing is lost when it restarts or reloads, and too much is refused."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from example_model import TABLE, edit, example
from served import Server, serving
from test_serve import replace, version, wait_for

ROWS = TABLE.to_dicts()
BODY = json.dumps(ROWS[:1]).encode()
LARGE = json.dumps(ROWS * 100).encode()  # 800 rows: 12 of these wait longer than 25 ms anywhere


class Client(threading.Thread):
    """Sends requests to the ready servers, as a load balancer does."""

    def __init__(self, servers: list[Server], requests: int) -> None:
        super().__init__()
        self.answers: Counter[tuple[int, str]] = Counter()
        self.failures: list[Exception] = []
        self._servers = servers
        self._requests = requests

    def run(self) -> None:
        connections: dict[int, http.client.HTTPConnection] = {}
        for number in range(self._requests):
            ready = list(self._servers)
            port = ready[number % len(ready)].port
            connection = connections.setdefault(
                port, http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            )
            try:
                connection.request("POST", "/predict", BODY)
                response = connection.getresponse()
                document = json.loads(response.read())
                self.answers[response.status, document.get("model_version", "")] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)
                connection.close()
        for connection in connections.values():
            connection.close()


def finish(clients: list[Client]) -> tuple[Counter[tuple[int, str]], list[Exception]]:
    answers: Counter[tuple[int, str]] = Counter()
    for client in clients:
        client.join()
        answers += client.answers
    return answers, [failure for client in clients for failure in client.failures]


@pytest.mark.slow
def test_a_rolling_restart_and_three_reloads_lose_nothing(tmp_path: Path) -> None:
    model = example(tmp_path / "income.onnx")
    good = model.read_bytes()
    edit(model, {"metrics": '{"validation/loss": 0.5}'})
    other = model.read_bytes()
    replace(model, good)
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()

    with ExitStack() as stack:
        start: Callable[[Path], Server] = lambda folder: stack.enter_context(  # noqa: E731
            serving(folder, model, "--grace", "2")
        )
        ready = [start(folders[0]), start(folders[1])]
        first = version(ready[0])
        clients = [Client(ready, 2_500) for _ in range(4)]
        for client in clients:
            client.start()
        for content in (other, good[:-500], good):
            replace(model, content)
            time.sleep(3)
        old, new = ready[0], start(folders[2])
        ready[:] = [ready[1], new]  # the new one is ready, and the old one is told to end
        old.process.terminate()
        answers, failures = finish(clients)
        log = ready[0].log.read_text()

    assert not failures
    assert answers.total() == 10_000
    assert {status for status, _ in answers} == {200}
    assert len({name for _, name in answers}) == 2
    assert (200, first) in answers
    assert "is refused and the old one still served" in log


def latencies(server: Server, clients: int, seconds: float) -> tuple[list[float], Counter[int]]:
    """Of the accepted requests, and all answers by status."""
    accepted: list[float] = []
    statuses: Counter[int] = Counter()
    end = time.monotonic() + seconds

    def ask() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        while time.monotonic() < end:
            start = time.monotonic()
            connection.request("POST", "/predict", LARGE)
            response = connection.getresponse()
            response.read()
            statuses[response.status] += 1
            if response.status == 200:
                accepted.append(time.monotonic() - start)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return accepted, statuses


@pytest.mark.slow
def test_what_is_too_much_gets_429_and_nothing_else(tmp_path: Path) -> None:
    model = example(tmp_path / "income.onnx")

    with serving(tmp_path, model, "--grace", "0") as server:
        wait_for(lambda: server.get("/v2/health/ready").status == 200)
        alone, _ = latencies(server, 1, 2)
        accepted, statuses = latencies(server, 12, 4)

    print(  # noqa: T201  (figures for people; the clock decides nothing)
        f"p99 alone {1e3 * np.quantile(alone, 0.99):.1f} ms, accepted under load"
        f" {1e3 * np.quantile(accepted, 0.99):.1f} ms; {dict(statuses)}"
    )
    assert set(statuses) == {200, 429}
    assert statuses[429] > 0
