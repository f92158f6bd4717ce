"""`dvc repro data.dvc` brings a table from a server, and again when it changes there.

The servers are real ones on loopback: of Python for HTTP, moto for S3, asyncssh for SSH, which is
the library that DVC itself talks SSH with; no sshd is needed.
"""

import asyncio
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from onward.commands._project import import_of

pytestmark = pytest.mark.slow


@dataclass
class Server:
    """Where a table is, and what DVC has to know to get there."""

    put: Callable[[bytes], Any]
    path: str
    remote: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def http(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "served").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=partial(socketserver.BaseServer.serve_forever, server))
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/table.csv"
        yield Server((tmp_path / "served/table.csv").write_bytes, url)
        server.shutdown()
        thread.join()


@pytest.fixture
def s3() -> Iterator[Server]:
    pytest.importorskip("dvc_s3", reason="the extra s3 is not installed")
    moto = pytest.importorskip("moto.server")
    boto3 = pytest.importorskip("boto3")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    server = moto.ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="shop")
    yield Server(
        lambda data: client.put_object(Bucket="shop", Key="tables/table.csv", Body=data),
        "remote://far/tables/table.csv",
        {"url": "s3://shop", "endpointurl": url},
        {name.upper(): value for name, value in keys.items()},
    )
    client.close()
    server.stop()


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[Server]:
    pytest.importorskip("dvc_ssh", reason="the extra ssh is not installed")
    asyncssh = pytest.importorskip("asyncssh")
    home, served = tmp_path / "home", tmp_path / "served"
    (home / ".ssh").mkdir(parents=True)
    served.mkdir()
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(str(home / "key"))
    (home / "key").chmod(0o600)
    key.write_public_key(str(home / "authorized"))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[key],
            authorized_client_keys=str(home / "authorized"),
            sftp_factory=True,
        )

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(30)
    public = key.export_public_key().decode()
    (home / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{server.get_port()} {public}")
    yield Server(
        (served / "table.csv").write_bytes,
        "remote://far/table.csv",
        {"url": f"ssh://me@127.0.0.1:{server.get_port()}{served}", "keyfile": str(home / "key")},
        {"HOME": str(home), "SSH_AUTH_SOCK": ""},
    )
    loop.call_soon_threadsafe(server.close)
    asyncio.run_coroutine_threadsafe(server.wait_closed(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def dvc(folder: Path, server: Server, *words: str) -> str:
    environment = {**os.environ, **server.environment, "DVC_NO_ANALYTICS": "1"}
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["http", "s3", "ssh"])
def test_a_table_comes_from_a_server_and_again_when_it_changed(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    server: Server = request.getfixturevalue(kind)
    project = tmp_path / "project"
    project.mkdir()
    table = project / "data/table.csv"
    dvc(project, server, "init", "--no-scm", "--quiet")
    for name, value in server.remote.items():
        dvc(project, server, "config", f"remote.far.{name}", value)
    text = import_of(project, Path("table.csv"))
    local = next(line for line in text.splitlines() if line.startswith("- path: "))
    (project / "data.dvc").write_text(text.replace(local, f"- path: {server.path}", 1))

    for data in (b"a,b\n1,x\n", b"a,b\n1,x\n2,y and more\n"):
        server.put(data)
        dvc(project, server, "repro", "data.dvc")
        assert table.read_bytes() == data
    unchanged = table.stat().st_mtime_ns
    dvc(project, server, "repro", "data.dvc")
    assert table.stat().st_mtime_ns == unchanged
