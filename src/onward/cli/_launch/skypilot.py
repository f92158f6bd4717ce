"""A task of SkyPilot."""

import shlex

from onward.cli._launch.job import PORT, Job
from onward.settings.config import config_name

TASK = """\
name: {name}
num_nodes: {nodes}
resources:
  {resources}
  use_spot: true
  job_recovery: {{max_restarts_on_errors: 3}}
workdir: .
file_mounts:
  /checkpoints: {{name: {name}, mode: MOUNT_CACHED}}
envs: {{ONWARD_CHECKPOINTS: /checkpoints}}
setup: |
  pip install 'onward[train]'
  onward prepare {config}
run: |
  first=$(echo "$SKYPILOT_NODE_IPS" | head -n 1)
  {command} || exit  # with its code, by which SkyPilot restarts the task
  if [ "$SKYPILOT_NODE_RANK" = 0 ]; then
    mkdir -p /checkpoints/artifacts && cp -r {artifacts} /checkpoints/artifacts/
  fi
"""


def skypilot_task(job: Job, accelerator: str) -> str:
    """The task, for `sky jobs launch`.

    Args:
        job: what to train.
        accelerator: the type of GPU.
    """
    return TASK.format(
        name=job.name,
        nodes=job.nodes,
        resources=f"accelerators: {{{accelerator}: {job.gpus}}}" if job.gpus else "cpus: 4+",
        config=shlex.quote(str(job.config)),
        command=job.command(f'"$first:{PORT}"'),
        artifacts=shlex.quote(f"artifacts/{config_name(job.config)}"),
    )
