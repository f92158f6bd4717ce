"""A training to launch, and the command that is the same everywhere."""

import hashlib
import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

import typer

from onward.errors import ExtraError, PeerError
from onward.settings.config import config_name

PORT = 29_500  # where the processes of torchrun meet
LONGEST = 36  # letters of a config in the name of a job, of which pods make names of 63 at most


@dataclass(frozen=True)
class Job:
    """What to train, and on how much."""

    config: Path
    nodes: int
    gpus: int
    """Of each node; 0 trains on its CPU."""

    @property
    def name(self) -> str:
        """Of this config only; lower case letters, digits and hyphens, as Kubernetes wants it."""
        name = config_name(self.config)
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower())[:LONGEST].strip("-")
        if plain != name:  # several configs may differ only in what is left out
            digest = hashlib.sha256(name.encode()).hexdigest()[:6]
            plain = f"{plain}-{digest}".lstrip("-")
        return f"onward-{plain}"

    def command(self, meeting_point: str) -> str:
        """The command line of each node: one process, or torchrun, which starts several.

        Args:
            meeting_point: host and port of the first node, as the shell has it; not quoted here.
        """
        train = f"train {shlex.quote(str(self.config))}"
        if self.nodes * max(self.gpus, 1) == 1:
            return f"onward {train}"
        processes = f"--nproc-per-node {max(self.gpus, 1)}"
        if self.nodes == 1:
            return f"torchrun --standalone {processes} -m onward {train}"
        meeting = f"--rdzv-backend c10d --rdzv-id {self.name} --rdzv-endpoint {meeting_point}"
        return f"torchrun --nnodes {self.nodes} {processes} {meeting} -m onward {train}"


def submit(command: Sequence[str], text: str) -> None:
    """Give a job to a scheduler, whose command takes a file.

    Raises:
        ExtraError: if its program is not installed.
        PeerError: if it refuses.
    """
    with NamedTemporaryFile("w", prefix="onward-", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        try:
            done = subprocess.run(
                [*command, file.name], text=True, capture_output=True, check=False
            )
        except FileNotFoundError as error:
            raise ExtraError(
                f"launch: {command[0]!r} is not installed here. Run this on a machine that has it,"
                " or print the job without --submit"
            ) from error
    if done.returncode:
        raise PeerError(f"launch: {command[0]} refused the job: {done.stderr.strip()}")
    typer.echo(done.stdout.strip())
