"""Convert dates of a format to ISO 8601 text, with ONNX operators."""

import numpy as np
from onnx import TensorProto

from onward.preprocessing.columns._date_format import (
    HALVES,
    MONTHS,
    PIVOT,
    QUARTERS,
    WIDTHS,
    Chunk,
    Format,
    cases,
    parse_format,
)
from onward.preprocessing.graph import Graph, Value

DAYS_BEFORE_1970 = 719_468  # from the first of March of the year 0
DAYS_OF_400_YEARS = 146_097
SECONDS_OF_DAY = 86_400
TWO = [f"{number:02}" for number in range(100)]


def to_iso(graph: Graph, texts: Value, columns: int, format_: str) -> Value:
    """Convert the texts ``(rows, columns)`` that match; others become "", which is not a date.

    Whether the day exists is checked by the ISO 8601 parser.
    """
    form = parse_format(format_)
    is_match = graph("RegexFullMatch", texts, pattern=form.pattern)
    dates = graph("Where", is_match, texts, graph.constant(form.example, object))
    # this row makes all the pieces exist, even where there is no other row
    full = graph("Concat", graph.constant([[form.example] * columns], object), dates, axis=0)
    iso = _epoch(graph, full, form) if form.directives in "sQ" else _reorder(graph, full, form)
    rest = graph("Slice", iso, graph.constant([1], np.int64), graph.constant([2**31], np.int64))
    return graph("Where", is_match, rest, graph.constant("", object))


def _reorder(graph: Graph, texts: Value, form: Format) -> Value:
    pieces: dict[str, Value] = {}
    rest = texts
    for chunk in form.chunks:
        piece, rest = _cut(graph, rest, chunk.mark) if chunk.mark else (rest, rest)
        pieces |= _pieces(graph, piece, chunk)
    date = _join(graph, "-", [_year(graph, pieces), _month(graph, pieces), _day(graph, pieces)])
    clock = [_hour(graph, pieces)] if {"H", "I"} & pieces.keys() else []
    if not clock:
        return date
    minutes = [_number(graph, pieces[letter]) for letter in "MS" if letter in pieces]
    clock += minutes or [graph.constant("00", object)]
    time = _join(graph, ":", clock)
    zone = [pieces["z"]] if "z" in pieces else []
    return _join(graph, "", [_join(graph, "T", [date, time]), *zone])


def _cut(graph: Graph, texts: Value, mark: str) -> tuple[Value, Value]:
    """Split at the first mark, which all texts contain. A blank matches any number of blanks."""
    attributes = {} if mark.isspace() else {"delimiter": mark}
    parts, _ = graph.outputs("StringSplit", texts, count=2, maxsplit=1, **attributes)
    return graph.gather(parts, 0, -1), graph.gather(parts, 1, -1)


def _before(graph: Graph, texts: Value, mark: str) -> tuple[Value, Value]:
    """Split at the first mark, which may be absent; the rest gets one more mark."""
    return _cut(graph, graph("StringConcat", texts, graph.constant(mark, object)), mark)


def _pieces(graph: Graph, text: Value, chunk: Chunk) -> dict[str, Value]:
    """The text of each directive."""
    pieces = {}
    if chunk.directives.endswith("z"):
        text, east = _before(graph, text, "+")
        text, west = _before(graph, text, "-")
        text, _ = _before(graph, text, "Z")
        pieces["z"] = _look_up(graph, graph("StringConcat", east, west), _zones())
    if chunk.directives.endswith("p"):
        pieces["p"] = graph.constant("", object)
        for mark in "APap":
            text, half = _before(graph, text, mark)
            pieces["p"] = graph("StringConcat", pieces["p"], half)
    if chunk.digits.endswith("S"):
        for mark in ".,":
            text, _ = _before(graph, text, mark)
    if len(chunk.digits) < 2:
        return pieces | dict.fromkeys(chunk.digits, text)
    number = graph("Cast", text, to=TensorProto.INT64)
    behind = sum(WIDTHS[letter] for letter in chunk.digits)
    for letter in chunk.digits:
        behind -= WIDTHS[letter]
        some = graph("Div", number, graph.constant(10**behind, np.int64))
        pieces[letter] = _digits(graph, some, WIDTHS[letter])
    return pieces


def _digits(graph: Graph, number: Value, width: int) -> Value:
    """The last digits, two or four."""
    last = graph("Mod", number, graph.constant(100, np.int64))
    text = graph("Gather", graph.constant(TWO, object), last, axis=0)
    if width == 2:
        return text
    before = _digits(graph, graph("Div", number, graph.constant(100, np.int64)), 2)
    return graph("StringConcat", before, text)


def _year(graph: Graph, pieces: dict[str, Value]) -> Value:
    if "Y" in pieces:
        return pieces["Y"]
    years = {text: f"{19 if int(text) >= PIVOT else 20}{text}" for text in TWO}
    return _look_up(graph, pieces["y"], years)


def _month(graph: Graph, pieces: dict[str, Value]) -> Value:
    if "m" in pieces:
        return _number(graph, pieces["m"])
    letter, length = ("b", 3) if "b" in pieces else ("B", None)
    names = {name: f"{index % 12 + 1:02}" for index, name in enumerate(cases(MONTHS, length))}
    return _look_up(graph, pieces[letter], names)


def _day(graph: Graph, pieces: dict[str, Value]) -> Value:
    return _number(graph, pieces["d"]) if "d" in pieces else graph.constant("01", object)


def _hour(graph: Graph, pieces: dict[str, Value]) -> Value:
    if "H" in pieces:
        return _number(graph, pieces["H"])
    hours = {
        f"{written}{half[::-1]}": f"{hour % 12 + 12 * (half.upper() == 'PM'):02}"
        for hour in range(1, 13)
        for written in dict.fromkeys((f"{hour}", f"{hour:02}"))
        for half in HALVES  # turned round by `_before`
    }
    return _look_up(graph, graph("StringConcat", pieces["I"], pieces["p"]), hours)


def _number(graph: Graph, text: Value) -> Value:
    """Write a number with two digits."""
    unpadded = {str(number): f"{number:02}" for number in range(10)}
    return _look_up(graph, text, unpadded | dict(zip(TWO, TWO, strict=True)))


def _zones() -> dict[str, str]:
    """Offsets as returned by `_before`: without a sign before, with one after."""
    zones = {"": "Z"}
    for sign in "+-":
        for hour in TWO[:24]:
            zones[f"{hour}{sign}"] = f"{sign}{hour}:00"
            for minute in QUARTERS:
                for mark in ("", ":"):
                    zones[f"{hour}{mark}{minute}{sign}"] = f"{sign}{hour}:{minute}"
    return zones


def _look_up(graph: Graph, texts: Value, meanings: dict[str, str]) -> Value:
    return graph(
        "LabelEncoder",
        texts,
        domain="ai.onnx.ml",
        keys_strings=list(meanings),
        values_strings=list(meanings.values()),
        default_string="",
    )


def _join(graph: Graph, mark: str, parts: list[Value]) -> Value:
    whole = parts[0]
    for part in parts[1:]:
        if mark:
            whole = graph("StringConcat", whole, graph.constant(mark, object))
        whole = graph("StringConcat", whole, part)
    return whole


def _epoch(graph: Graph, texts: Value, form: Format) -> Value:
    """Seconds or milliseconds since 1970.

    Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days; the
    years from 1970 to 2286 are in the era that begins with the year 1600 or the one after it.
    """

    def whole(value: int) -> Value:
        return graph.constant(value, np.int64)

    def ratio(number: Value, divisor: int) -> Value:
        return graph("Div", number, whole(divisor))

    seconds = graph("Cast", texts, to=TensorProto.INT64)
    seconds = ratio(seconds, 1000) if form.directives == "Q" else seconds
    days = graph("Add", ratio(seconds, SECONDS_OF_DAY), whole(DAYS_BEFORE_1970))
    era = ratio(days, DAYS_OF_400_YEARS)
    day = graph("Mod", days, whole(DAYS_OF_400_YEARS))
    leaps = graph("Sub", ratio(day, 36_524), graph("Add", ratio(day, 1_460), ratio(day, 146_096)))
    year = ratio(graph("Add", day, leaps), 365)
    before = graph(
        "Sub", graph("Add", ratio(year, 4), graph("Mul", year, whole(365))), ratio(year, 100)
    )
    day = graph("Sub", day, before)
    month = ratio(graph("Add", graph("Mul", day, whole(5)), whole(2)), 153)  # 0 is March
    first = ratio(graph("Add", graph("Mul", month, whole(153)), whole(2)), 5)
    day = graph("Add", graph("Sub", day, first), whole(1))
    is_early = graph("GreaterOrEqual", month, whole(10))
    month = graph("Add", month, graph("Where", is_early, whole(-9), whole(3)))
    year = graph("Add", year, graph("Mul", era, whole(400)))
    year = graph("Add", year, graph("Where", is_early, whole(1), whole(0)))
    date = [_digits(graph, year, 4), _digits(graph, month, 2), _digits(graph, day, 2)]
    of_day = graph("Mod", seconds, whole(SECONDS_OF_DAY))
    hour, minute = ratio(of_day, 3600), graph("Mod", ratio(of_day, 60), whole(60))
    clock = [hour, minute, graph("Mod", of_day, whole(60))]
    time = _join(graph, ":", [_digits(graph, part, 2) for part in clock])
    return _join(graph, "T", [_join(graph, "-", date), time])
