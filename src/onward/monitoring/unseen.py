"""Categories that no training row has, by the codes that the graph gives them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from onward.monitoring.bins import Array
from onward.schema import Field
from onward.serving.input_arrays import to_wire
from onward.serving.sessions import run_only, session_of, with_output
from onward.serving.training_comparison import UNSEEN
from onward.wires import SCALARS, wire_of

REMEMBERED = 100_000  # values of a column


class UnseenCategories:
    """Asks the graph once for each value.

    Args:
        content: of the model file.
        fields: of its schema.
        codes: the note of the file; empty without categories.
    """

    def __init__(
        self, content: bytes, fields: Sequence[Field], codes: Mapping[str, Any] | None
    ) -> None:
        self._fields = {field.name: field for field in fields}
        self._columns = [] if codes is None else list(codes["columns"])
        self._tensor = "" if codes is None else codes["tensor"]
        self._session = session_of(with_output(content, self._tensor)) if codes else None
        # of rows of several values only missing ones are counted
        coded = [f.name for f in fields if f.name in self._columns and f.wire in SCALARS]
        self._known: dict[str, dict[Any, bool]] = {name: {} for name in coded}

    def among(self, name: str, distinct: Sequence[Any]) -> Array:
        """Which of some distinct values of a column no training row has."""
        if name not in self._known:
            return np.zeros(len(distinct), bool)
        known = self._known[name]
        new = [value for value in distinct if value not in known and value == value]
        if len(known) + len(new) > REMEMBERED:
            known.clear()
            new = [value for value in distinct if value == value]
        if new:
            known.update(zip(new, self._ask(name, new), strict=True))
        return np.array([known.get(value, False) for value in distinct], bool)

    def _ask(self, name: str, values: Sequence[Any]) -> list[bool]:
        feed = {
            field.name: wire_of(field.wire).missing(len(values)) for field in self._fields.values()
        }
        feed[name] = to_wire(self._fields[name], list(values), 0)
        codes = run_only(self._session, self._tensor, feed)
        indices = [index for index, owner in enumerate(self._columns) if owner == name]
        unseen: list[bool] = (codes[:, indices] == UNSEEN).any(axis=1).tolist()
        return unseen
