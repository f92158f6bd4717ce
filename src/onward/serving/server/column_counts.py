"""How many values of each column were missing, unseen or out of range."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from onward.schema import Field
from onward.serving.input_arrays import Array
from onward.serving.server.prediction import Prediction
from onward.serving.server.served_model import ServedModel
from onward.wires import wire_of

BATCH = 512  # rows; counting them at once costs a hundredth of counting each request alone


class ColumnCounts:
    """Counters for the columns of one model, by the comparison of `Predictor.check`.

    Each version is compared with its own training rows. Those of a canary take turns, so each has a
    batch of its own.
    """

    def __init__(self) -> None:
        self._missing: Counter[str] = Counter()
        self._unseen: Counter[str] = Counter()
        self._out_of_range: Counter[str] = Counter()
        self._feeds: dict[ServedModel, list[Mapping[str, Array]]] = {}
        self._rows = 0

    def add(self, prediction: Prediction) -> None:
        """Count the values of its run, now or with those that follow."""
        run = prediction.run
        if prediction.first or not prediction.rows:  # the first rows of a run count for all of it
            return
        self._feeds.setdefault(run.model, []).append(run.feed)
        self._rows += run.rows
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
        batches, self._feeds, self._rows = self._feeds, {}, 0
        for model, feeds in batches.items():
            self._count_batch(model, feeds)

    def _count_batch(self, model: ServedModel, feeds: Sequence[Mapping[str, Array]]) -> None:
        columns = {name: np.concatenate([feed[name] for feed in feeds]) for name in feeds[0]}
        for name, field in model.fields.items():
            self._missing[name] += _num_missing(field, columns[name])
        for unusual in model.predictor.compare(columns):
            is_unseen = unusual.kind.endswith("not seen in training")
            counter = self._unseen if is_unseen else self._out_of_range
            counter[unusual.column] += unusual.rows


def _num_missing(field: Field, values: Array) -> int:
    if field.wire != "text":
        return int(wire_of(field.wire).is_missing(values).sum())
    texts = values.ravel().tolist()
    return sum(texts.count(token) for token in ("", *field.missing))
