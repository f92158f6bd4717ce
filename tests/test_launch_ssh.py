"""`onward launch ssh`, with an `ssh` that runs its command on this machine."""

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from test_launch import CONFIG as TEXT
from test_launch import await_that

from onward import stages
from onward.artifacts.publishing import inputs_of, publishing, sha256
from onward.cli._launch.fetched import refuse_other_results
from onward.cli._launch.ssh import RemoteRun
from onward.errors import ArtifactError, LockedError, PeerError
from onward.settings.config import section

CONFIG = Path("configs/table.yaml")
ARTIFACTS = Path("artifacts/table")
HERE = '#!/bin/sh\nshift\nexec sh -c "$*"\n'
COPY = '#!/bin/sh\ncat >/dev/null\ntouch "$COPIED"\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in the current folder."""
    folder = tmp_path / "project"
    (folder / "configs").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "data/table.csv").write_text("a,b,y\n1,2,3\n")
    (folder / CONFIG).write_text(TEXT.replace("EPOCHS", "5"))
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


def finish(folder: Path, *names: str) -> Path:
    """Publish stages in a folder, as of the config and the table here."""
    for name in names or stages.ORDER:
        settings = section(CONFIG, name, importlib.import_module(f"onward.stages.{name}").Settings)
        notes: dict[str, Any] = {"settings": settings.model_dump(mode="json")}
        if name == "train":
            notes["given"] = settings.model_dump(mode="json", exclude_unset=True)
            notes["settings"] |= {"completed": True}
        notes["inputs"] = inputs_of(folder, *stages.READS[name])
        if name == "prepare":
            notes["inputs"] = {"data": sha256(Path("data/table.csv"))}
        with publishing(folder / name, **notes) as work:
            (work / "plots").mkdir()
            (work / "plots/curve.csv").write_text("1\n")
    return folder


def change(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def change_config(old: str, new: str) -> Callable[[], None]:
    return lambda: change(CONFIG, old, new)


def prepare_again() -> None:
    change(CONFIG, "test: 0.2", "test: 0.3")
    finish(ARTIFACTS, "prepare")


@pytest.mark.parametrize(
    ("happen", "stage", "message"),
    [
        (lambda: None, None, None),
        (change_config("test: 0.2", "test: 0.3"), "prepare", "made with other settings than"),
        (change_config("width: 8", "width: 9"), "train", "made with other settings than"),
        (change_config("evaluate: {}", "evaluate: {seed: 1}"), "evaluate", "other settings than"),
        (
            lambda: change(Path("data/table.csv"), "3", "4"),
            "prepare",
            "another data/table.csv than",
        ),
        (lambda: Path("data/table.csv").unlink(), "prepare", "another data/table.csv than the one"),
        (prepare_again, "train", "made from another 'prepare' than the current one"),
        (
            lambda: (ARTIFACTS / "export/plots/curve.csv").write_text("2"),
            "export",
            "export/plots/curve.csv: missing or incomplete. Fetch again",
        ),
        (lambda: shutil.rmtree(ARTIFACTS / "report"), "report", "'report' has not run here"),
    ],
)
def test_only_results_of_the_files_here_are_to_be_recorded(
    project: Path, happen: Callable[[], None], stage: str | None, message: str | None
) -> None:
    finish(ARTIFACTS)
    happen()

    refused = {}
    for name in stages.ORDER:
        try:
            refuse_other_results(CONFIG, ARTIFACTS / name)
        except ArtifactError as error:
            refused[name] = str(error)

    assert next(iter(refused), None) == stage
    assert message is None or message in refused[str(stage)]


def add_pipeline() -> None:
    """Write a `dvc.yaml` with the stages of one config."""
    stanzas = {
        name: {
            "matrix": {"config": ["table"]},
            "cmd": "false",
            "params": [{"configs/${item.config}.yaml": [name]}],
            "deps": [f"artifacts/${{item.config}}/{stage}" for stage in stages.READS[name]],
            "outs": [{f"artifacts/${{item.config}}/{name}": {"persist": True}}],
        }
        for name in stages.ORDER
    }
    with Path("dvc.yaml").open("w") as file:
        YAML().dump({"stages": stanzas}, file)
    Path(".gitignore").write_text("/artifacts/\n/data/\n")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], check=True)


def recorded() -> list[str]:
    lock = Path("dvc.lock")
    return [*YAML(typ="safe").load(lock)["stages"]] if lock.exists() else []


needs_rsync = pytest.mark.skipif(shutil.which("rsync") is None, reason="apt-get install rsync")


@needs_rsync
def test_a_fetched_run_is_recorded_if_it_is_of_the_files_here(
    tmp_path: Path, project: Path, program: Callable[[str, str], None]
) -> None:
    add_pipeline()
    finish(tmp_path / "there" / ARTIFACTS)

    run_in(tmp_path / "there").fetch()
    all_recorded = recorded()
    Path("dvc.lock").unlink()
    change(CONFIG, "width: 8", "width: 9")
    with pytest.raises(ArtifactError, match=r"does not record 'train' and the stages after it"):
        run_in(tmp_path / "there").fetch()

    assert all_recorded == [f"{name}@table" for name in stages.ORDER]
    assert recorded() == ["prepare@table"]


@needs_rsync
def test_the_reason_for_which_nothing_is_recorded_is_shown(
    tmp_path: Path,
    project: Path,
    program: Callable[[str, str], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    add_pipeline()
    change(Path("dvc.yaml"), "- table", "- other")
    finish(tmp_path / "there" / ARTIFACTS)

    with pytest.raises(PeerError, match="is fetched, but DVC cannot record it"):
        run_in(tmp_path / "there").fetch()

    assert "'prepare@table'" in capfd.readouterr().err


@needs_rsync
def test_a_fetch_replaces_the_folders_of_stages_and_nothing_else(
    tmp_path: Path, project: Path, program: Callable[[str, str], None]
) -> None:
    finish(tmp_path / "there" / ARTIFACTS, "prepare", "train")
    finish(ARTIFACTS, "prepare", "train", "export", "evaluate")
    shutil.rmtree(ARTIFACTS / "export")
    kept = {"evaluate/mine", "train/.gitignore", "notes/mine", ".train.checkpoints"}
    for name in (*kept, "train/old.json", "prepare/plots/old.csv"):
        (ARTIFACTS / name).parent.mkdir(exist_ok=True)
        (ARTIFACTS / name).touch()

    run_in(tmp_path / "there").fetch()

    files = {str(p.relative_to(ARTIFACTS)) for p in ARTIFACTS.rglob("*") if p.is_file()}
    assert kept | {"evaluate/manifest.json", "train/plots/curve.csv"} <= files
    assert not {"train/old.json", "prepare/plots/old.csv"} & files


@needs_rsync
def test_files_in_the_place_of_a_stage_are_not_lost(
    tmp_path: Path, project: Path, program: Callable[[str, str], None]
) -> None:
    finish(tmp_path / "there" / ARTIFACTS)
    (ARTIFACTS / "report").mkdir(parents=True)
    (ARTIFACTS / "report/notes.txt").touch()

    with pytest.raises(ArtifactError, match="its files are not results of onward"):
        run_in(tmp_path / "there").fetch()

    assert [*(ARTIFACTS / "report").iterdir()] == [ARTIFACTS / "report/notes.txt"]


def test_a_stopped_run_is_under_way_until_its_stage_ends(
    tmp_path: Path, project: Path, program: Callable[[str, str], None]
) -> None:
    program("rsync", COPY.replace("touch", ": "))
    stage = "#!/bin/sh\ntrap 'touch asked; while [ ! -e end ]; do sleep 0.1; done; exit' TERM\n"
    program("saving", stage + "touch begun; while :; do sleep 0.1; done\n")
    there = tmp_path / "there"
    run = run_in(there, "saving")
    run.start()
    await_that((there / "begun").exists)
    run.stop()
    await_that((there / "asked").exists)

    with pytest.raises(LockedError, match="runs on gpu1 already"):
        run.start()
    (there / "end").touch()

    assert run.follow() == 143
