"""Inputs of derivations in the graph; each is computed once."""

from collections.abc import Mapping, Sequence

import numpy as np
from onnx import TensorProto

from onward.preprocessing.columns import Column
from onward.preprocessing.columns._iso8601 import NAMES, index_of
from onward.preprocessing.columns._parse_quantities import read as read_units
from onward.preprocessing.columns.datetime import read
from onward.preprocessing.derivations._tensors import finite, one_by_one, side_by_side
from onward.preprocessing.graph import Graph, Value
from onward.serving.column_settings import is_numeric, units_of
from onward.wires import ScalarWire

LARGEST = 2.0**53  # the last float64 before whole numbers begin to fall together
TIME = NAMES.index("time")


class Inputs:
    """Raw columns and the columns derived so far.

    Infinite numbers and declared missing texts are missing here.

    Args:
        graph: where operators are added.
        columns: raw ones, among them all those that are read.
        raw: for each the tensor ``(rows, 1)``.
        numbers: the raw columns that are read as numbers.
        dates: those that are read as dates.
    """

    def __init__(
        self,
        graph: Graph,
        columns: Sequence[Column],
        raw: Mapping[str, Value],
        numbers: Sequence[str],
        dates: Sequence[str],
    ) -> None:
        self._graph, self._raw = graph, raw
        self._columns = {column.name: column for column in columns}
        self._numeric = {column.name: is_numeric(column.field) for column in columns}
        self._numbers = dict(zip(numbers, self._finite(numbers), strict=True))
        self._texts: dict[str, Value] = {}
        self._places = {name: index for index, name in enumerate(dates)}
        if dates:
            alike = [self._columns[name] for name in dates]
            self._dates = read(graph, alike, [raw[name] for name in dates])

    def add(self, name: str, wire: ScalarWire, value: Value) -> None:
        """Add a derived column, which later ones can read."""
        self._numeric[name] = wire == "number"
        (self._numbers if wire == "number" else self._texts)[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self._numeric

    def number(self, name: str) -> Value:
        """Float64 ``(rows, 1)``; NaN is missing."""
        return self._numbers[name]

    def category(self, name: str) -> Value:
        """Text ``(rows, 1)``; "" is missing. Only integers have a text."""
        if name not in self._texts:
            is_numeric = self._numeric[name]
            self._texts[name] = self._whole(name) if is_numeric else self._text(name)
        return self._texts[name]

    def times(self, names: Sequence[str]) -> Value:
        """The seconds UTC of these dates, float64 ``(rows, names)``; NaN is missing."""
        return self.parts([(name, TIME) for name in names])

    def parts(self, wanted: Sequence[tuple[str, int]]) -> Value:
        """Parts of dates, by their index in `NAMES`; NaN if invalid."""
        graph = self._graph
        indices = [self._places[name] for name, _ in wanted]
        columns = [index_of(self._places[name], part) for name, part in wanted]
        numbers = graph("Gather", self._dates.numbers, graph.constant(columns, np.int64), axis=1)
        is_date = graph("Gather", self._dates.is_date, graph.constant(indices, np.int64), axis=1)
        return graph("Where", is_date, numbers, graph.constant(np.nan))

    def _finite(self, names: Sequence[str]) -> list[Value]:
        """The numbers of raw columns, all at once."""
        if not names:
            return []
        fields, values = {name: self._columns[name].field for name in names}, dict(self._raw)
        spelled = [name for name in names if units_of(fields[name])]
        if spelled:
            raw = [self._raw[name] for name in spelled]
            numbers = read_units(self._graph, [fields[name] for name in spelled], raw)
            converted = one_by_one(self._graph, numbers, len(spelled))
            values |= dict(zip(spelled, converted, strict=True))
        together = side_by_side(self._graph, [values[name] for name in names])
        return one_by_one(self._graph, finite(self._graph, together), len(names))

    def _text(self, name: str) -> Value:
        text = self._raw[name]
        for absent in self._columns[name].config.missing:
            is_absent = self._graph("Equal", text, self._graph.constant(absent, object))
            text = self._graph("Where", is_absent, self._graph.constant("", object), text)
        return text

    def _whole(self, name: str) -> Value:
        graph, number = self._graph, self._numbers.get(name, self._raw.get(name, ""))
        is_whole = graph("Equal", graph("Floor", number), number)
        is_small = graph("LessOrEqual", graph("Abs", number), graph.constant(LARGEST))
        is_good = graph("And", is_whole, is_small)
        good = graph("Where", is_good, number, graph.constant(0.0))
        text = graph("Cast", graph("Cast", good, to=TensorProto.INT64), to=TensorProto.STRING)
        return graph("Where", is_good, text, graph.constant("", object))
