"""A batch script of SLURM."""

from onward.cli._launch.job import PORT, Job

GRACE_S = 120  # before the time limit; a chunk of steps, a checkpoint, and the end of all processes

SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node=1
{gpus}#SBATCH --time={time}
#SBATCH --signal=B:TERM@{grace}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output={name}-%j.log

# Before the time limit SLURM asks this script to end. The training saves its state and ends, and
# the job goes back to the queue, where it resumes. Folder and environment are those of `sbatch`.
asked=
trap 'asked=yes; scancel --signal=TERM "$SLURM_JOB_ID"' TERM  # its steps; srun would kill them
{meeting}srun {command} &
wait "$!"
code=$?
if [ -n "$asked" ]; then  # which ended the wait, and not the training
  wait "$!"
  code=$?
  [ "$code" -eq 0 ] || scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
"""


def slurm_script(job: Job, time: str) -> str:
    """The script, for `sbatch`.

    Args:
        job: what to train.
        time: limit of the job, as SLURM writes it.
    """
    meeting = ""
    if job.nodes > 1:
        meeting = 'first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)\n'
    return SCRIPT.format(
        name=job.name,
        nodes=job.nodes,
        gpus=f"#SBATCH --gpus-per-node={job.gpus}\n" if job.gpus else "",
        time=time,
        grace=GRACE_S,
        meeting=meeting,
        command=job.command(f'"$first:{PORT}"'),
    )
