"""How many values of each column were missing, unseen or out of range."""

from collections import Counter
from collections.abc import Mapping

import numpy as np

from onward.schema import Field
from onward.serving.input_arrays import Array
from onward.serving.server.prediction import Prediction
from onward.serving.server.served_model import ServedModel
from onward.wires import wire_of

BATCH = 512  # rows; counting them at once costs a hundredth of counting each request alone


class ColumnCounts:
    """Counters for the columns of one model, by the comparison of `Predictor.check`.

    Each version is compared with its own training rows.
    """

    def __init__(self, model: ServedModel) -> None:
        self._model = model
        self._missing: Counter[str] = Counter()
        self._unseen: Counter[str] = Counter()
        self._out_of_range: Counter[str] = Counter()
        self._feeds: list[Mapping[str, Array]] = []
        self._rows = 0

    def add(self, prediction: Prediction) -> None:
        """Count the values of a prediction, now or with those that follow."""
        if prediction.model is not self._model:
            self._count()
            self._model = prediction.model
        self._feeds.append(prediction.feed)
        self._rows += prediction.rows
        if self._rows >= BATCH:
            self._count()

    def counts(self) -> dict[str, Counter[str]]:
        """By kind, then by column. A column without such values may have no entry."""
        self._count()
        return {
            "missing": self._missing,
            "unseen": self._unseen,
            "out_of_range": self._out_of_range,
        }

    def _count(self) -> None:
        feeds, rows, self._feeds, self._rows = self._feeds, self._rows, [], 0
        if not rows:
            return
        columns = {name: np.concatenate([feed[name] for feed in feeds]) for name in feeds[0]}
        for name, field in self._model.fields.items():
            self._missing[name] += _num_missing(field, columns[name])
        for unusual in self._model.predictor.compare(columns):
            is_unseen = unusual.kind == "not seen in training"
            counter = self._unseen if is_unseen else self._out_of_range
            counter[unusual.column] += unusual.rows


def _num_missing(field: Field, values: Array) -> int:
    if field.wire != "text":
        return int(wire_of(field.wire).is_missing(values).sum())
    texts = values.ravel().tolist()
    return sum(texts.count(token) for token in ("", *field.missing))
