"""What every task can say of a target and of its predictions."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol, Self

import numpy as np
import polars as pl

from onward.errors import ArtifactError
from onward.schema import Kind, Target
from onward.settings.family import Family
from onward.tasks.charts.vega_lite import Chart
from onward.tasks.metrics import Array, Metric, Predictions
from onward.wires import ScalarWire

Ask = Callable[[pl.DataFrame], Array]
"""From raw rows to numbers ``(rows,)``, or to probabilities ``(rows, classes)``."""
Predict = Callable[[pl.DataFrame], Predictions]
Curve = Callable[[Sequence[str], Array, Predictions, np.random.Generator], pl.DataFrame]
"""From the classes, the truth and the predictions to a small table."""


class Estimator(Protocol):
    """A baseline, before it learns: a task asks for what its predictions are made of."""

    def numbers(self) -> Ask:
        """Learn the targets as numbers."""

    def probabilities(self) -> Ask:
        """Learn the targets as codes of classes."""


class Validation(Protocol):
    """Validation rows, by which predictions are calibrated."""

    @property
    def rows(self) -> pl.DataFrame:
        """Raw."""

    @property
    def target(self) -> Array:
        """The truth."""

    @property
    def weights(self) -> Array | None:
        """How much each row counts; None where all count alike."""

    @property
    def predictions(self) -> Predictions:
        """Those of the model."""


@dataclass(frozen=True)
class Plot:
    """A curve, as ``dvc plots show`` draws it."""

    file: str
    """The curve's name with ``.csv``."""
    x: str
    y: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    """What else DVC is told: ``template``, or labels where a column's name is not enough."""


@dataclass(frozen=True)
class Card:
    """A piece of the report's chapter on errors."""

    title: str
    content: Chart | pl.DataFrame


@dataclass(frozen=True)
class Selection:
    """The rows whose label is one class, for tables of fairness."""

    name: str
    """Of the class."""
    happened: Array
    """Whether a row is of the class."""
    selected: Array
    """Whether the class is its label."""
    probability: Array
    """Of the class."""


class Task(Family, ABC):
    """What is predicted of a target, and how that is measured and shown.

    Heads name their task, and model files name it in their metadata. ``metrics``, ``curves`` and
    the methods see the truth as `encode` has it, and predictions as `read` has them.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind]
    """Of the targets that it is for."""
    is_number: ClassVar[bool] = False
    """Whether sums and differences of targets mean something."""
    has_labels: ClassVar[bool] = False
    """Whether a label is chosen by ``probabilities``, so that ``export.decision`` applies."""
    wire: ClassVar[ScalarWire]
    """How the target's column is read."""
    outputs: ClassVar[tuple[str, ...]]
    """Of the exported file."""

    metrics: ClassVar[Mapping[str, Metric]]
    """By name, in the order in which they are shown."""
    main: ClassVar[str]
    """The name of the metric that decides."""
    reliability: ClassVar[Metric | None] = None
    """How far probabilities or intervals can be relied on; None if a task does not measure it."""
    curves: ClassVar[Mapping[str, Curve]] = {}
    """The name is that of the file."""
    plots: ClassVar[Mapping[str, Plot]] = {}
    """By title."""

    loss_title: ClassVar[str]
    """What `losses` is called."""
    summary: ClassVar[str]
    """The first sentence of the report; names of metrics in braces stand for their values."""
    caveat: ClassVar[str] = ""
    """The same, for the model card."""
    residual_signs: ClassVar[str]
    """What predictions are where the mean residual is not zero."""

    def __init__(self, target: Target) -> None:
        self.target = target

    @classmethod
    def member_name(cls) -> str | None:
        """None of a base class."""
        return cls.__dict__.get("name")

    @classmethod
    def by_name(cls, where: str, name: str, target: Target) -> Self:
        """The task of a file.

        Raises:
            ArtifactError: if there is none of that name.
        """
        if name not in cls.members:
            raise ArtifactError(
                f"{where}: there is no task {name!r}. If it comes from a package of your own, name"
                " the package in `plugins` of the config"
            )
        task: Self = cls.members[name](target)
        return task

    @classmethod
    def is_usual(cls, target: Target) -> bool:
        """Whether the target has this task where nobody has chosen one."""
        return False

    @classmethod
    @abstractmethod
    def check_classes(cls, classes: Sequence[str]) -> None:
        """Look at the classes that a config gives a target.

        Raises:
            ValueError: if the task needs others.
        """

    @property
    def main_metric(self) -> Metric:
        """The one that decides."""
        return self.metrics[self.main]

    @property
    @abstractmethod
    def prediction_axis(self) -> str:
        """Title of an axis of predictions."""

    @property
    @abstractmethod
    def residual_axis(self) -> str:
        """Title of an axis of residuals."""

    @abstractmethod
    def encode(self, values: pl.Series) -> Array:
        """Values of the target's column as the network learns them."""

    @abstractmethod
    def read(self, predictions: Predictions) -> Predictions:
        """Outputs of a file as metrics read them."""

    @abstractmethod
    def losses(self, target: Array, predictions: Predictions) -> Array:
        """How wrong each row is; 0 is best."""

    @abstractmethod
    def residuals(self, target: Array, predictions: Predictions) -> Array:
        """Truth minus prediction of each row."""

    @abstractmethod
    def variances(self, predictions: Predictions) -> Array:
        """Of each residual, if the prediction is right; 0 where it does not say."""

    @abstractmethod
    def pseudo_residuals(self, target: Array, predictions: Predictions) -> Array:
        """What boosting would fit next, ``(rows, outcomes)``."""

    @abstractmethod
    def curves_by_output(self, target: Array, predictions: Predictions) -> Mapping[str, Array]:
        """Numbers of each row for partial dependence, by name; one of them has lines of rows."""

    @abstractmethod
    def errors(self, target: Array, predictions: Predictions) -> tuple[Array, Array]:
        """Whether each row is wrong, and a code for the kind of its error."""

    @abstractmethod
    def describe(self, target: Array, predictions: Predictions) -> dict[str, Array | pl.Series]:
        """``actual``, ``predicted``, and ``residual`` or ``certainty``, of each row."""

    def selections(self, target: Array, predictions: Predictions, most: int) -> Iterator[Selection]:
        """For each class, or the most frequent ones, the rows it is the label of."""
        yield from ()

    @abstractmethod
    def monitored(self, predictions: Predictions) -> dict[str, pl.Series]:
        """Outputs of a file whose distribution it carries, to find drift."""

    @abstractmethod
    def answer(self, estimator: Estimator) -> Predict:
        """Predictions of a baseline."""

    def calibrate(self, predict: Predict, validation: Validation) -> Predict:
        """Predictions with what they learn from validation rows, as the model's have it."""
        return predict

    @abstractmethod
    def cards(
        self, curves: Mapping[str, pl.DataFrame], scores: Mapping[str, float]
    ) -> Iterator[Card]:
        """The report's chapter on errors, from `curves` and the values of the metrics."""
