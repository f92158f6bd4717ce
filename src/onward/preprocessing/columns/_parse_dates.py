"""Parse dates in local time, many at once."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import onnxruntime
import polars as pl
from onnx import ModelProto, TensorProto

from onward.preprocessing.columns._dates_to_iso import to_iso
from onward.preprocessing.columns._distinct import distinct, run
from onward.preprocessing.columns._iso8601 import (
    BLANK,
    NAMES,
    PATTERN,
    PLAIN,
    Dates,
    index_of,
    parse,
)
from onward.preprocessing.graph import Graph, session
from onward.schema import Field
from onward.serving.column_settings import ISO, date_format_of

TIME = len(NAMES) - 1
HOURS = [index for index, name in enumerate(NAMES) if name.startswith("hour")]
CLOCKS = (("%Y-%m-%d %H:%M:%S", 19), ("%Y-%m-%d %H:%M", 16), ("%Y-%m-%d", 10))  # with its length


def moments(field: Field, values: pl.Series) -> pl.Series:
    """The local dates of a column, ignoring offsets; null if invalid.

    Args:
        field: of a datetime column.
        values: text.
    """
    known = values.set(values.is_in(field.missing), None)
    format_ = date_format_of(field)
    if format_ == ISO:
        others = known.set(known.str.contains(PLAIN), None)
        known = known.zip_with(others.is_null(), _dates(format_, others))
    else:
        known = _dates(format_, known)
    plain = known.str.replace("T", " ", literal=True)
    read = [
        plain.str.slice(0, length).str.to_datetime(form, strict=False) for form, length in CLOCKS
    ]
    return pl.select(pl.coalesce(*read)).to_series().rename(values.name)


def parse_iso(texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
    """Whether each text is an ISO 8601 date, ``(rows,)``, and its `NAMES`, ``(rows, parts)``.

    Millions of moments have few different days, minutes of a day, and seconds with offsets: the
    graph of the file parses each of these pieces once. A date is a sum over its pieces, exact in
    float64, so the bits are those of whole texts.
    """
    blank = run(_parser(), pl.Series([BLANK]))[1][0]
    is_date, numbers = _parse_piece(texts.str.slice(0, 10), "", range(len(NAMES)))
    is_minute, minutes = _parse_piece(texts.str.slice(10, 6), BLANK, [*HOURS, TIME])
    is_rest, seconds = _parse_piece(texts.str.slice(16), f"{BLANK}T00:00", [TIME])
    is_date &= is_minute & is_rest
    numbers[:, HOURS] = minutes[:, :-1]
    numbers[:, TIME] += minutes[:, -1] + seconds[:, -1] - 2 * blank[TIME]
    numbers[~is_date] = blank
    return is_date, numbers


def _parse_piece(
    pieces: pl.Series, before: str, parts: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each text is a date after ``before``, and some of its `NAMES`."""
    unique = distinct(pieces)
    is_date, numbers = run(_parser(), before + unique.texts)
    return is_date[unique.codes, 0], numbers[:, parts][unique.codes]


@lru_cache(maxsize=1)
def _parser() -> onnxruntime.InferenceSession:
    graph = Graph()
    return session(output(graph, parse(graph, graph.input("text", "text"), 1)))


def output(graph: Graph, dates: Dates) -> ModelProto:
    """A graph that returns whether each text of a column is a date, and its `NAMES`."""
    indices = [index_of(0, part) for part in range(len(NAMES))]
    graph.output("is_date", dates.is_date, TensorProto.BOOL)
    graph.output("numbers", graph.gather(dates.numbers, indices, axis=1), TensorProto.DOUBLE)
    return graph.model()


def _dates(format_: str, values: pl.Series) -> pl.Series:
    """ISO 8601 texts; null if the file cannot parse them."""
    unique = distinct(values)
    is_date, texts = run(_session(format_), unique.texts)
    dates = pl.Series(texts[:, 0], dtype=pl.String).set(pl.Series(~is_date[:, 0]), None)
    return dates[unique.codes]


@lru_cache(maxsize=64)
def _session(format_: str) -> onnxruntime.InferenceSession:
    """A graph that converts to ISO 8601 and validates, as in the file."""
    graph = Graph()
    text = graph.input("text", "text")
    iso = text if format_ == ISO else to_iso(graph, text, 1, format_)
    graph.output("is_date", graph("RegexFullMatch", iso, pattern=PATTERN), TensorProto.BOOL)
    graph.output("iso", graph("Identity", iso), TensorProto.STRING)
    return session(graph.model())
