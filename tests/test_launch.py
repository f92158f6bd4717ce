"""What `onward launch` writes is valid; by ssh and SLURM, real runs end with the same bits."""

import getpass
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import kubernetes_validate
import numpy as np
import polars as pl
import pytest
from ruamel.yaml import YAML
from test_data_dvc import SSHD, SSHD_CONFIG, free_port, running
from typer.testing import CliRunner

from onward.__main__ import app
from onward.cli._files import pipeline
from onward.cli._launch.job import Job, submit
from onward.cli._launch.ssh import RemoteRun
from onward.errors import ConfigError, ExtraError, PeerError
from onward.training.checkpoints import checkpoint_folder

SOURCES = Path(__file__).parents[1] / "src"
SLURM = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")
SLURM_CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
JobRequeue=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=60 State=UP
"""
SIZES = [(1, 0), (1, 1), (1, 8), (2, 8)]
CONFIG = """\
prepare:
  source: {type: csv, path: data/table.csv}
  target: {name: y, kind: number}
  split: {type: random, validation: 0.2, test: 0.2}
  columns:
    a: {type: numerical}
    b: {type: numerical}
train:
  network:
    embedder: {type: identity}
    model: {type: mlp, width: 8, depth: 1, dropout: 0.2}
    head: {type: regression}
  learner: {batch_size: 45, max_epochs: EPOCHS, patience: EPOCHS}
export: {}
evaluate: {}
report: {}
"""


@pytest.fixture(autouse=True)
def _config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "configs").mkdir()
    for name in ("My Table_2", "table"):
        (tmp_path / f"configs/{name}.yaml").touch()
    monkeypatch.chdir(tmp_path)


def printed(*words: Any) -> str:
    done = CliRunner().invoke(app, ["launch", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.stdout


def sized(nodes: int, gpus: int) -> list[Any]:
    return ["configs/My Table_2.yaml", "--nodes", nodes, "--gpus", gpus]


def test_the_help_names_the_extra_of_the_image() -> None:
    assert "onward[train]" in printed("kubernetes", "--help")


@pytest.mark.parametrize(("nodes", "gpus"), SIZES)
def test_kubernetes_knows_every_key(nodes: int, gpus: int) -> None:
    text = printed("kubernetes", *sized(nodes, gpus), "--image", "registry.example.com/a:1")
    service, job = YAML(typ="safe").load_all(text)
    for version in ("1.29", "1.33"):
        kubernetes_validate.validate(service, version, strict=True)
        kubernetes_validate.validate(job, version, strict=True)
    assert job["metadata"]["name"] == service["metadata"]["name"] == "onward-my-table-2-0c5945"
    assert job["spec"]["completions"] == nodes
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert container["command"][0] == ("onward" if nodes * gpus <= 1 else "torchrun")
    assert container["command"][-2:] == ["train", "configs/My Table_2.yaml"]
    assert ("resources" in container) == bool(gpus)


@pytest.mark.parametrize(("nodes", "gpus"), SIZES)
def test_the_script_of_slurm_is_one(nodes: int, gpus: int) -> None:
    text = printed("slurm", *sized(nodes, gpus), "--time", "1:00:00")
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    head = [line for line in text.splitlines() if line.startswith("#SBATCH")]
    assert {"#SBATCH --requeue", f"#SBATCH --nodes={nodes}", "#SBATCH --time=1:00:00"} <= {*head}
    assert f"#SBATCH --cpus-per-task={8 * max(gpus, 1)}" in head  # one task on each node
    assert ("first=" in text) == (nodes > 1)
    assert "train 'configs/My Table_2.yaml' &" in text


@pytest.mark.parametrize(
    ("allocated", "cpus"),
    [({"SLURM_CPUS_PER_TASK": "12", "SLURM_CPUS_ON_NODE": "16"}, 12), ({}, 64)],
)
def test_a_job_of_slurm_uses_the_cpus_that_it_has(
    tmp_path: Path, allocated: dict[str, str], cpus: int
) -> None:
    """srun does not inherit them since version 22.05; a user may ask for whole nodes instead."""
    text = printed("slurm", "configs/table.yaml", "--cpus", 12)
    (tmp_path / "srun").write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / "srun").chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_CPUS_ON_NODE": "64", **allocated}

    done = subprocess.run(
        ["bash", "-s"], input=text, env=env, capture_output=True, text=True, check=True
    )

    assert "#SBATCH --cpus-per-task=12\n" in text
    assert done.stdout == f"--cpus-per-task={cpus} onward train configs/table.yaml\n"


@pytest.mark.parametrize("time", ["5", "5:00", "0:05:00", "0-0:5", "0-1", "1-0", "0"])
def test_a_job_of_slurm_has_time_to_train(time: str) -> None:
    assert f"#SBATCH --time={time}\n" in printed("slurm", "configs/table.yaml", "--time", time)


@pytest.mark.parametrize(("nodes", "gpus"), SIZES)
def test_a_task_of_skypilot_is_one(nodes: int, gpus: int, tmp_path: Path) -> None:
    text = printed("skypilot", *sized(nodes, gpus), "--accelerator", "A100")
    task = YAML(typ="safe").load(text)
    assert task["num_nodes"] == nodes
    assert task["resources"].get("accelerators") == ({"A100": gpus} if gpus else None)
    subprocess.run(["bash", "-n"], input=task["run"], text=True, check=True)
    sky = pytest.importorskip("sky", reason="uv pip install skypilot, which has 100 dependencies")
    (tmp_path / "task.yaml").write_text(text)
    assert sky.Task.from_yaml(str(tmp_path / "task.yaml")).num_nodes == nodes


@pytest.mark.parametrize("code", [0, 70])
@pytest.mark.parametrize("rank", ["0", "1"])
def test_a_task_of_skypilot_ends_with_the_code_of_the_training(
    tmp_path: Path, rank: str, code: int
) -> None:
    """SkyPilot restarts a task by its exit code."""
    (tmp_path / "onward").write_text(f"#!/bin/sh\nexit {code}\n")
    (tmp_path / "onward").chmod(0o755)
    (tmp_path / "artifacts/table").mkdir(parents=True)
    text = YAML(typ="safe").load(printed("skypilot", "configs/table.yaml"))["run"]
    script = text.replace("/checkpoints", f"{tmp_path}/checkpoints")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SKYPILOT_NODE_IPS": "127.0.0.1"}

    done = subprocess.run(
        ["bash", "-c", script], env={**env, "SKYPILOT_NODE_RANK": rank}, check=False
    )

    assert done.returncode == code
    assert (tmp_path / "checkpoints/artifacts/table").exists() == (rank == "0" and code == 0)


def test_a_scheduler_that_is_missing_is_named() -> None:
    with pytest.raises(ExtraError, match="'no-such-program' is not installed"):
        submit(["no-such-program"], "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["slurm", "configs/none.yaml"], "'configs/none.yaml' does not exist"),
        (["slurm", "configs/table.yaml", "--time", "soon"], "'soon' is no time of SLURM, such as"),
        *(
            (["slurm", "configs/table.yaml", "--time", time], f"'{time}' is too short: SLURM")
            for time in ("4", "2:00", "4:59", "0:04:59", "0-0:4", "0-0:0:1")
        ),
    ],
)
def test_a_job_that_cannot_run_is_not_written(words: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["launch", *words])
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("program", "error", "message"),
    [
        ("exit 255", PeerError, "launch: gpu1 cannot be reached by ssh. Correct the host"),
        ("exit 127", ExtraError, "'my-onward' is not a command on gpu1. Install it there"),
    ],
)
def test_a_host_that_cannot_train_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: str,
    error: type[Exception],
    message: str,
) -> None:
    for name in ("ssh", "rsync"):
        (tmp_path / name).write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(error, match=message):
        RemoteRun("gpu1", Path("configs/table.yaml"), "there", "my-onward").follow()


def test_a_host_is_no_option() -> None:
    with pytest.raises(ConfigError, match="is not a host"):
        RemoteRun("-oProxyCommand=x", Path("configs/t.yaml"), "folder", "onward")


@pytest.mark.parametrize("config", ["/other/configs/t.yaml", "../other/configs/t.yaml"])
def test_a_config_of_another_project_is_refused(config: str) -> None:
    with pytest.raises(ConfigError, match=f"{config} is not in this folder. Run the command in"):
        RemoteRun("gpu1", Path(config), "folder", "onward")


def test_names_have_the_letters_of_kubernetes() -> None:
    assert Job(Path("configs/a-b.yaml"), 1, 1).name == "onward-a-b"
    for name in ("ÄÖ", "-", "a_", "A.b", "x" * 80, "x" * 36 + "-y"):
        job = Job(Path(f"configs/{name}.yaml"), 1, 1)
        assert re.fullmatch(r"onward(-[a-z0-9]+)+", job.name)
        assert len(job.name) <= 50


def test_configs_with_similar_names_have_jobs_of_their_own() -> None:
    names = ["a-b", "a_b", "A-b", "a-b-", "x" * 80, "x" * 81, "ÄÖ", "ÄÜ"]
    assert len({Job(Path(f"configs/{name}.yaml"), 1, 1).name for name in names}) == len(names)


def test_kubernetes_replaces_a_job_that_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`kubectl apply` would leave it unchanged, and refuse another image."""
    (tmp_path / "kubectl").write_text('#!/bin/sh\necho "$@"\ncat "$5"\n')
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    said = printed("kubernetes", "configs/table.yaml", "--image", "a:1", "--submit")

    command, _, text = said.partition("\n")
    assert command.startswith("replace --force --cascade=foreground -f /")
    assert text.strip() == printed("kubernetes", "configs/table.yaml", "--image", "a:1").strip()


def test_checkpoints_lie_where_a_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "artifacts" / "t"
    monkeypatch.delenv("ONWARD_CHECKPOINTS", raising=False)
    assert checkpoint_folder(folder) == folder / ".train.checkpoints"
    monkeypatch.setenv("ONWARD_CHECKPOINTS", "/shared")
    assert checkpoint_folder(folder) == Path("/shared/t")


def make_project(folder: Path, epochs: int) -> Path:
    (folder / "configs").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "configs/table.yaml").write_text(CONFIG.replace("EPOCHS", str(epochs)))
    a, b = np.random.default_rng(0).normal(size=(2, 301))
    pl.DataFrame({"a": a, "b": b, "y": a * b + a}).write_csv(folder / "data/table.csv")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "configs"], cwd=folder, check=True)
    return folder


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SOURCES), **changes}


def onward(folder: Path, *words: str, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "onward", *words]
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=400, check=False
    )


def await_that(condition: Callable[[], Any]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("waited in vain")


def digest(folder: Path) -> str:
    network = folder / "artifacts/table/train/network.pt"
    return hashlib.sha256(network.read_bytes()).hexdigest()


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A variable PATH, with an `ssh` that reaches this machine by a server on loopback."""
    if SSHD is None or shutil.which("ssh") is None or shutil.which("rsync") is None:
        pytest.skip("apt-get install openssh-server openssh-client rsync")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-f", home / "key"], check=True)
    shutil.copy(home / "key.pub", home / "authorized")
    port = free_port()
    (home / "sshd_config").write_text(SSHD_CONFIG.format(port=port, home=home))
    options = f"-p {port} -i {home}/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
    program = home / "bin" / "ssh"
    program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -q {options} "$@"\n')
    program.chmod(0o755)
    server = [SSHD, "-D", "-f", home / "sshd_config", "-E", home / "log"]
    with running(server, port):
        yield environment(PATH=f"{home}/bin:{os.environ['PATH']}")


@pytest.mark.slow
def test_a_run_by_ssh_that_is_ended_twice_has_the_same_bits(
    tmp_path: Path, ssh: dict[str, str]
) -> None:
    project, there = make_project(tmp_path / "project", epochs=800), tmp_path / "there"
    (project / "dvc.yaml").write_text(pipeline("table", "regression"))
    dvc = partial(subprocess.run, cwd=project, check=True, capture_output=True, text=True)
    dvc([sys.executable, "-m", "dvc", "init", "--quiet"])
    alone = make_project(tmp_path / "alone", epochs=800)
    for stage in ("prepare", "train"):
        assert onward(alone, stage, "configs/table.yaml", env=environment()).returncode == 0
    command = f"env PYTHONPATH={SOURCES} OMP_NUM_THREADS=1 {sys.executable} -m onward"
    where = ["--folder", str(there), "--command", command]
    run = ["launch", "ssh", f"{getpass.getuser()}@127.0.0.1", "configs/table.yaml"]
    log, process = there / ".onward/table.log", there / ".onward/table.pid"

    def begun() -> "subprocess.Popen[bytes]":
        log.unlink(missing_ok=True)
        follower = subprocess.Popen(
            [sys.executable, "-m", "onward", *run, "start", *where], cwd=project, env=ssh
        )
        await_that(lambda: log.exists() and re.search(r"epoch \d+/800 ", log.read_text()))
        return follower

    follower = begun()
    assert onward(project, *run, "start", *where, env=ssh).returncode == 75
    assert onward(project, *run, "stop", *where, env=ssh).returncode == 0
    assert follower.wait(120) == 143
    follower = begun()
    os.killpg(int(process.read_text().split()[0]), 9)
    assert follower.wait(120) == 143
    last = onward(project, *run, "start", *where, env=ssh)
    assert last.returncode == 0, last.stdout + last.stderr
    fetched = onward(project, *run, "fetch", *where, env=ssh)

    assert fetched.returncode == 0, fetched.stderr
    assert "train: resumed at step" in last.stdout
    assert digest(project) == digest(alone)
    assert (project / "artifacts/table/report/report.html").exists()
    assert "up to date" in dvc([sys.executable, "-m", "dvc", "status"]).stdout


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Variables with which the commands of SLURM find a cluster of this machine."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    programs = [shutil.which(name, path=path) for name in SLURM]
    if os.geteuid() != 0 or None in programs:
        pytest.skip("as root: apt-get install slurm-wlm munge")
    folder = tmp_path / "slurm"
    folder.mkdir(mode=0o755)
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    host, ports = socket.gethostname().partition(".")[0], (free_port(), free_port())
    conf = folder / "slurm.conf"
    conf.write_text(
        SLURM_CONF.format(folder=folder, host=host, ports=ports, cpus=os.cpu_count() or 1)
    )
    munged, slurmctld, slurmd = map(str, programs[:3])
    files = [f"--{kind}-file={folder}/munge.{kind}" for kind in ("key", "pid", "log", "seed")]
    socket_of = f"--socket={folder}/munge.socket"
    commands = [
        [munged, "--force", "--foreground", socket_of, *files],
        [slurmctld, "-D", "-f", str(conf)],
        [slurmd, "-D", "-f", str(conf), "-N", host],
    ]
    with ExitStack() as stack:
        for command in commands:
            log = stack.enter_context((folder / f"{Path(command[0]).name}.out").open("wb"))
            daemon = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(daemon.wait, 30)
            stack.callback(daemon.terminate)
            time.sleep(1)
        env = environment(SLURM_CONF=str(conf))
        env["PATH"] = f"{Path(sys.executable).parent}:{path}"
        await_that(
            lambda: (
                "idle"
                in subprocess.run(
                    ["sinfo", "-h", "-o", "%t"],
                    env=env,
                    capture_output=True,
                    text=True,
                    check=False,
                ).stdout
            )
        )
        yield env


@pytest.mark.slow
def test_a_job_of_slurm_that_is_ended_twice_has_the_same_bits(
    tmp_path: Path, slurm: dict[str, str]
) -> None:
    """Two processes on one node, requeued as before a time limit."""
    project = make_project(tmp_path / "project", epochs=400)
    assert onward(project, "prepare", "configs/table.yaml", env=slurm).returncode == 0
    alone = Path(shutil.copytree(project, tmp_path / "alone"))
    torchrun = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "onward"]
    subprocess.run(
        [sys.executable, "-m", *torchrun, "train", "configs/table.yaml"],
        cwd=alone,
        env=slurm,
        check=True,
        timeout=300,
    )
    script = project / "job.sh"
    text = printed("slurm", "configs/table.yaml", "--gpus", 2, "--time", "10:00")
    script.write_text(text.replace("#SBATCH --gpus-per-node=2\n", ""))

    def run(*command: str) -> str:
        return subprocess.run(
            command, cwd=project, env=slurm, capture_output=True, text=True, check=True
        ).stdout

    def is_training(times: int) -> bool:
        starts = log.read_text().split("up to 400 epochs") if log.exists() else []
        return len(starts) == times + 1 and "\nepoch " in starts[-1]

    def is_restarted(times: int) -> bool:
        return f"Restarts={times}" in run("scontrol", "show", "job", job)

    job = run("sbatch", "--parsable", "--cpus-per-task=1", str(script)).strip()
    log = project / f"onward-table-{job}.log"

    for times in (1, 2):
        await_that(partial(is_training, times))
        run("scancel", "--signal=TERM", "--batch", job)
        await_that(partial(is_restarted, times))
        time.sleep(5)  # a node refuses a job that starts in the second in which it ended there
        run("scontrol", "update", f"JobId={job}", "StartTime=now")

    await_that(lambda: "JobState=COMPLETED" in run("scontrol", "show", "job", job))
    assert log.read_text().count("train: resumed at step") == 2
    assert digest(project) == digest(alone)
