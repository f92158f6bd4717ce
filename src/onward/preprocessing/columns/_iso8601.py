"""Parse ISO 8601 dates and times with ONNX operators."""

from dataclasses import dataclass

import numpy as np
from onnx import TensorProto

from onward.preprocessing.graph import Graph, Value

_YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_FOURTH = "(?:0[48]|[2468][048]|[13579][26])"  # 04, 08, ... 96
_LEAP_YEAR = f"(?:[0-9]{{2}}{_FOURTH}|{_FOURTH}00)"
_CLOCK = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
_TIME = rf"{_CLOCK}(?::[0-5][0-9](?:\.[0-9]{{1,9}})?)?(?:Z|[+-]{_CLOCK})?"
PATTERN = f"(?:{_YEAR}-{_DAY}|{_LEAP_YEAR}-02-29)(?:[T ]{_TIME})?"
"""The dates from 0001-01-01 to 9999-12-31, alone or with a time of day."""
_NO_LEAP_DAY = "(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31"
PLAIN = f"^{_YEAR}-({_NO_LEAP_DAY})([T ]{_CLOCK}:[0-5][0-9]Z?)?$"
"""Most dates, and nothing else: the others go through the graph, which takes ten times as long."""

NAMES = (
    "month, cosine",
    "month, sine",
    "day of month, cosine",
    "day of month, sine",
    "hour, cosine",
    "hour, sine",
    "weekday, cosine",
    "weekday, sine",
    "year",
    "time",
)
"""The numbers read from each date. The calendar is that of the text itself, whatever its offset
from UTC; ``time`` is the instant, in whole seconds UTC."""

# Every piece of a date adds a row of a table to a sum of these:
_CIRCLES = 6  # the cosines and sines of month, day and hour
_YEARS, _DAYS, _SECONDS = 6, 7, 8
_SUMS = 9
# The pieces, and where they are when the text is cut at + - . and :
_PLACES = {
    "year": 0,
    "month": 6,
    "day": 12,
    "hour": 12,  # the piece 05T17 is both
    "minute": 13,
    "second": 14,
    "west hour": 18,
    "west minute": 19,
    "east hour": 24,
    "east minute": 25,
}
_FULL = "1970-01-01T00:00:00.0-00:00+00:00"  # no date, but it has all pieces
_BLANK = "0001-01-01"
_RADIX = 64  # pieces are numbers below it
_DAYS_OF_YEAR_0 = 306  # from the first of March; day 1 is the first of January of the year 1


@dataclass(frozen=True)
class Dates:
    """The result of `parse`."""

    is_date: Value
    """Bool, ``(rows, columns)``."""
    numbers: Value
    """Float64, ``(rows, columns * len(NAMES))``; those of another date where there is none."""


def parse(graph: Graph, texts: Value, columns: int) -> Dates:
    """Add the operators that parse ``texts``, strings of shape ``(rows, columns)``.

    One pattern covers the whole grammar, including leap years; texts that do not match it never
    reach an operator that could fail. No sine is computed, so all runtimes agree to the bit.
    """
    is_date = graph("RegexFullMatch", texts, pattern=PATTERN)
    dates = graph("Where", is_date, texts, graph.constant(_BLANK, object))
    # this row makes all pieces exist, even without other rows
    full = graph.constant([[_FULL] * columns], object)
    pieces = graph("Concat", full, dates, axis=0)
    for delimiter in "+-.:":
        pieces = graph.outputs("StringSplit", pieces, count=2, delimiter=delimiter)[0]
    shape = graph.constant([0, columns, -1], np.int64)
    flat = graph("Reshape", pieces, shape)  # (1 + rows, columns, pieces)
    numbers = _numbers(graph, flat)
    rest = graph("Slice", numbers, graph.constant([1], np.int64), graph.constant([2**31], np.int64))
    flat_shape = graph.constant([0, columns * len(NAMES)], np.int64)
    return Dates(is_date, graph("Reshape", rest, flat_shape))


def _numbers(graph: Graph, pieces: Value) -> Value:
    year = graph.gather(pieces, [_PLACES["year"]], axis=2)
    year = graph("Cast", graph("Cast", year, to=TensorProto.INT64), to=TensorProto.DOUBLE)
    sums = graph("ReduceSum", _rows(graph, pieces), graph.constant([2], np.int64), keepdims=0)
    sizes = graph.constant([_CIRCLES, 1, 1, 1], np.int64)
    circles, years, days, seconds = graph.outputs("Split", sums, sizes, count=4, axis=2)
    cycles = graph("Div", graph("Add", year, years), graph.constant([1.0, 4.0, 100.0, 400.0]))
    leaps = graph("MatMul", graph("Floor", cycles), graph.constant([[365.0], [1], [-1], [1]]))
    days = graph("Add", leaps, days)  # as datetime.date.toordinal counts them
    weekday = graph("Cast", graph("Mod", days, graph.constant(7.0), fmod=1), to=TensorProto.INT64)
    week = graph("GatherND", graph.constant(_circle(np.arange(7) - 1, 7)), weekday)
    time = graph("Add", graph("Mul", days, graph.constant(86400.0)), seconds)
    return graph("Concat", circles, week, year, time, axis=2)


def _rows(graph: Graph, pieces: Value) -> Value:
    """The contribution of each piece, ``(1 + rows, columns, pieces, _SUMS)``."""
    places = list(_PLACES)[1:]
    texts = graph.gather(pieces, [_PLACES[place] for place in places], axis=2)
    codes = _codes()
    code = graph(
        "LabelEncoder",
        texts,
        domain="ai.onnx.ml",
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
    )
    is_hour = [_RADIX if place == "hour" else 1 for place in places]
    shifted = graph("Div", code, graph.constant(is_hour, np.int64))
    digit = graph("Mod", shifted, graph.constant(_RADIX, np.int64))
    row = graph("Add", digit, graph.constant(np.arange(len(places)) * _RADIX, np.int64))
    tables = np.concatenate([_table(place) for place in places])
    return graph("Gather", graph.constant(tables), row, axis=0)


def _codes() -> dict[str, int]:
    """The number in each piece there can be; that of a day with an hour has two digits."""
    codes = {"": 0, **{f"{number:02}": number for number in range(60)}}
    codes |= {f"{number:02}Z": number for number in range(60)}
    for day in range(1, 32):
        for hour in range(24):
            for mark in "T ":
                codes[f"{day:02}{mark}{hour:02}"] = day + _RADIX * hour
    return codes


def _table(place: str) -> np.ndarray:
    """What the numbers at this place add to the sums, ``(_RADIX, _SUMS)``."""
    table = np.zeros((_RADIX, _SUMS))
    number = np.arange(_RADIX)
    if place == "month":
        table[:, :2] = _circle(number - 1, 12)
        # years begin in March here: their leap day comes last, and does not shift the others
        table[:, _DAYS] = (153 * ((number + 9) % 12) + 2) // 5 - _DAYS_OF_YEAR_0
        table[1:3, _YEARS] = -1
    elif place == "day":
        table[:, 2:4] = _circle(number - 1, 31)
        table[:, _DAYS] = number
    elif place == "hour":
        table[:, 4:6] = _circle(number, 24)
    unit = {"hour": 3600, "minute": 60, "second": 1}.get(place.split()[-1], 0)
    sign = -1 if place.startswith("east") else 1
    table[:, _SECONDS] = sign * unit * number
    return table


def _circle(number: np.ndarray, period: int) -> np.ndarray:
    angle = 2 * np.pi * number / period
    return np.stack([np.cos(angle), np.sin(angle)], 1)
