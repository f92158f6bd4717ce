"""How many values of each column were missing, unseen or out of range."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from onward.schema import Field
from onward.serving.input_arrays import Array
from onward.serving.server.prediction import Prediction
from onward.serving.server.served_model import ServedModel
from onward.serving.server.training_range import TrainingRange

BATCH = 512  # rows; counting them at once costs a hundredth of counting each request alone


class ColumnCounts:
    """Counters for the columns of one model."""

    def __init__(self, model: ServedModel) -> None:
        reference = model.predictor.metadata.get("reference", {})
        self._ranges = {
            field.name: (field, TrainingRange.read(field, reference))
            for field in model.schema.columns
        }
        self._missing: Counter[str] = Counter()
        self._unseen: Counter[str] = Counter()
        self._out_of_range: Counter[str] = Counter()
        self._feeds: list[Mapping[str, Array]] = []
        self._rows = 0

    def add(self, prediction: Prediction) -> None:
        """Count the values of a prediction, now or with those that follow."""
        self._feeds.append(prediction.feed)
        self._rows += prediction.rows
        if self._rows >= BATCH:
            self._count()

    def counts(self) -> dict[str, Counter[str]]:
        """By kind, then by column. A column without such values has no entry."""
        self._count()
        return {
            "missing": self._missing,
            "unseen": self._unseen,
            "out_of_range": self._out_of_range,
        }

    def _count(self) -> None:
        feeds, self._feeds, self._rows = self._feeds, [], 0
        if not feeds:
            return
        for name, (field, known) in self._ranges.items():
            values = np.concatenate([feed[name] for feed in feeds]).ravel()
            if field.wire == "number":
                self._count_numbers(name, values, known)
            else:
                self._count_texts(field, values.tolist(), known)

    def _count_numbers(self, name: str, values: Array, known: TrainingRange) -> None:
        self._missing[name] += int(np.isnan(values).sum())
        if known.low is not None and known.high is not None:
            outside = (values < known.low) | (values > known.high)
            self._out_of_range[name] += int(outside.sum())

    def _count_texts(self, field: Field, values: list[str], known: TrainingRange) -> None:
        for token in ("", *field.missing):
            self._missing[field.name] += values.count(token)
        if known.categories is not None and not known.categories.issuperset(values):
            unseen = sum(value not in known.categories for value in values)
            self._unseen[field.name] += unseen
