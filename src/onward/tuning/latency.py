"""How long networks of a shape take to predict one row, before they are trained."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import onnx
import torch
from onnx import ModelProto, helper

from onward.artifacts.prepared import Prepared
from onward.evaluation.latency import of_single_rows
from onward.export.joining import join_graphs
from onward.export.notes import metadata
from onward.network.scoring import Shape
from onward.serving.model_file import seal
from onward.serving.predictor import Predictor
from onward.tasks import Task
from onward.training.learner import compute_scores
from onward.training.loop import Settings, new_network
from onward.training.run import TrainingData
from onward.training.trial_batch import dropouts
from onward.tuning.journal import Journal
from onward.tuning.space import Space, Values

ROWS = 1_000  # raw rows, one in each call

Measure = Callable[[Settings], float]
"""Microseconds for one row by a network of these settings."""


def shape_key(settings: Settings) -> str:
    """A text that is the same for settings whose networks take the same time."""
    network = settings.network.model_dump()
    for name in dropouts(network["model"]):
        del network["model"][name]
    return json.dumps(network)


@dataclass(frozen=True)
class Limit:
    """The time that one row may take.

    Each shape is measured once; the journal keeps what was measured, since times differ between two
    measurements and the search must not.

    Args:
        microseconds: the limit.
        space: of the settings.
        measure: of a shape.
        journal: of the search.
    """

    microseconds: float
    space: Space
    measure: Measure
    journal: Journal

    def __str__(self) -> str:
        return f"{self.microseconds:g} µs"

    def of(self, values: Values) -> float:
        """Microseconds of one row."""
        settings = self.space.settings(values, self.space.base.learner.max_epochs)
        key = shape_key(settings)
        if key not in self.journal.latencies:
            started = time.monotonic()
            found = round(self.measure(settings), 1)
            self.journal.add_latency(key, found, round(time.monotonic() - started, 3))
        return self.journal.latencies[key]

    def allows(self, values: Values) -> bool:
        """Whether these settings are fast enough."""
        return self.of(values) <= self.microseconds


class Stopwatch:
    """Measures the exported file of an untrained network, whose weights do not matter.

    Args:
        prepared: the rows and the preprocessing.
        data: the same rows, for what embedders and head learn from them.
    """

    def __init__(self, prepared: Prepared, data: TrainingData) -> None:
        self._data, self._schema = data, prepared.schema()
        self._preprocessing = onnx.load_from_string(prepared.preprocessing())
        self._notes = {"text_readers": prepared.text_readers()}
        rows = prepared.rows("validation").head(ROWS).collect()
        self._rows = rows.select(field.name for field in self._schema.columns)

    def __call__(self, settings: Settings) -> float:
        """Microseconds for one row, in half of the calls."""
        content = self.file(settings).SerializeToString()
        return of_single_rows(Predictor(seal(content)), self._rows)["single_row_p50_us"]

    def file(self, settings: Settings) -> ModelProto:
        """What `export` would write, calibrated: operators with 0 or 1 would be left out."""
        data, schema = self._data, self._schema
        shape = Shape(data.blocks, len(data.target.classes))
        network = new_network(settings.network, data.train, shape).eval()
        known = data.validation.between(0, ROWS)
        with torch.no_grad():
            scores = compute_scores(network, known, torch.device("cpu"))
            network.head.calibrate(scores, known.targets, known.weights)
        model = join_graphs(self._preprocessing, network, schema.target.classes)
        task = Task.members[network.head.task](schema.target)
        helper.set_model_props(model, metadata(task, schema, self._notes))
        return model
