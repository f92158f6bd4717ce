"""Dates written as 09/22/1986 or 22/09/1986, as ISO-8601 text."""

import numpy as np

from onward.preprocessing.graph import Graph, Value
from onward.schema import Order

PATTERN = "[0-9]{2}/[0-9]{2}/[0-9]{4}"
_NONE = "00/00/0000"


def to_iso(graph: Graph, texts: Value, order: Order) -> Value:
    """Turn round the texts ``(rows, 1)`` that match; all others become "", which is no date."""
    is_slashed = graph("RegexFullMatch", texts, pattern=PATTERN)
    dates = graph("Where", is_slashed, texts, graph.constant(_NONE, object))
    # this row makes all the pieces exist, even where there is no other row
    full = graph("Concat", graph.constant([[_NONE]], object), dates, axis=0)
    pieces = graph.outputs("StringSplit", full, count=2, delimiter="/")[0]
    rest = graph("Slice", pieces, graph.constant([1], np.int64), graph.constant([2**31], np.int64))
    places = {"month_first": (2, 0, 1), "day_first": (2, 1, 0)}[order]
    year, month, day = (
        graph("Gather", rest, graph.constant(place, np.int64), axis=2) for place in places
    )
    dash = graph.constant("-", object)
    date = year
    for part in (month, day):
        date = graph("StringConcat", graph("StringConcat", date, dash), part)
    return graph("Where", is_slashed, date, graph.constant("", object))
