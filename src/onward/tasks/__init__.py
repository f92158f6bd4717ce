"""Tasks: outputs, metrics, curves and charts of a kind of target. One file each."""

from onward.schema import Target
from onward.settings.family import import_members
from onward.tasks._base import Ask as Ask
from onward.tasks._base import Card as Card
from onward.tasks._base import Estimator as Estimator
from onward.tasks._base import Plot as Plot
from onward.tasks._base import Predict as Predict
from onward.tasks._base import Task as Task
from onward.tasks._base import Validation as Validation
from onward.tasks.charts import Chart as Chart
from onward.tasks.class_task import ClassTask as ClassTask
from onward.tasks.metrics import Array as Array
from onward.tasks.metrics import Metric as Metric
from onward.tasks.metrics import Predictions as Predictions
from onward.tasks.metrics import named_with_nominal as named_with_nominal
from onward.tasks.number_task import NumberTask as NumberTask

import_members(__name__, __path__)


def usual_task(target: Target) -> Task:
    """The default task of a target."""
    members = (member for _, member in sorted(Task.members.items()))
    task: Task = next(member for member in members if member.is_usual(target))(target)
    return task


def output_names() -> set[str]:
    """Names of the outputs of all tasks, which are reserved."""
    return {name for member in Task.members.values() for name in member.outputs}
