"""The server process: limits, tokens, reloads, its end, and what is loaded in it."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import msgspec
import pytest
from example_model import TABLE, edit, example
from served import Server, serving

from onward.serving.server.state import State

LIBRARIES = {
    *("numpy", "onnxruntime", "msgspec", "onward"),
    *("uvicorn", "click", "httptools", "typing_extensions", "uvloop"),
}
STARTUP = {"_distutils_hack", "sitecustomize"}  # of the interpreter that runs the tests
OURS = tuple(
    f"onward.{name}" for name in ("serving", "errors", "schema", "wires", "wording", "artifacts")
)
ROW = TABLE.to_dicts()[0]
BODY = json.dumps([ROW]).encode()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return example(tmp_path / "income.onnx")


def wait_for(is_so: Callable[[], bool], timeout_s: float = 20) -> None:
    end = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def replace(path: Path, data: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(data)
    new.replace(path)


def version(server: Server) -> str:
    return str(server.post("/predict", [ROW]).json["model_version"])


def test_only_a_few_libraries_are_loaded(tmp_path: Path, model: Path) -> None:
    env = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}

    with serving(tmp_path, model, "--grace", "0", env=env) as server:
        assert server.post("/predict", [ROW]).status == 200
        log = server.log.read_text()

    # each interpreter writes the header once; the last one is the server, which exec started
    lines = log.rpartition("imported package")[2].splitlines()
    modules = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time")}
    packages = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names
    found = {name for name in packages - STARTUP if find_spec(name)}  # others were only tried
    assert found <= LIBRARIES
    assert all(name.startswith(OURS) for name in modules if name.startswith("onward."))
    assert "onward.serving.server.worker" in modules


def test_objects_are_predicted(tmp_path: Path, model: Path) -> None:
    other = example(tmp_path / "pay.onnx", "regression")

    with serving(tmp_path, model, other, "--grace", "0") as server:
        incomes = server.post("/predict", [ROW, ROW | {"unknown": 1, "age": None}])
        pays = server.post("/models/pay/predict", [ROW])
        answers = [server.post("/predict", body) for body in (b"{", {"age": 1}, [1], [{"aeg": 1}])]
        wrong = server.post("/predict", [ROW, ROW | {"age": "old"}])
        empty = server.post("/predict", b" ")

    [first, _] = incomes.json["predictions"]
    assert first["label"] in first["probabilities"]
    assert sum(first["probabilities"].values()) == pytest.approx(1)
    assert list(pays.json["predictions"][0]) == ["value", "lower", "upper"]
    assert {answer.status for answer in answers} == {400}
    assert "'age', row 1: 'old' is not a number. Correct it" in wrong.json["error"]
    remedy = "Put the object in a list: [{...}]"
    assert [remedy in answer.json["error"] for answer in answers] == [True, True, False, False]
    assert "the body is empty" in empty.json["error"]


def test_a_token_is_asked_for(tmp_path: Path, model: Path) -> None:
    env = {**os.environ, "OUR_TOKEN": "sesame"}
    options = ("--host", "0.0.0.0", "--token-env", "OUR_TOKEN", "--grace", "0")

    with serving(tmp_path, model, *options, env=env) as server:
        refused = [
            server.post("/predict", BODY, **given)
            for given in ({}, {"Authorization": "Bearer sesam"}, {"Authorization": "Basic %%%"})
        ]
        bearer = server.post("/predict", BODY, Authorization="Bearer sesame")
        basic = server.post("/predict", BODY, Authorization="Basic dXNlcjpzZXNhbWU=")
        health = server.get("/v2/health/ready")

    assert [answer.status for answer in refused] == [401] * 3
    assert refused[0].headers["www-authenticate"].startswith("Bearer")
    assert bearer.status == basic.status == health.status == 200
    assert "sesame" not in server.log.read_text()


def refusal(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "onward", "serve", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_no_open_address_without_a_token(model: Path) -> None:
    done = refusal(model, "--host", "0.0.0.0")

    assert done.returncode == 2
    assert "--token-env" in done.stderr


def test_the_address_that_is_printed_can_be_opened(tmp_path: Path, model: Path) -> None:
    with socket.socket(socket.AF_INET6) as free:
        try:
            free.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
    with serving(tmp_path, model, "--host", "::1", "--grace", "0") as server:
        said = re.search(r"ready at (http://\[::1\]:\d+)\n", server.log.read_text())
        assert said is not None
        with urlopen(f"{said[1]}/v2/health/live") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_damaged_file_is_never_served_and_named_once(model: Path, workers: str) -> None:
    model.write_bytes(model.read_bytes()[:-1_000])

    done = refusal(model, "--port", "0", "--workers", workers)

    assert done.returncode == 66
    assert done.stderr.count(str(model)) == 1
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named(model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = refusal(model, "--port", str(port))

    assert done.returncode == 74
    assert done.stderr == f"127.0.0.1:{port}: Address already in use. Choose another --port\n"


def test_a_port_that_another_server_takes_meanwhile_is_named(model: Path) -> None:
    with socket.socket() as ours, socket.socket() as theirs:
        for listener in (ours, theirs):  # Linux lets both bind as long as neither listens
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        ours.bind(("127.0.0.1", 0))
        port = ours.getsockname()[1]
        theirs.bind(("127.0.0.1", port))
        theirs.listen()
        options = msgspec.json.encode({"models": {"income": str(model)}, "port": port}).decode()
        command = [sys.executable, "-m", "onward.serving.server", options, str(ours.fileno()), "0"]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, pass_fds=[ours.fileno()]
        )

    assert done.returncode == 74
    assert done.stderr == f"127.0.0.1:{port}: Address already in use. Choose another --port\n"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--port", "65536"], 2, "65535"),
        (["--host", "192.0.2.1", "--insecure"], 74, "192.0.2.1:8080: Cannot assign requested"),
        (["--host", "192.0.2.1", "--insecure"], 74, "Correct --host"),
        (["--log", "income.onnx"], 2, "--log income.onnx: is a file, and the log is a folder"),
        (["--log", "log", "--log-columns", "age,Pay", "--port", "0"], 78, "no column 'Pay'"),
        (["--log-columns", "age"], 2, "--log-columns needs --log"),
        (["--workers", "9999"], 2, f"Give at most {4 * (os.cpu_count() or 1)}"),
        (["--log-sample", "0.5"], 2, "--log-sample needs --log"),
    ],
)
def test_a_wrong_option_is_named(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    model: Path,
    options: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)

    done = refusal(model, *options)

    assert done.returncode == code
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert "Traceback" not in done.stderr


@pytest.fixture
def load() -> Iterator[Callable[[Server], "Load"]]:
    loads: list[Load] = []

    def start(server: Server) -> Load:
        loads.append(Load(server))
        return loads[-1]

    yield start
    for one in loads:
        one.stop()


class Load:
    """Clients that ask again and again on connections that they keep."""

    def __init__(self, server: Server, clients: int = 4) -> None:
        self._port = server.port
        self.answers: Counter[tuple[int, str]] = Counter()
        """How many by status and version."""
        self.failures: list[Exception] = []
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self._is_over.is_set():
            try:
                connection.request("POST", "/predict", BODY)
                response = connection.getresponse()
                document: dict[str, Any] = json.loads(response.read())
                self.answers[response.status, document.get("model_version", "")] += 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)
                connection.close()
        connection.close()


def test_a_new_file_takes_over_and_a_broken_one_does_not(
    tmp_path: Path, model: Path, load: Callable[[Server], Load]
) -> None:
    with serving(tmp_path, model, "--grace", "0") as server:
        first, good = version(server), model.read_bytes()
        clients = load(server)
        # writes in place, so the server may read half of it
        edit(model, {"metrics": '{"validation/loss": 0.5}'})
        wait_for(lambda: version(server) != first)
        second = version(server)
        replace(model, good[:-1_000])
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "is refused and the old one still served" in server.log.read_text())
        assert version(server) == second
        assert server.post(f"/v2/models/income/versions/{first}/infer", {}).status == 400  # there
        replace(model, good)
        wait_for(lambda: version(server) == first)
        clients.stop()

    assert not clients.failures
    assert {status for status, _ in clients.answers} == {200}
    assert {name for _, name in clients.answers} == {first, second}


def test_a_file_of_other_columns_does_not_take_over(tmp_path: Path, model: Path) -> None:
    other = example(tmp_path / "pay.onnx", "regression").read_bytes()

    with serving(tmp_path, model, "--grace", "0") as server:
        first = version(server)
        replace(model, other)
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "clients" in server.log.read_text())

        assert version(server) == first


def test_requests_during_the_end_are_answered(
    tmp_path: Path, model: Path, load: Callable[[Server], Load]
) -> None:
    with serving(tmp_path, model, "--grace", "1") as server:
        clients = load(server)
        wait_for(lambda: clients.answers.total() > 20)

        server.process.terminate()
        wait_for(lambda: server.get("/v2/health/ready").status == 503)
        clients.stop()  # as a load balancer would, now that the server is not ready

    assert not clients.failures
    assert {status for status, _ in clients.answers} == {200}


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGKILL, "was killed by signal 9"), (signal.SIGTERM, "ended")],
)
def test_a_worker_that_ends_is_replaced(
    tmp_path: Path, model: Path, number: int, reason: str
) -> None:
    with serving(tmp_path, model, "--workers", "2", "--grace", "0") as server:
        wait_for(lambda: server.log.read_text().count("ready at") == 2)
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        victim = int(children.read_text().split()[0])

        os.kill(victim, number)
        wait_for(lambda: server.log.read_text().count("ready at") == 3)

        assert version(server)
        assert re.search(rf"worker \d {reason} and is restarted", server.log.read_text())


def test_a_signal_while_a_worker_waits_for_its_restart_ends_the_server(
    tmp_path: Path, model: Path
) -> None:
    with serving(tmp_path, model, "--workers", "2", "--grace", "0") as server:
        wait_for(lambda: server.log.read_text().count("ready at") == 2)
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        os.kill(int(children.read_text().split()[0]), signal.SIGKILL)
        wait_for(lambda: "is restarted" in server.log.read_text())

        server.process.terminate()

        assert server.process.wait(20) == 0
        assert server.log.read_text().count("ready at") == 2


def test_as_many_requests_wait_as_take_25_ms() -> None:
    state = State()
    assert state.most_ready() == 64
    state.took(0.001)
    assert state.most_ready() == 25
    for _ in range(200):
        state.took(0.1)
    assert state.most_ready() == 3


def test_what_is_too_much_is_refused_with_429(tmp_path: Path, model: Path) -> None:
    body = json.dumps([ROW] * 100).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    with serving(tmp_path, model, "--max-waiting", "3", "--grace", "0") as server:
        slow = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        for connection in slow:
            connection.sendall(head + body[:100])  # began, and takes its time
        wait_for(lambda: server.post("/predict", BODY).status == 429)
        refused = server.post("/predict", BODY)
        health = server.get("/v2/health/ready")
        for connection in slow:
            connection.sendall(body[100:])
        answers = [connection.recv(100) for connection in slow]
        for connection in slow:
            connection.close()
        accepted = server.post("/predict", BODY)

    assert refused.headers["retry-after"] == "1"
    assert health.status == accepted.status == 200
    assert all(b" 200 " in answer for answer in answers)
