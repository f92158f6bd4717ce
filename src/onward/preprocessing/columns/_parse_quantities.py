"""Parse numbers with a unit, such as 12.5 kg, $1,200 and 45%, with ONNX operators."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import zip_longest

import numpy as np
import onnxruntime
import polars as pl
from onnx import TensorProto

from onward.preprocessing.columns._distinct import distinct, run
from onward.preprocessing.graph import Graph, Value, session
from onward.schema import Field
from onward.serving.column_settings import units_of

DIGITS = 18  # before and behind the decimal mark, each: these make an int64
GROUPS = DIGITS // 3
VARIANTS = {" ": "\u00a0\u202f\u2009 ", "'": "'\u2019"}
"""Marks between thousands that mean the same."""
MINUSES = "\u2212-"  # as typesetters and as programs write it
LARGEST_POWER = 99  # of ten, in what is written as 1e99
_POWER = "(?:[eE][+-]?[0-9]{1,2})?"


def pattern(unit: str, decimal: str, thousands: str) -> str:
    """A regular expression, for RE2 and polars, for numbers with this unit.

    The unit is after or before the number. A sign is before both, or parentheses around both mean
    minus. Blanks between them are ignored. Matching numbers are in the range of float64.
    """
    point = re.escape(decimal)
    whole = f"[0-9]{{1,{DIGITS}}}"
    if thousands:
        mark = f"[{VARIANTS.get(thousands, re.escape(thousands))}]"
        group = f"[0-9]{{1,3}}(?:{mark}[0-9]{{3}}){{1,{GROUPS - 1}}}"
        if thousands == ",":  # and as in India
            group += f"|[0-9]{{1,2}}(?:,[0-9]{{2}}){{1,{GROUPS - 2}}},[0-9]{{3}}"
        whole = f"(?:{group}|{whole})"
    usual = f"{whole}(?:{point}[0-9]{{0,{DIGITS}}})?{_POWER}"
    number = f"(?:{usual}|{point}[0-9]{{1,{DIGITS}}}{_POWER})"
    if not unit:
        return _with_sign(number)
    mark, forms = re.escape(unit), [f"{number} *{re.escape(unit)}"]
    if not unit[-1].isdigit():  # m25 is not 5 with the unit m2, nor Rs.500 half a rupee
        forms.append(f"{mark} *{usual if unit[-1].isalpha() else number}")
    if symbol_of(unit):
        forms.append(f"{re.escape(unit[0])} *{number} *{re.escape(unit[1:])}")
    return _with_sign(f"(?:{'|'.join(forms)})")


def _with_sign(form: str) -> str:
    """With a sign before it, or in parentheses for minus."""
    return rf" *(?:[+{MINUSES}]? *{form}|\( *{form} *\)) *"


def symbol_of(unit: str) -> str:
    """The currency symbol before letters, as in €M: the number may be between them."""
    has_letters = len(unit) > 1 and unit[1:].isalpha()
    return unit[0] if has_letters and unicodedata.category(unit[0]) == "Sc" else ""


def read(graph: Graph, fields: Sequence[Field], raw: Sequence[Value]) -> Value:
    """Add the operators that parse columns of numbers with units: float64 ``(rows, columns)``.

    Other texts, and declared missing ones, become NaN. Each number is multiplied by the factor of
    its unit. Only integers are cast from text, since parsing fractions depends on the locale of the
    process; texts that are not numbers never reach an operator that could fail.

    Args:
        graph: where to add them.
        fields: of the columns.
        raw: for each its texts, ``(rows, 1)``.
    """
    given = graph("Concat", *raw, axis=1)
    # this row makes all pieces exist, even without other rows
    texts = graph("Concat", graph.constant([[""] * len(fields)], object), given, axis=0)
    alike: dict[tuple[str, str], list[int]] = {}
    for index, field in enumerate(fields):
        style = field.settings["decimal"], field.settings["thousands"]
        alike.setdefault(style, []).append(index)
    parts = [
        _numbers(
            graph,
            [fields[index] for index in indices],
            [graph.gather(texts, [index], 1) for index in indices],
        )
        for indices in alike.values()
    ]
    number = parts[0]
    if len(parts) > 1:
        order = np.argsort(np.concatenate([*alike.values()]))
        number = graph.gather(graph("Concat", *parts, axis=1), order, 1)
    first, end = graph.constant([1], np.int64), graph.constant([2**62], np.int64)
    number = graph("Slice", number, first, end, graph.constant([0], np.int64))
    for absent in zip_longest(*(field.missing for field in fields), fillvalue=""):
        is_absent = graph("Equal", given, graph.constant(absent, object))
        number = graph("Where", is_absent, graph.constant(np.nan), number)
    return number


def _numbers(graph: Graph, fields: Sequence[Field], columns: Sequence[Value]) -> Value:
    """Parse columns with the same number format."""
    decimal, thousands = (fields[0].settings[name] for name in ("decimal", "thousands"))
    # all pieces into which a number can be cut
    marks = VARIANTS.get(thousands, thousands)
    groups = "".join(f"{mark}000" * (GROUPS - 1) for mark in marks)
    pieces = f"( +\u22120{groups}{decimal}0E0e0)"  # the parentheses give the other minus
    bare, factors = [], []
    for field, texts in zip(fields, columns, strict=True):
        number, factor = graph.constant(pieces, object), graph.constant(np.nan)
        for unit, size in units_of(field).items():
            is_it = graph("RegexFullMatch", texts, pattern=pattern(unit, decimal, thousands))
            without = texts
            if unit:
                some = graph("Where", is_it, texts, graph.constant(f"0{unit}", object))
                without = _without_unit(graph, some, unit)
            number = graph("Where", is_it, without, number)
            factor = graph("Where", is_it, graph.constant(size), factor)
        bare.append(number)
        factors.append(factor)
    number = graph("Concat", *bare, axis=1)
    number = _without(graph, number, "", 2 if " " not in marks else GROUPS + 1)
    for mark in marks.replace(" ", ""):
        number = _without(graph, number, mark, GROUPS)
    number = _as_in_accounts(graph, number)
    return graph("Mul", _number(graph, number, decimal), graph("Concat", *factors, axis=1))


def _number(graph: Graph, texts: Value, decimal: str) -> Value:
    """Float64 of numbers such as -12.5e3, of the same shape."""
    mantissa, power = _cut(graph, texts, "e")
    mantissa, other = _cut(graph, mantissa, "E")
    both = [mantissa, graph("StringConcat", power, other)]
    together = graph("Concat", *(_unsqueeze(graph, part) for part in both), axis=0)
    is_negative = graph("RegexFullMatch", together, pattern=f"[{MINUSES}].*")
    for sign in f"{MINUSES}+":
        together = _without(graph, together, sign, 2)
    together = graph("StringConcat", graph.constant("0", object), together)
    mantissa, power = (graph.gather(together, index, 0) for index in range(2))
    whole, fraction = _cut(graph, mantissa, decimal)
    fraction = graph("StringConcat", graph.constant("1", object), fraction)  # 1 keeps the zeros
    parts = graph("Concat", *(_unsqueeze(graph, p) for p in (whole, fraction, power)), axis=0)
    whole, fraction, power = (
        graph.gather(graph("Cast", parts, to=TensorProto.INT64), index, 0) for index in range(3)
    )
    tens = graph.constant([10**digits for digits in range(DIGITS + 1)], np.int64)
    longer = graph.constant([10**digits for digits in range(1, DIGITS + 1)], np.int64)
    last = graph.constant([-1], np.int64)
    is_longer = graph("GreaterOrEqual", graph("Unsqueeze", fraction, last), longer)
    # onnxruntime sums float32 ten times faster than int64
    count = graph("ReduceSum", graph("Cast", is_longer, to=TensorProto.FLOAT), last, keepdims=0)
    digits = graph("Cast", count, to=TensorProto.INT64)
    unit = graph("Gather", tens, digits, axis=0)
    fraction = _as_double(graph, graph("Sub", fraction, unit))
    value = graph("Add", graph("Mul", _as_double(graph, whole), _as_double(graph, unit)), fraction)
    negative, falling = (graph.gather(is_negative, index, 0) for index in range(2))
    power = graph("Sub", graph("Where", falling, graph("Neg", power), power), digits)
    # both are exact up to 22: a number of up to 15 digits is rounded once
    powers = range(-LARGEST_POWER - DIGITS, LARGEST_POWER + 1)
    index = graph("Add", power, graph.constant(-powers[0], np.int64))
    for operator, sense in (("Mul", 1), ("Div", -1)):
        table = graph.constant([float(f"1e{max(0, sense * exponent)}") for exponent in powers])
        value = graph(operator, value, graph("Gather", table, index, axis=0))
    return graph("Where", negative, graph("Neg", value), value)


def _as_in_accounts(graph: Graph, texts: Value) -> Value:
    """Replace parentheses by a minus."""
    is_negative = graph("RegexFullMatch", texts, pattern=r"\(.*")
    for mark in "()":
        texts = _without(graph, texts, mark, 2)
    minus = graph("StringConcat", graph.constant("-", object), texts)
    return graph("Where", is_negative, minus, texts)


def _cut(graph: Graph, texts: Value, mark: str) -> tuple[Value, Value]:
    """Split at the mark."""
    parts, _ = graph.outputs("StringSplit", texts, count=2, delimiter=mark)
    return graph.gather(parts, 0, -1), graph.gather(parts, 1, -1)


def _without(graph: Graph, texts: Value, mark: str, pieces: int) -> Value:
    """The texts without the mark; an empty one is any blanks.

    Args:
        graph: where to add it.
        texts: one of them has all the pieces, and none has more.
        mark: between the pieces.
        pieces: that there are.
    """
    attributes = {"delimiter": mark} if mark else {}
    parts, _ = graph.outputs("StringSplit", texts, count=2, **attributes)
    whole, *rest = (graph.gather(parts, index, -1) for index in range(pieces))
    for part in rest:
        whole = graph("StringConcat", whole, part)
    return whole


def _without_unit(graph: Graph, texts: Value, unit: str) -> Value:
    symbol = symbol_of(unit)
    if not symbol:
        return _without(graph, texts, unit, 2)
    return _without(graph, _without(graph, texts, symbol, 2), unit[1:], 2)


def _unsqueeze(graph: Graph, value: Value) -> Value:
    return graph("Unsqueeze", value, graph.constant([0], np.int64))


def _as_double(graph: Graph, value: Value) -> Value:
    return graph("Cast", value, to=TensorProto.DOUBLE)


def numbers(field: Field, values: pl.Series) -> pl.Series:
    """The numbers of a column, float64; null if missing or invalid.

    Args:
        field: of a column of numbers.
        values: of the wire.
    """
    if not units_of(field):
        return values.cast(pl.Float64).fill_nan(None)
    unique = distinct(values)
    [read] = run(_session(field), unique.texts)
    return pl.Series(values.name, read[unique.codes, 0]).fill_nan(None)


def convert_quantities(rows: pl.DataFrame, fields: Iterable[Field]) -> pl.DataFrame:
    """The same rows, with numbers instead of quantities."""
    return rows.with_columns(
        numbers(field, rows[field.name]) for field in fields if units_of(field)
    )


@lru_cache(maxsize=64)
def _session(field: Field) -> onnxruntime.InferenceSession:
    graph = Graph()
    graph.output("number", read(graph, [field], [graph.input("text", "text")]), TensorProto.DOUBLE)
    return session(graph.model())
