"""Base class of tasks."""

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
    """A baseline before training; the task chooses what it learns."""

    def numbers(self) -> Ask:
        """Fit the targets as numbers."""

    def probabilities(self) -> Ask:
        """Fit the targets as codes of classes."""


class Validation(Protocol):
    """Validation rows, for calibration."""

    @property
    def rows(self) -> pl.DataFrame:
        """Raw rows."""

    @property
    def target(self) -> Array:
        """The truth."""

    @property
    def weights(self) -> Array | None:
        """Weights of the rows; None if they are equal."""

    @property
    def predictions(self) -> Predictions:
        """Predictions of the model."""


@dataclass(frozen=True)
class Plot:
    """A curve for ``dvc plots show``."""

    file: str
    """The curve's name with ``.csv``."""
    x: str
    y: tuple[str, ...]
    settings: Mapping[str, str] = field(default_factory=dict)
    """Other settings for DVC: ``template``, or labels of axes."""


@dataclass(frozen=True)
class Card:
    """A card in the report's section on errors."""

    title: str
    content: Chart | pl.DataFrame


@dataclass(frozen=True)
class Selection:
    """The rows with one class as label, for fairness tables."""

    name: str
    """Name of the class."""
    happened: Array
    """Whether a row is of the class."""
    selected: Array
    """Whether the label is the class."""
    probability: Array
    """Probability of the class."""


IN_CONFIG = "add the plug-in to `plugins` in the config"


class Task(Family, ABC):
    """The outputs for a target, and how they are evaluated and shown.

    Heads name their task, and so do model files in their metadata. ``metrics``, ``curves`` and the
    methods take targets as returned by `encode`, and predictions as returned by `read`.
    """

    name: ClassVar[str]
    kind: ClassVar[Kind]
    """Kind of the targets."""
    is_number: ClassVar[bool] = False
    """Whether the target is a number."""
    has_labels: ClassVar[bool] = False
    """Whether a label is chosen by ``probabilities``, so ``export.decision`` applies."""
    wire: ClassVar[ScalarWire]
    """Wire of the target's column."""
    outputs: ClassVar[tuple[str, ...]]
    """Outputs of the exported file."""

    metrics: ClassVar[Mapping[str, Metric]]
    """Metrics by name, in the order of tables."""
    main: ClassVar[str]
    """Name of the main metric."""
    reliability: ClassVar[Metric | None] = None
    """Reliability of probabilities or intervals; None if it is not measured."""
    curves: ClassVar[Mapping[str, Curve]] = {}
    """Curves by the name of their file."""
    plots: ClassVar[Mapping[str, Plot]] = {}
    """Plots by title."""

    loss_title: ClassVar[str]
    """Name of the mean of `losses`."""
    summary: ClassVar[str]
    """First sentence of the report, with names of metrics in braces for their values.

    ``{nominal}`` is the nominal coverage of intervals with a blank, such as "90 % ", or empty.
    """
    caveat: ClassVar[str] = ""
    """A sentence for the model card, in the same format."""
    residual_signs: ClassVar[str]
    """Words for predictions with a nonzero mean residual."""

    def __init__(self, target: Target) -> None:
        self.target = target

    @classmethod
    def member_name(cls) -> str | None:
        """None for a base class."""
        return cls.__dict__.get("name")

    @classmethod
    def by_name(cls, where: str, name: str, target: Target, remedy: str = IN_CONFIG) -> Self:
        """The task of a file.

        Args:
            where: the file, for the message.
            name: of the task.
            target: of the file.
            remedy: how to import the plug-in that the task may be in.

        Raises:
            ArtifactError: if there is no such task.
        """
        if name not in cls.members:
            raise ArtifactError(
                f"{where}: there is no task {name!r}. If it is in a plug-in, {remedy}"
            )
        task: Self = cls.members[name](target)
        return task

    @classmethod
    def is_usual(cls, target: Target) -> bool:
        """Whether this is the default task of the target."""
        return False

    @classmethod
    @abstractmethod
    def check_classes(cls, classes: Sequence[str]) -> None:
        """Check the classes in a config.

        Raises:
            ValueError: if the task needs others.
        """

    @property
    def main_metric(self) -> Metric:
        """The main metric."""
        return self.metrics[self.main]

    @property
    @abstractmethod
    def prediction_axis(self) -> str:
        """Axis title for predictions."""

    @property
    @abstractmethod
    def residual_axis(self) -> str:
        """Axis title for residuals."""

    @abstractmethod
    def encode(self, values: pl.Series) -> Array:
        """Convert values of the target's column to the network's targets."""

    @abstractmethod
    def read(self, predictions: Predictions) -> Predictions:
        """Convert outputs of a file to predictions for metrics."""

    @abstractmethod
    def losses(self, target: Array, predictions: Predictions) -> Array:
        """Loss of each row; 0 is best."""

    @abstractmethod
    def residuals(self, target: Array, predictions: Predictions) -> Array:
        """Target minus prediction of each row."""

    @abstractmethod
    def variances(self, predictions: Predictions) -> Array:
        """Variance of each residual if the prediction is calibrated; 0 if unknown."""

    @abstractmethod
    def pseudo_residuals(self, target: Array, predictions: Predictions) -> Array:
        """Pseudo-residuals as in gradient boosting, ``(rows, outcomes)``."""

    @abstractmethod
    def curves_by_output(self, target: Array, predictions: Predictions) -> Mapping[str, Array]:
        """Numbers for partial dependence by name; if there is one, also for single rows."""

    @abstractmethod
    def errors(self, target: Array, predictions: Predictions) -> tuple[Array, Array]:
        """Whether each row is an error, and a code for the kind of error."""

    @abstractmethod
    def describe(self, target: Array, predictions: Predictions) -> dict[str, Array | pl.Series]:
        """``actual``, ``predicted``, and ``residual`` or ``certainty``, of each row."""

    def selections(self, target: Array, predictions: Predictions, most: int) -> Iterator[Selection]:
        """The rows with each class as label; at most ``most`` classes."""
        yield from ()

    @abstractmethod
    def monitored_outputs(self, predictions: Predictions) -> dict[str, pl.Series]:
        """Outputs whose distribution is stored in the file, for drift detection."""

    @abstractmethod
    def answer(self, estimator: Estimator) -> Predict:
        """The predictions of a baseline."""

    def calibrate(self, predict: Predict, validation: Validation) -> Predict:
        """Calibrate predictions on validation rows, as the model's are."""
        return predict

    @abstractmethod
    def cards(
        self, curves: Mapping[str, pl.DataFrame], scores: Mapping[str, float]
    ) -> Iterator[Card]:
        """The report's section on errors, from `curves` and the values of the metrics."""
