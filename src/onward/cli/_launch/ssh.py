"""A run on another machine that is reached by ssh: started there, followed, fetched, stopped."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from onward import stages
from onward.artifacts.publishing import refuse_foreign
from onward.cli._launch.fetched import refuse_other_results
from onward.cli._source import source_of, start_of
from onward.errors import ArtifactError, ConfigError, ExtraError, LockedError, PeerError
from onward.settings.config import config_name

RUNS = ".onward"  # on the other machine, in the project: log, process and exit code of each config
UNREACHED = 255  # exit code of ssh, also behind rsync, if there is no connection
NOT_FOUND = 127  # of a shell, if there is no such command
STOPPED = (130, 143)  # by a signal
# Numbers of processes are used again, at the latest after a reboot. The start tells them apart:
# field 22 of stat, in clock ticks since the boot. One in state Z has ended, and is not yet reaped.
RUNNING = """\
is_running() {{
  read -r pid start 2>/dev/null <{name}.pid && [ -n "$start" ] &&
    [ "$(sed "s/ Z .*//" "/proc/$pid/stat" 2>/dev/null | cut -d" " -f22)" = "$start" ]
}}
"""
CHECK = (
    RUNNING
    + """\
mkdir -p {folder}/{runs} && cd {folder}/{runs} || exit 74
if is_running; then exit 75; fi
"""
)
START = (
    CHECK
    + """\
rm -f {name}.pid {name}.code
nohup setsid sh -c {script} >{name}.log 2>&1 </dev/null &
"""
)
# The shell outlives a stage that saves its state after SIGTERM, which goes to the whole group.
SCRIPT = """\
asked=; trap asked=yes TERM
echo $$ $(cut -d" " -f22 /proc/$$/stat) >{name}.pid; cd ..
for stage in {stages}; do
  {command} $stage {config}; code=$?
  [ $code = 0 ] && [ -n "$asked" ] && code=143
  [ $code = 0 ] || break
done
echo $code >{runs}/{name}.code
"""
FOLLOW = (
    RUNNING
    + """\
cd {folder}/{runs} 2>/dev/null || {{ echo "launch: no run was started there" >&2; exit 66; }}
for _ in 1 2 3 4 5 6 7 8 9 10; do [ -s {name}.pid ] && break; sleep 0.3; done
if is_running; then tail -n +1 -F --pid="$pid" {name}.log 2>/dev/null; else cat {name}.log; fi
exit "$(cat {name}.code 2>/dev/null || echo 143)"
"""
)
STOP = (
    RUNNING
    + """\
cd {folder}/{runs} && is_running || {{ echo "launch: no run is under way there" >&2; exit 66; }}
kill -s TERM -- "-$pid"
"""
)


class RemoteRun:
    """The run of a config on a host.

    Args:
        host: as ssh has it; ports and keys are settings of ssh.
        config: a file in configs/ of the project in the current folder.
        folder: of the project on the host.
        command: which is `onward` there.

    Raises:
        ExtraError: if ssh or rsync is not installed.
    """

    def __init__(self, host: str, config: Path, folder: str, command: str) -> None:
        if host.startswith("-"):
            raise ConfigError(f"launch: {host!r} is not a host. Write the host before the config")
        if config.is_absolute() or ".." in config.parts:
            raise ConfigError(
                f"launch: {config} is not in this folder. Run the command in the folder of the"
                f" project, with a path such as configs/{config.name}"
            )
        for program in ("ssh", "rsync"):
            if shutil.which(program) is None:
                raise ExtraError(f"launch: {program!r} is not installed. Install it on both sides")
        self._host, self._config, self._name = host, config, config_name(config)
        self._folder, self._command = folder, command

    def start(self) -> None:
        """Copy the tracked files and the table, and start the stages.

        Raises:
            LockedError: if the run is under way.
        """
        self._refuse_running(self._ssh(self._fill(CHECK)))  # its config and table must not change
        self._copy_project()
        words = {"stages": " ".join(stages.ORDER), "config": shlex.quote(str(self._config))}
        script = SCRIPT.format(name=self._quoted_name, command=self._command, runs=RUNS, **words)
        self._refuse_running(self._ssh(self._fill(START, script=shlex.quote(script))))

    def follow(self) -> int:
        """Print the log until the run ends; its exit code. Ctrl-C leaves the run alone."""
        code = self._ssh(self._fill(FOLLOW))
        if code == UNREACHED:
            self._refuse(code, "cannot be followed")
        if code == NOT_FOUND:
            raise ExtraError(
                f"launch: {self._command!r} is not a command on {self._host}. Install it there:"
                f" ssh {self._host} pip install 'onward[train]'; or give its path with --command"
            )
        if code:
            reason = "" if code in STOPPED else ", for the reason above"
            typer.echo(
                f"launch: {self._config} ended with {code} on {self._host}{reason}; `onward launch"
                " ssh` starts it again, and the training resumes",
                err=True,
            )
        return code

    def stop(self) -> None:
        """Ask the run to save its state and end."""
        self._refuse(self._ssh(self._fill(STOP)), "does not run")

    def fetch(self) -> None:
        """Copy the results here, and have DVC record those that belong to the files here.

        Raises:
            ArtifactError: if some do not, which are copied nevertheless; or if the folder of a
                stage has other files, which would be lost.
        """
        target = Path("artifacts", self._name)
        target.mkdir(parents=True, exist_ok=True)
        self._copy_results(target)
        if Path("dvc.yaml").is_file():
            self._record(target)
        typer.echo(f"launch: {target} is a copy of that on {self._host}", err=True)

    def _copy_results(self, target: Path) -> None:
        """Replace the folders of stages that ran there; nothing else here is removed."""
        for name in stages.ALL:
            refuse_foreign(target / name)
        self._rsync(
            *("--delete", "--exclude=.*", "--filter=protect /*"),
            *(f"--include=/{name}" for name in stages.ALL),
            *("--exclude=/*", f"{self._host}:{self._folder}/{target}/", f"{target}/"),
        )

    def _record(self, target: Path) -> None:
        """Record the stages before the first one that does not belong to the files here."""
        checked: list[str] = []
        try:
            for stage in stages.ORDER:
                refuse_other_results(self._config, target / stage)
                checked.append(stage)
        except ArtifactError as error:
            self._commit(checked)
            raise ArtifactError(
                f"launch: {target} is a copy of that on {self._host}, but DVC does not record"
                f" {stage!r} and the stages after it. {error}"
            ) from error
        self._commit(checked)

    def _commit(self, recorded: Sequence[str]) -> None:
        if recorded:
            targets = [f"{stage}@{self._name}" for stage in recorded]
            # not --quiet, which also hides errors
            command = [sys.executable, "-m", "dvc", "commit", "--force", *targets]
            code = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
            self._refuse(code, "is fetched, but DVC cannot record it; it ran")

    def _copy_project(self) -> None:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], capture_output=True, text=True, check=False
        )
        if listed.returncode:
            raise ConfigError(
                "launch: this folder is not a git repository. The files that git tracks are"
                " copied: run `git init`, then `git add` the files of the project"
            )
        files = [name for name in listed.stdout.split("\0") if name and Path(name).is_file()]
        table = source_of(self._config).path
        if not table.is_absolute():
            files.append(str(table))
        start = start_of(self._config)
        if start is not None and not start.is_absolute():
            files += [str(start / stage) for stage in ("prepare", "train")]
        if str(self._config) not in files:
            files.append(str(self._config))
        self._rsync(
            *("--from0", "--files-from=-", "--recursive"),
            *("./", f"{self._host}:{self._folder}/"),
            names="\0".join(files),
        )

    @property
    def _quoted_name(self) -> str:
        return shlex.quote(self._name)

    @property
    def _place(self) -> str:
        """The folder for a shell; a tilde stays one."""
        home, _, rest = self._folder.partition("/")
        return f"~/{shlex.quote(rest)}" if home == "~" else shlex.quote(self._folder)

    def _fill(self, template: str, **words: str) -> str:
        return template.format(folder=self._place, runs=RUNS, name=self._quoted_name, **words)

    def _ssh(self, script: str) -> int:
        return subprocess.run(["ssh", self._host, script], check=False).returncode

    def _rsync(self, *words: str, names: str | None = None) -> None:
        command = ["rsync", "--archive", "--compress", *words]
        done = subprocess.run(command, input=names, text=True, check=False)
        self._refuse(done.returncode, "could not be copied")

    def _refuse_running(self, code: int) -> None:
        if code == LockedError.exit_code:
            raise LockedError(
                f"launch: {self._config} runs on {self._host} already. Follow it, or stop it first"
            )
        self._refuse(code, "could not be started")

    def _refuse(self, code: int, problem: str) -> None:
        if code == UNREACHED:
            raise PeerError(
                f"launch: {self._host} cannot be reached by ssh. Correct the host, or its entry in"
                f" ~/.ssh/config, until `ssh {self._host} true` works"
            )
        if code:
            raise PeerError(
                f"launch: {self._config} {problem} on {self._host} (code {code}); the message of"
                " the program is above"
            )
