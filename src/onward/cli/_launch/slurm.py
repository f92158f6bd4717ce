"""A batch script of SLURM."""

import re

import typer

from onward.cli._launch.job import PORT, Job

GRACE_S = 120  # before the time limit; a chunk of steps, a checkpoint, and the end of all processes
CPUS = 8  # for each GPU: the process that drives it, and the threads that load its data
LEAST_S = 300  # of a job: SLURM may signal it a minute early, and it has to start
TIME = re.compile(r"\d+(:\d\d?(:\d\d?)?)?|\d+-\d\d?(:\d\d?(:\d\d?)?)?")

SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task={cpus}
{gpus}#SBATCH --time={time}
#SBATCH --signal=B:TERM@{grace}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output={name}-%j.log

# Before the time limit SLURM asks this script to end. The training saves its state and ends, and
# the job goes back to the queue, where it resumes. Folder and environment are those of `sbatch`.
asked=
trap 'asked=yes; scancel --signal=TERM "$SLURM_JOB_ID"' TERM  # its steps; srun would kill them
{meeting}# srun does not take over the CPUs of sbatch since SLURM 22.05, and may use one
srun --cpus-per-task="${{SLURM_CPUS_PER_TASK:-$SLURM_CPUS_ON_NODE}}" {command} &
wait "$!"
code=$?
if [ -n "$asked" ]; then  # which ended the wait, and not the training
  wait "$!"
  code=$?
  [ "$code" -eq 0 ] || scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
"""


def refuse_time(text: str) -> None:
    """Refuse what is no time limit, or one that ends before the training has begun.

    Source: the manual of `sbatch`. A limit of zero is none.
    """
    if not TIME.fullmatch(text):
        raise typer.BadParameter(
            f"{text!r} is no time of SLURM, such as 12:00:00 or 2-12:00:00", param_hint="--time"
        )
    if 0 < _seconds(text) < LEAST_S:
        raise typer.BadParameter(
            f"{text!r} is too short: SLURM signals the job {GRACE_S} seconds before its limit, and"
            f" it would be requeued again and again. Give at least {LEAST_S // 60} minutes",
            param_hint="--time",
        )


def _seconds(text: str) -> int:
    """Of ``minutes[:seconds]``, ``hours:minutes:seconds`` or ``days-hours[:minutes[:seconds]]``."""
    days, _, clock = text.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    if not days and len(parts) < 3:
        parts = [0, *parts]
    hours, minutes, seconds = (*parts, 0, 0)[:3]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def slurm_script(job: Job, time: str, cpus: int | None) -> str:
    """The script, for `sbatch`.

    Args:
        job: what to train.
        time: limit of the job, as SLURM writes it.
        cpus: of each node; by default `CPUS` for each GPU.
    """
    meeting = ""
    if job.nodes > 1:
        meeting = 'first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)\n'
    return SCRIPT.format(
        name=job.name,
        nodes=job.nodes,
        cpus=cpus or CPUS * max(job.gpus, 1),
        gpus=f"#SBATCH --gpus-per-node={job.gpus}\n" if job.gpus else "",
        time=time,
        grace=GRACE_S,
        meeting=meeting,
        command=job.command(f'"$first:{PORT}"'),
    )
