"""A published folder is whole or not there."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from onward.artifacts import publishing as publishing_module
from onward.artifacts.publishing import MANIFEST, manifest, publishing, sha256, verify
from onward.artifacts.replacing import replacing
from onward.errors import ArtifactError, LockedError

PACKAGE = Path(__file__).parents[1] / "src" / "onward"
IGNORED = shutil.ignore_patterns("__pycache__", "datasets")


def publish(folder: Path, text: str) -> None:
    with publishing(folder, seed=3) as work:
        (work / "a.txt").write_text(text)


def test_a_folder_appears_with_a_manifest(tmp_path: Path) -> None:
    folder = tmp_path / "train"
    publish(folder, "old")
    publish(folder, "new")
    assert verify(folder / "a.txt").read_text() == "new"
    assert manifest(folder) == {"files": {"a.txt": sha256(folder / "a.txt")}, "seed": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "train"
    publish(folder, "old")
    with pytest.raises(TypeError), publishing(folder) as work:
        (work / "a.txt").write_text(None)  # type: ignore[arg-type]
    assert verify(folder / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


def test_a_killed_writer_leaves_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "train"
    publish(folder, "old")
    code = f"""
import os, signal
from pathlib import Path
from onward.artifacts.publishing import publishing
with publishing(Path({str(folder)!r})) as work:
    (work / "a.txt").write_text("new")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert verify(folder / "a.txt").read_text() == "old"
    publish(folder, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


@pytest.mark.parametrize("change", ["edit", "remove", "forget"])
def test_a_changed_file_is_refused(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "train"
    publish(folder, "text")
    if change == "edit":
        (folder / "a.txt").write_text("texT")
    elif change == "remove":
        (folder / "a.txt").unlink()
    else:
        (folder / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match="Run `onward train`"):
        verify(folder / "a.txt")


def test_a_file_is_replaced_or_left(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(TypeError), replacing(path) as new:
        new.write_text(None)  # type: ignore[arg-type]
    assert path.read_text() == "old"
    with replacing(path) as new:
        new.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_another_command_writes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    (tmp_path / ".out.csv.new").write_text("left behind by a killed command")
    with replacing(path) as new:
        new.write_text("whole")
        with pytest.raises(LockedError, match=r"out\.csv: another command is writing this file"):
            publish_text(path, "other")
    assert path.read_text() == "whole"
    publish_text(path, "other")
    assert path.read_text() == "other"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_written_where_the_system_numbers_it_anew_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.csv"
    monkeypatch.setattr(os.path, "samestat", lambda *_: False)
    publish_text(path, "whole")
    assert path.read_text() == "whole"


def publish_text(path: Path, text: str) -> None:
    with replacing(path) as new:
        new.write_text(text)


def test_commands_that_write_one_file_mix_nothing(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"

    def write(letter: str) -> set[str]:
        with suppress(LockedError):
            publish_text(path, letter * 99_999)
        return {*path.read_text()} if path.exists() else {letter}

    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(write, "abcdefgh" * 40))

    assert {len(letters) for letters in seen} == {1}
    assert list(tmp_path.iterdir()) == [path]


def test_the_hash_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.txt").write_text("1")
    before = sha256(tmp_path)
    (tmp_path / "b" / "a.txt").write_text("2")
    assert sha256(tmp_path) != before


def test_a_writer_killed_between_the_renames_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "train"
    publish(folder, "old")
    folder.rename(tmp_path / ".train.old")  # the first of the two
    with pytest.raises(TypeError), publishing(folder) as work:
        (work / "a.txt").write_text(None)  # type: ignore[arg-type]
    assert verify(folder / "a.txt").read_text() == "old"


def test_a_signal_between_the_renames_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, rename = tmp_path / "train", Path.rename
    monkeypatch.setattr(publishing_module, "_exchange", lambda *_: False)  # as on some disks
    publish(folder, "old")

    def end(path: Path, target: Path) -> None:
        rename(path, target)
        if path == folder:
            raise SystemExit(143)

    monkeypatch.setattr(Path, "rename", end)
    with pytest.raises(SystemExit):
        publish(folder, "new")
    assert verify(folder / "a.txt").read_text() == "old"
    assert not (tmp_path / ".train.old").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux exchanges folders in one step")
def test_readers_find_the_old_or_the_new_at_any_time(tmp_path: Path) -> None:
    folder = tmp_path / "train"
    publish(folder, "0")
    code = f"""
from pathlib import Path
from onward.artifacts.publishing import publishing
for number in range(40):
    with publishing(Path({str(folder)!r})) as work:
        (work / "a.txt").write_text(str(number))
"""
    writer = subprocess.Popen([sys.executable, "-c", code])
    while writer.poll() is None:
        assert folder.exists()
    assert writer.returncode == 0
    assert verify(folder / "a.txt").read_text() == "39"


def test_the_hash_of_the_code_covers_every_folder(tmp_path: Path) -> None:
    package = shutil.copytree(PACKAGE, tmp_path / "onward", ignore=IGNORED)
    place = package / "artifacts" / "publishing.py"
    spec = importlib.util.spec_from_file_location("copy_of_publishing", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    seen = {module.sha256_of_code()}

    files = [min(folder.rglob("*.py")) for folder in package.iterdir() if folder.is_dir()]
    for file in [*files, package / "schema.py"]:
        file.write_text(file.read_text() + "# changed\n")
        seen.add(module.sha256_of_code())

    assert len(files) > 10
    assert len(seen) == len(files) + 2


def test_a_folder_that_was_not_published_stays(tmp_path: Path) -> None:
    folder = tmp_path / "prepare"
    folder.mkdir()
    with publishing(folder) as work:  # an empty one is nobody's
        (work / "a.txt").write_text("a")
    (folder / MANIFEST).unlink()

    with pytest.raises(ArtifactError, match="this folder has no manifest"), publishing(folder):
        pass

    assert (folder / "a.txt").read_text() == "a"


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        got = pool.submit(pipe.read_text)
        with replacing(pipe) as new:
            new.write_text("rows")
        assert new == pipe
        assert got.result(10) == "rows"
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_a_device_is_never_replaced(name: str) -> None:
    with replacing(Path(name)) as new:
        assert new == Path(name)
