"""A job of Kubernetes: an indexed Job, and a Service by which its pods find each other."""

import json
import shlex

from onward.cli._launch.job import PORT, Job

GRACE_S = 120  # after SIGTERM: a chunk of steps, and a checkpoint
FATAL = [65, 66, 70, 76, 78]  # exit codes that come again: data, artifacts, bugs, losses, configs
# Deletes what is there, waits for its pods, which save their state, and creates the documents. A
# Job that has ended is "unchanged" to `apply`, and its image and number of pods cannot change.
REPLACE = ("kubectl", "replace", "--force", "--cascade=foreground", "-f")

DOCUMENTS = """\
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  clusterIP: None  # gives pods names: {name}-0.{name}
  publishNotReadyAddresses: true
  selector: {{job-name: {name}}}
---
apiVersion: batch/v1
kind: Job
metadata: {{name: {name}}}
spec:
  completionMode: Indexed
  completions: {nodes}
  parallelism: {nodes}
  backoffLimit: 10
  podFailurePolicy:
    rules:
      - action: Ignore  # preempted or evicted: starts again, and resumes
        onPodConditions: [{{type: DisruptionTarget, status: "True"}}]
      - action: FailJob  # would fail again
        onExitCodes: {{containerName: train, operator: In, values: {fatal}}}
  template:
    metadata:
      labels: {{job-name: {name}}}
    spec:
      subdomain: {name}
      restartPolicy: Never
      terminationGracePeriodSeconds: {grace}
      containers:
        - name: train
          image: {image}
          workingDir: /project
          command: {command}  # no shell: SIGTERM reaches the training
          env:
            - {{name: ONWARD_CHECKPOINTS, value: /project/checkpoints}}
{resources}          volumeMounts:
            - {{name: project, mountPath: /project}}
            - {{name: memory, mountPath: /dev/shm}}
      volumes:
        - name: project
          persistentVolumeClaim: {{claimName: {volume}}}
        - name: memory
          emptyDir: {{medium: Memory, sizeLimit: 1Gi}}
"""


def kubernetes_documents(job: Job, image: str, volume: str) -> str:
    """The documents, for `REPLACE`.

    Args:
        job: what to train.
        image: with `onward[train]`.
        volume: claim of a volume that all pods may write, which holds the project.
    """
    words = shlex.split(job.command(f"{job.name}-0.{job.name}:{PORT}"))
    limits = f"          resources: {{limits: {{nvidia.com/gpu: {job.gpus}}}}}\n"
    return DOCUMENTS.format(
        name=job.name,
        nodes=job.nodes,
        fatal=FATAL,
        grace=GRACE_S,
        image=json.dumps(image),
        command=json.dumps(words),
        resources=limits if job.gpus else "",
        volume=json.dumps(volume),
    )
