"""A config from a stranger is refused in words, or obeyed within its folder, and soon."""

import ctypes
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked import onward
from hostile_configs import TABLE, Hostile, config, hostile_configs, some

LONGEST = 10  # seconds of processor time
CODES = (0, 65, 66, 71, 74, 76, 78)  # all that errors.md explains, without bugs (70)
OPENED = 0x20  # inotify's IN_OPEN


class Stranger:
    """A folder with a table, beside a file and a server that nothing may reach."""

    def __init__(self, folder: Path) -> None:
        self.project, outside = folder / "project", folder / "outside"
        self.project.mkdir()
        outside.mkdir()
        self.secret = outside / "secret.csv"
        self.secret.write_text("a,TOPSECRET\n1,2\n")
        self.folder, self.before = folder, listing(folder, self.project)
        (self.project / "table.csv").write_text(TABLE)
        os.mkfifo(self.project / "fifo")
        (self.project / "loop").symlink_to("loop")
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.setblocking(False)
        self.url = f"http://127.0.0.1:{self.server.getsockname()[1]}"
        libc = ctypes.CDLL(None)
        self.watch = libc.inotify_init1(os.O_NONBLOCK)
        assert libc.inotify_add_watch(self.watch, bytes(self.secret), OPENED) > 0

    def run(self, hostile: Hostile) -> list[str]:
        """What is wrong with what a stage makes of a config."""
        path = self.project / "c.yaml"
        path.write_bytes(hostile.text if isinstance(hostile.text, bytes) else hostile.text.encode())
        try:
            done = onward(self.project, hostile.stage, "c.yaml")
        except TimeoutError as error:
            return [f"hangs: {error}"]
        wrong = [] if done.seconds < LONGEST else [f"takes {done.seconds:.0f} s"]
        if done.returncode not in CODES:
            wrong.append(f"ends with {done.returncode}: {done.stderr[-300:]}")
        if any(not (letter.isprintable() or letter in "\n\t") for letter in done.stderr):
            wrong.append(f"writes control characters: {done.stderr[:300]!r}")
        return wrong + self._reached(done.stderr)

    def _reached(self, said: str) -> list[str]:
        wrong = ["reads the secret"] if "TOPSECRET" in said else []
        for what, look in (("opens the secret", self._opened), ("connects", self._connected)):
            try:
                look()
                wrong.append(what)
            except BlockingIOError:
                pass
        if listing(self.folder, self.project) != self.before:
            wrong.append("writes outside of the project")
        known = {"c.yaml", "table.csv", "fifo", "loop", "artifacts"}
        made = {path.name for path in self.project.iterdir() if not path.name.startswith(".")}
        return wrong + [f"writes {name}" for name in made - known]

    def _opened(self) -> None:
        os.read(self.watch, 4096)

    def _connected(self) -> None:
        self.server.accept()[0].close()

    def close(self) -> None:
        self.server.close()
        os.close(self.watch)


def listing(folder: Path, project: Path) -> list[tuple[str, int, int]]:
    paths = [path for path in folder.rglob("*") if project not in (path, *path.parents)]
    return sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Stranger]:
    made = Stranger(tmp_path)
    yield made
    made.close()


def check(stranger: Stranger, configs: list[Hostile]) -> None:
    wrong = stranger.run(Hostile("harmless", config()))
    done = onward(stranger.project, "prepare", "c.yaml")
    assert (wrong, done.returncode) == ([], 0)
    found = {hostile.name: stranger.run(hostile) for hostile in configs}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_the_watchers_see_what_they_watch(stranger: Stranger) -> None:
    stranger.secret.read_text()
    socket.create_connection(stranger.server.getsockname()).close()
    (stranger.folder / "made").touch()
    (stranger.project / "pwned").touch()
    assert set(stranger.run(Hostile("harmless", config()))) == {
        "opens the secret",
        "connects",
        "writes outside of the project",
        "writes pwned",
    }


def test_some_hostile_configs_do_no_harm(stranger: Stranger) -> None:
    check(stranger, some(hostile_configs(str(stranger.secret), stranger.url), 15))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_all_hostile_configs_do_no_harm(part: int, stranger: Stranger) -> None:
    configs = hostile_configs(str(stranger.secret), stranger.url)
    assert len(configs) >= 180
    check(stranger, configs[part::4])
