"""`onward launch ssh`, with an `ssh` that runs its command on this machine."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from test_launch import await_that

from onward.cli._launch.ssh import RemoteRun
from onward.errors import LockedError, PeerError

CONFIG = Path("configs/table.yaml")
HERE = '#!/bin/sh\nshift\nexec sh -c "$*"\n'
COPY = '#!/bin/sh\ncat >/dev/null\ntouch "$COPIED"\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the current folder."""
    folder = tmp_path / "project"
    (folder / "configs").mkdir(parents=True)
    (folder / CONFIG).write_text("prepare: {source: {type: csv, path: table.csv}}\n")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write a program, which is found first; `ssh` is there."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")

    def write(name: str, text: str) -> None:
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)

    write("ssh", HERE)
    return write


def run_in(folder: Path, command: str = "true") -> RemoteRun:
    return RemoteRun("gpu1", CONFIG, str(folder), command)


def test_nothing_is_copied_to_a_run_under_way(
    tmp_path: Path,
    project: Path,
    program: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program("rsync", COPY)
    program("busy", "#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setenv("COPIED", str(tmp_path / "copied"))
    run = run_in(tmp_path / "there", "busy")
    run.start()
    (tmp_path / "copied").unlink()
    await_that((tmp_path / "there/.onward/table.pid").exists)

    with pytest.raises(LockedError, match=r"configs/table.yaml runs on gpu1 already"):
        run.start()
    run.stop()

    assert not (tmp_path / "copied").exists()


@pytest.mark.parametrize("start", ["", " 1"])
def test_another_process_with_the_number_of_a_run_is_left_alone(
    tmp_path: Path, project: Path, program: Callable[[str, str], None], start: str
) -> None:
    """As after a reboot of the host, whose file was written by this version or an older one."""
    program("rsync", COPY.replace("touch", ": "))
    folder = tmp_path / "there/.onward"
    folder.mkdir(parents=True)
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        (folder / "table.pid").write_text(f"{other.pid}{start}\n")
        (folder / "table.log").write_text("killed\n")
        run = run_in(tmp_path / "there")

        with pytest.raises(PeerError, match="does not run on gpu1"):
            run.stop()
        followed = run.follow()
        run.start()

        assert followed == 143
        await_that((folder / "table.code").exists)
        assert other.poll() is None
        other.kill()
