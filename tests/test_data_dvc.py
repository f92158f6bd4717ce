"""`dvc repro data.dvc` brings a table from a server, and again when it changes there.

The servers are real ones on loopback: of Python for HTTP, moto for S3, asyncssh and OpenSSH for
SSH, and emulators for Google's and Azure's storage, which have to be installed:

    uv pip install --group clouds; npm install --global azurite
"""

import asyncio
import base64
import getpass
import os
import secrets
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from onward.cli._files import import_of

pytestmark = pytest.mark.slow

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
CLOUDS = "libraries of clouds are not installed: uv pip install --group clouds"
SSHD_CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {home}/key
AuthorizedKeysFile {home}/authorized
PidFile {home}/pid
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp internal-sftp
"""


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
def gs() -> Iterator[Server]:
    pytest.importorskip("dvc_gs", reason=CLOUDS)
    emulator = pytest.importorskip("gcp_storage_emulator.server", reason=CLOUDS)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket="shop")
    server.start()

    def put(data: bytes) -> None:
        where = f"{url}/upload/storage/v1/b/shop/o?uploadType=media&name=tables/table.csv"
        with urlopen(Request(where, data, {"Content-Type": "text/csv"}, method="POST")):
            pass

    yield Server(
        put,
        "remote://far/tables/table.csv",
        {"url": "gs://shop", "endpointurl": url, "allow_anonymous_login": "true"},
        {"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"},  # asks by gRPC, which the emulator lacks
    )
    server.stop()


@pytest.fixture
def azure(tmp_path: Path) -> Iterator[Server]:
    pytest.importorskip("dvc_azure", reason=CLOUDS)
    blob = pytest.importorskip("azure.storage.blob", reason=CLOUDS)
    azurite = shutil.which("azurite-blob")
    if azurite is None:
        pytest.skip("azurite is not here: npm install --global azurite")
    port, key = free_port(), base64.b64encode(secrets.token_bytes(64)).decode()
    account = (
        f"DefaultEndpointsProtocol=http;AccountName=shop;AccountKey={key};"
        f"BlobEndpoint=http://127.0.0.1:{port}/shop;"
    )
    accounts = {**os.environ, "AZURITE_ACCOUNTS": f"shop:{key}"}
    options = ["--silent", "--disableTelemetry", "--inMemoryPersistence", "--skipApiVersionCheck"]
    command = [azurite, "--blobPort", str(port), *options]
    with running(command, port, cwd=tmp_path, env=accounts, stdout=subprocess.DEVNULL):
        client = blob.BlobServiceClient.from_connection_string(account)
        client.create_container("shop")
        table = client.get_blob_client("shop", "tables/table.csv")
        yield Server(
            partial(table.upload_blob, overwrite=True),
            "remote://far/tables/table.csv",
            {"url": "azure://shop"},
            {"AZURE_STORAGE_CONNECTION_STRING": account},
        )
        table.close()
        client.close()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@contextmanager
def running(command: list[Any], port: int, **how: Any) -> Iterator[None]:
    """A server, from when it listens until nobody needs it."""
    with subprocess.Popen(command, **how) as server:
        try:
            await_port(port)
            yield
        finally:
            server.terminate()


def await_port(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"nothing listens on port {port}")


@dataclass
class Home:
    """Of somebody who may log in by key, and what the server offers."""

    folder: Path
    served: Path
    key: Any

    def server(self, port: int, user: str) -> Server:
        public = self.key.export_public_key().decode()
        (self.folder / ".ssh/known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
        url = f"ssh://{user}@127.0.0.1:{port}{self.served}"
        return Server(
            (self.served / "table.csv").write_bytes,
            "remote://far/table.csv",
            {"url": url, "keyfile": str(self.folder / "key")},
            {"HOME": str(self.folder), "SSH_AUTH_SOCK": ""},
        )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    pytest.importorskip("dvc_ssh", reason="the extra ssh is not installed")
    asyncssh = pytest.importorskip("asyncssh")
    home, served = tmp_path / "home", tmp_path / "served"
    (home / ".ssh").mkdir(parents=True)
    served.mkdir()
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(str(home / "key"))
    (home / "key").chmod(0o600)
    key.write_public_key(str(home / "authorized"))
    return Home(home, served, key)


@pytest.fixture
def ssh(home: Home) -> Iterator[Server]:
    asyncssh = pytest.importorskip("asyncssh")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def listen() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[home.key],
            authorized_client_keys=str(home.folder / "authorized"),
            sftp_factory=True,
        )

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(30)
    yield home.server(server.get_port(), "me")
    loop.call_soon_threadsafe(server.close)
    asyncio.run_coroutine_threadsafe(server.wait_closed(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def sshd(home: Home) -> Iterator[Server]:
    if SSHD is None:
        pytest.skip("OpenSSH's server is not here: apt-get install openssh-server")
    if os.geteuid() == 0 and not Path("/run/sshd").is_dir():
        pytest.skip("sshd run by root needs a folder: mkdir /run/sshd")
    port = free_port()
    config = home.folder / "sshd_config"
    config.write_text(SSHD_CONFIG.format(port=port, home=home.folder))
    with running([SSHD, "-D", "-f", config, "-E", home.folder / "log"], port):
        yield home.server(port, getpass.getuser())


def dvc(folder: Path, server: Server, *words: str) -> str:
    environment = {**os.environ, **server.environment, "DVC_NO_ANALYTICS": "1"}
    command = [sys.executable, "-m", "dvc", *words]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["http", "s3", "gs", "azure", "ssh", "sshd"])
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
