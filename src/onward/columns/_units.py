"""Numbers with a unit, such as 12.5 kg, $1,200 and 45%, read with ONNX operators."""

import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import onnxruntime
import polars as pl
from onnx import TensorProto

from onward.columns._distinct import distinct, run
from onward.graph import Graph, Value, session
from onward.schema import Field

GROUPS = 6  # of digits; with more, float64 would round
_FRACTION = r"(?:\.[0-9]{0,15})?(?:[eE][+-]?[0-9]{1,2})?"


def pattern(unit: str, thousands: str) -> str:
    """Of RE2 and of polars: what a number with this unit looks like, as a whole.

    The unit is behind the number or before it, and a sign before both; blanks between them mean
    nothing. What matches is in the range of float64.
    """
    whole = "[0-9]{1,15}"
    if thousands:
        group = f"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}}){{1,{GROUPS - 1}}}"
        whole = f"(?:{group}|{whole})"
    number = rf"(?:{whole}{_FRACTION}|\.[0-9]{{1,15}}(?:[eE][+-]?[0-9]{{1,2}})?)"
    if not unit:
        return f" *[+-]? *{number} *"
    mark = re.escape(unit)
    behind = f"{number} *{mark}"
    # "m2 5" would be m25, too
    either = behind if unit[-1].isdigit() else f"(?:{behind}|{mark} *{number})"
    return f" *[+-]? *{either} *"


def read(graph: Graph, text: Value, units: Mapping[str, float], thousands: str) -> Value:
    """Add the operators that read ``text``, ``(rows, 1)``: float64 ``(rows, 1)``.

    NaN is any text that is no number with one of the units. Each number is multiplied by its unit's
    factor. No text reaches an operator that could fail.
    """
    # all pieces into which a number can be cut
    plain = "- 0" + f"{thousands}000" * (GROUPS - 1) * bool(thousands)
    # this row makes the pieces exist, even where there is no other row
    texts = graph("Concat", graph.constant([[""]], object), text, axis=0)
    number, factor = graph.constant(plain, object), graph.constant(np.nan)
    for unit, size in units.items():
        is_it = graph("RegexFullMatch", texts, pattern=pattern(unit, thousands))
        bare = _without(graph, texts, is_it, unit) if unit else texts
        number = graph("Where", is_it, bare, number)
        factor = graph("Where", is_it, graph.constant(size), factor)
    number = _joined(graph, number, "", 2)
    if thousands:
        number = _joined(graph, number, thousands, GROUPS)
    value = graph("Mul", graph("Cast", number, to=TensorProto.DOUBLE), factor)
    first, end = graph.constant([1], np.int64), graph.constant([2**62], np.int64)
    return graph("Slice", value, first, end, graph.constant([0], np.int64))


def _without(graph: Graph, texts: Value, is_it: Value, unit: str) -> Value:
    """The texts that have the unit, without it."""
    some = graph("Where", is_it, texts, graph.constant(f"0{unit}", object))
    return _joined(graph, some, unit, 2)


def _joined(graph: Graph, texts: Value, mark: str, pieces: int) -> Value:
    """The texts without the mark; an empty one is any blanks.

    Args:
        graph: where to add it.
        texts: one of them has all the pieces, and none has more.
        mark: between the pieces.
        pieces: that there are.
    """
    attributes = {"delimiter": mark} if mark else {}
    parts, _ = graph.outputs("StringSplit", texts, count=2, **attributes)
    whole, *rest = (
        graph("Gather", parts, graph.constant(place, np.int64), axis=-1) for place in range(pieces)
    )
    for part in rest:
        whole = graph("StringConcat", whole, part)
    return whole


def numbers(field: Field, values: pl.Series) -> pl.Series:
    """The numbers that a column of numbers means, float64; null where there is none.

    Args:
        field: which means numbers.
        values: of the wire.
    """
    if not field.units:
        return values.cast(pl.Float64).fill_nan(None)
    found = distinct(values)
    [read] = run(_session(field), found.texts)
    return pl.Series(values.name, read[found.codes, 0]).fill_nan(None)


@lru_cache(maxsize=64)
def _session(field: Field) -> onnxruntime.InferenceSession:
    graph = Graph()
    value = number_of(graph, field, graph.input("text", "text"))
    graph.output("number", value, TensorProto.DOUBLE)
    return session(graph.model())


def number_of(graph: Graph, field: Field, text: Value) -> Value:
    """As `read`, for a column; what it declares missing is NaN, too."""
    number = read(graph, text, dict(field.units), field.thousands)
    for absent in field.missing:
        is_absent = graph("Equal", text, graph.constant(absent, object))
        number = graph("Where", is_absent, graph.constant(np.nan), number)
    return number
