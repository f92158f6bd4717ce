"""Parse dates in local time, many at once."""

from functools import lru_cache

import onnxruntime
import polars as pl
from onnx import TensorProto

from onward.preprocessing.columns._dates_to_iso import to_iso
from onward.preprocessing.columns._distinct import distinct, run
from onward.preprocessing.columns._iso8601 import PATTERN, PLAIN
from onward.preprocessing.graph import Graph, session
from onward.schema import Field
from onward.serving.column_settings import ISO, date_format_of

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
