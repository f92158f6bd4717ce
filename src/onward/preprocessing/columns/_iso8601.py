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

# Every piece of a date adds a row of a table to 13 sums: the cosines and sines of month, day and
# hour; the year; the years so far, also by 4, 100 and 400, whose floors count leap days; the day;
# the second
_CIRCLES = 6
_LEAPS, _DAYS, _SECONDS = slice(7, 11), 11, 12
_SUMS = 13
_PERIODS = np.array([1.0, 4.0, 100.0, 400.0])  # years
_OF_YEAR = np.array([0.0] * _CIRCLES + [1.0, *1 / _PERIODS, 0.0, 0.0])
_IN_DAYS = np.array([0.0] * _CIRCLES + [0.0, 365.0, 1.0, -1.0, 1.0, 1.0, 0.0])
"""The day, as datetime.date.toordinal counts them."""
_IN_SECONDS = np.append(86_400.0 * _IN_DAYS[:-1], 1.0)
_WIDTH = _SUMS + 3  # numbers of a date: the sums, cosine and sine of the weekday, the time
_INDICES = (0, 1, 2, 3, 4, 5, 13, 14, 6, 15)  # of `NAMES` among them

# A text is cut at + - and . into 16 pieces, of which these are kept and cut at :
_END = "+---::."  # behind each text, so that all pieces exist
_KEPT = [0, 2, 4, 6, 8, 14]
# The fields of a date, and their pieces:
_FIELDS = {
    "year": 0,
    "month": 3,
    "day": 6,
    "hour": 6,  # the piece 05T17 is both
    "minute": 7,
    "second": 8,
    "west hour": 9,
    "west minute": 10,
    "east hour": 12,
    "east minute": 13,
}
BLANK = "0001-01-01"
"""The date that texts without one are read as."""
_RADIX = 64  # pieces are numbers below it
_DAYS_OF_YEAR_0 = 306  # from the first of March; day 1 is the first of January of the year 1


@dataclass(frozen=True)
class Dates:
    """The result of `parse`."""

    is_date: Value
    """Bool, ``(rows, columns)``."""
    numbers: Value
    """Float64, ``(rows, _)``, see `index_of`; those of another date where there is none."""


def index_of(column: int, part: int) -> int:
    """The index in ``numbers`` of `Dates` of a part of a column, by its index in `NAMES`."""
    return column * _WIDTH + _INDICES[part]


def parse(graph: Graph, texts: Value, columns: int) -> Dates:
    """Add the operators that parse ``texts``, strings of shape ``(rows, columns)``.

    One pattern covers the whole grammar, including leap years; texts that do not match it never
    reach an operator that could fail. No sine is computed, so all runtimes agree to the bit.
    """
    is_date = graph("RegexFullMatch", texts, pattern=PATTERN)
    dates = graph("Where", is_date, texts, graph.constant(BLANK, object))
    rest = graph("StringConcat", dates, graph.constant(_END, object))
    rest = _cut(graph, _cut(graph, _cut(graph, rest, "+", 1), "-", 3), ".", 1)
    rest = graph.gather(_flat(graph, rest, columns, 16), _KEPT, axis=2)
    rest = _flat(graph, _cut(graph, rest, ":", 2), columns, 3 * len(_KEPT))
    numbers = _numbers(graph, graph.gather(rest, list(_FIELDS.values()), axis=2))
    return Dates(is_date, _flat(graph, numbers, columns * _WIDTH))


def _cut(graph: Graph, texts: Value, mark: str, most: int) -> Value:
    """Pieces of texts, along a new last axis."""
    return graph.outputs("StringSplit", texts, count=2, delimiter=mark, maxsplit=most)[0]


def _flat(graph: Graph, values: Value, *sizes: int) -> Value:
    return graph("Reshape", values, graph.constant([0, *sizes], np.int64))


def _numbers(graph: Graph, pieces: Value) -> Value:
    """The sums, the cosine and the sine of the weekday, and the time: ``(rows, columns, 1, _)``."""
    year = graph("Cast", graph.gather(pieces, [[0]], axis=2), to=TensorProto.INT64)
    year = graph("Cast", year, to=TensorProto.DOUBLE)
    ones = graph.constant(np.ones((1, len(_FIELDS))))
    sums = graph("MatMul", ones, _rows(graph, pieces))  # faster than ReduceSum
    sums = graph("Add", sums, graph("Mul", year, graph.constant(_OF_YEAR)))
    whole = graph("Floor", sums)
    days = graph("MatMul", whole, graph.constant(_IN_DAYS[:, None]))
    time = graph("MatMul", whole, graph.constant(_IN_SECONDS[:, None]))
    weekday = graph("Cast", graph("Mod", days, graph.constant(7.0), fmod=1), to=TensorProto.INT64)
    week = graph("GatherND", graph.constant(_circle(np.arange(7) - 1, 7)), weekday)
    return graph("Concat", sums, week, time, axis=3)


def _rows(graph: Graph, pieces: Value) -> Value:
    """The contribution of each piece, ``(rows, columns, pieces, _SUMS)``."""
    fields, codes = list(_FIELDS), _codes()
    code = graph(
        "LabelEncoder",
        pieces,
        domain="ai.onnx.ml",
        keys_strings=list(codes),
        values_int64s=list(codes.values()),
        default_int64=0,  # of the year
    )
    is_hour = [_RADIX if field == "hour" else 1 for field in fields]
    shifted = graph("Div", code, graph.constant(is_hour, np.int64))
    digit = graph("Mod", shifted, graph.constant(_RADIX, np.int64))
    row = graph("Add", digit, graph.constant(np.arange(len(fields)) * _RADIX, np.int64))
    tables = np.concatenate([_table(field) for field in fields])
    return graph("Gather", graph.constant(tables), row, axis=0)


def _codes() -> dict[str, int]:
    """The number in each piece there can be; that of a day with an hour has two digits."""
    codes = {"": 0, **{f"{number:02}": number for number in range(60)}}
    codes |= {f"{number:02}{end}": number for number in range(60) for end in "Z+"}
    for day in range(1, 32):
        for hour in range(24):
            for mark in "T ":
                codes[f"{day:02}{mark}{hour:02}"] = day + _RADIX * hour
    return codes


def _table(field: str) -> np.ndarray:
    """What the numbers of this field add to the sums, ``(_RADIX, _SUMS)``."""
    table = np.zeros((_RADIX, _SUMS))
    number = np.arange(_RADIX)
    if field == "month":
        table[:, :2] = _circle(number - 1, 12)
        # years begin in March here: their leap day comes last, and does not shift the others
        table[:, _DAYS] = (153 * ((number + 9) % 12) + 2) // 5 - _DAYS_OF_YEAR_0
        # half a year more, so that a floor of a whole number is not a matter of rounding
        table[:, _LEAPS] = (0.5 - (number < 3)[:, None]) / _PERIODS
    elif field == "day":
        table[:, 2:4] = _circle(number - 1, 31)
        table[:, _DAYS] = number
    elif field == "hour":
        table[:, 4:6] = _circle(number, 24)
    unit = {"hour": 3600, "minute": 60, "second": 1}.get(field.split()[-1], 0)
    sign = -1 if field.startswith("east") else 1
    table[:, _SECONDS] = sign * unit * number
    return table


def _circle(number: np.ndarray, period: int) -> np.ndarray:
    angle = 2 * np.pi * number / period
    return np.stack([np.cos(angle), np.sin(angle)], 1)
