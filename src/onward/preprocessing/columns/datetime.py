"""Dates and times of day, from text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
from typing import Annotated, Any, Literal

import numpy as np
import polars as pl
from onnx import ModelProto, TensorProto
from pydantic import AfterValidator, StringConstraints

from onward.blocks import numerical
from onward.errors import DataError
from onward.preprocessing.columns._base import Column, Encoded
from onward.preprocessing.columns._date_format import DAY_OF_WEEK, WEEK, parse_format
from onward.preprocessing.columns._dates_to_iso import to_iso
from onward.preprocessing.columns._distinct import run_batches, run_distinct
from onward.preprocessing.columns._iso8601 import NAMES, PLAIN, Dates, index_of, parse
from onward.preprocessing.columns._parse_dates import TIME, moments, output, parse_iso
from onward.preprocessing.graph import Graph, Value, session
from onward.rules import Rule
from onward.schema import Field, SemanticType
from onward.serving.column_settings import ISO

LIMIT = 100.0  # scales; no float32 overflows, and no honest date is this far out
OR_MISSING = "set `malformed: missing`"
NARROWEST = 1e-9  # below it, the cosines and sines of one angle differ by rounding only


def _format(text: str) -> str:
    if text != ISO:
        parse_format(text)
    return text


Moment = Annotated[str, StringConstraints(pattern=PLAIN)]
CALENDAR = len(NAMES) - 2  # numbers on circles need no scaling; year and time do


class Datetime(Column):
    """A date: its position in the year, month, week and day, and the time since the middle date.

    Texts are ``2024-03-29``, optionally followed by ``T`` or a blank and ``12:34``, ``12:34:56`` or
    ``12:34:56.789``, and by ``Z`` or ``+05:30``. Month, day of month, hour and weekday are those of
    the text, without conversion to UTC, each as cosine and sine. The year, and the time since the
    middle of the training rows in seconds UTC, are centered and scaled. Features that are constant
    in the training rows are left out, such as the hour of dates without times.

    Missing values become zeros, and a last feature flags them if the training rows have any. The
    model file treats an invalid date as missing; `Predictor` refuses it.
    """

    class Config(Column.Config):
        """The format of dates, and the treatment of invalid ones.

        ``format``: ``iso`` for ISO 8601, otherwise as in strptime, such as ``"%d.%m.%Y %H:%M"``.
        ``%Y %y %m %b %B %d %H %I %p %M %S %z %a %A`` are known, and ``%s`` and ``%Q`` for seconds
        and milliseconds since 1970. Seconds may have a fraction. Names of months and days are in
        English. The default day is the first of the month, the default time midnight.
        ``malformed``: whether invalid dates are refused or missing.
        ``earliest`` and ``latest``: the valid range, in ISO 8601.
        """

        type: Literal["datetime"] = "datetime"
        format: Annotated[str, AfterValidator(_format)] = ISO
        malformed: Literal["refuse", "missing"] = "refuse"
        earliest: Moment | None = None
        latest: Moment | None = None

    config: Config
    adjustable = frozenset({"format", "malformed", "earliest", "latest"})
    wire = "text"
    examples = {
        "2018-01-01": (-1, -1, 0),
        "2024-01-01T00:00:00Z": (1, 1, 0),
        None: (0, 0, 1),
    }

    @property
    def field(self) -> Field:
        """The field, with the format of dates."""
        known = self.config.format
        return replace(super().field, settings={} if known == ISO else {"format": known})

    @classmethod
    def semantic_type(cls, field: Field) -> SemanticType:
        """A date."""
        return "date"

    @classmethod
    def meaning(cls, field: Field, values: pl.Series) -> pl.Series:
        """The dates."""
        return moments(field, values)

    def rules(self) -> list[Rule]:
        """Values must be dates within ``earliest`` and ``latest``."""
        rules, is_there = super().rules(), ~self.is_absent()
        if self.config.malformed == "refuse":
            what = f"a value that is not a date (`format: {self.config.format}`)"
            remedy = f"Correct the table or `format`, or {OR_MISSING}"
            is_week = pl.col(self.name).str.contains(WEEK)
            week, day = "an ISO week, which no `format` reads", f"{DAY_OF_WEEK}, or {OR_MISSING}"
            rules.append(Rule((self.name,), is_there & is_week, week, day))
            is_plain = pl.col(self.name).str.contains(PLAIN)
            doubtful = is_there & ~(is_week | is_plain if self.config.format == ISO else is_week)

            def is_no_date(values: pl.Series) -> pl.Series:
                return self._seconds(values).is_null()

            rules.append(Rule((self.name,), doubtful, what, remedy, is_no_date))
        for name, side, sign in (("earliest", "before", 1), ("latest", "after", -1)):
            if (bound := getattr(self.config, name)) is not None:
                what, remedy = f"a date {side} `{name}: {bound}`", f"Correct the table, or `{name}`"
                beyond = partial(self._is_beyond, bound, sign)
                rules.append(Rule((self.name,), is_there, what, remedy, beyond))
        return rules

    def _is_beyond(self, bound: str, sign: int, values: pl.Series) -> pl.Series:
        limit = Datetime(self.Config(name=self.name))._seconds(pl.Series([bound]))[0]
        is_beyond: pl.Series = self._seconds(values) * sign < limit * sign
        return is_beyond.fill_null(value=False)

    def _seconds(self, texts: pl.Series) -> pl.Series:
        """The dates in seconds; null if invalid."""
        is_date, numbers = self._parse(texts)
        return pl.Series(numbers[:, TIME]).set(pl.Series(~is_date), None)

    def _parse(self, texts: pl.Series) -> tuple[np.ndarray, np.ndarray]:
        """Whether each text is a date, ``(rows,)``, and its parts, ``(rows, len(NAMES))``."""
        if self.config.format == ISO:
            is_date, numbers = parse_iso(texts)
            is_absent = texts.is_in(self.config.missing).fill_null(value=False)
            return is_date & ~is_absent.to_numpy(), numbers
        graph = Graph()
        dates = read(graph, [self], [graph.input(self.name, "text")])
        is_date, numbers = run_distinct(session(output(graph, dates)), texts)
        return is_date[:, 0], numbers

    def parse(self, graph: Graph, text: Value) -> Value | None:
        """Seconds since 2000, in UTC."""
        if self.config.malformed == "missing":
            return None
        dates = read(graph, [self], [text])
        seconds = graph.gather(dates.numbers, [index_of(0, TIME)], axis=1)
        return graph("Where", dates.is_date, seconds, graph.constant(np.nan))

    def fit(self, values: pl.Series) -> None:
        """Fit the varying parts, their centers and scales, and whether values are missing."""
        is_date, numbers = self._parse(values)
        self.has_missing = not is_date.all()
        if not is_date.any():
            raise DataError(
                f"column {self.name!r}: none of the {len(values)} training rows has a date."
                " Remove the column from the config"
            )
        numbers = numbers[is_date] if self.has_missing else numbers
        self.kept = np.flatnonzero(np.ptp(numbers, axis=0) > NARROWEST)
        if not len(self.kept):
            raise DataError(
                f"column {self.name!r}: all {len(numbers)} training values are the same moment."
                " Remove the column from the config"
            )
        self.centers, self.scales = np.zeros(len(self.kept)), np.ones(len(self.kept))
        for index in np.flatnonzero(self.kept >= CALENDAR):
            number = numbers[:, self.kept[index]]
            self.centers[index], self.scales[index] = np.median(number), number.std()

    def dump(self) -> dict[str, Any]:
        """The parts that vary, their centers and scales, and whether values are missing."""
        learned = {"kept": self.kept, "centers": self.centers, "scales": self.scales}
        arrays = {name: values.tolist() for name, values in learned.items()}
        return {"has_missing": self.has_missing, **arrays}

    def restore(self, learned: Mapping[str, Any]) -> None:
        """The same."""
        self.has_missing = learned["has_missing"]
        self.kept = np.array(learned["kept"], np.int64)
        self.centers, self.scales = (np.array(learned[name]) for name in ("centers", "scales"))

    @classmethod
    def encode(
        cls, graph: Graph, columns: "Sequence[Datetime]", raw: Sequence[Value]
    ) -> list[Encoded]:
        """The features of all columns, then the flags of missing values."""
        dates = read(graph, columns, raw)
        kept = [(i, part) for i, column in enumerate(columns) for part in column.kept.tolist()]
        numbers = graph.gather(dates.numbers, [index_of(*part) for part in kept], axis=1)
        return [_scale(graph, columns, dates.is_date, numbers)]

    def encoder(self, model: ModelProto) -> Callable[[pl.Series], list[np.ndarray]]:
        """Parses days and times of day apart, then runs the rest of the graph."""
        if self.config.format != ISO:
            return super().encoder(model)
        graph = Graph()
        is_date = graph("Cast", graph.input("is_date", "number"), to=TensorProto.BOOL)
        numbers = graph.input("numbers", f"float64[{len(self.kept)}]")
        features = _scale(graph, [self], is_date, numbers)
        graph.output("features", features.value, TensorProto.FLOAT)
        scale = session(graph.model())

        def encode(values: pl.Series) -> list[np.ndarray]:
            is_date, numbers = self._parse(values)
            given = {"is_date": is_date[:, None].astype(float), "numbers": numbers[:, self.kept]}
            return run_batches(scale, given)

        return encode


def _scale(graph: Graph, columns: Sequence[Datetime], is_date: Value, numbers: Value) -> Encoded:
    """The features, from the parts that vary of all columns."""
    kept = [index for index, column in enumerate(columns) for _ in column.kept]
    centers = graph.constant(np.concatenate([column.centers for column in columns]))
    scales = graph.constant(np.concatenate([column.scales for column in columns]))
    scaled = graph("Div", graph("Sub", numbers, centers), scales)
    clipped = graph("Clip", scaled, graph.constant(-LIMIT), graph.constant(LIMIT))
    factors = graph.gather(graph("Cast", is_date, to=TensorProto.DOUBLE), kept, axis=1)
    parts = [graph("Mul", clipped, factors)]  # faster than Where, and dates are finite
    owners = [columns[index].name for index in kept]
    names = [f"{column.name}: {NAMES[part]}" for column in columns for part in column.kept]
    flagged = [index for index, column in enumerate(columns) if column.has_missing]
    if flagged:
        missing = graph("Not", graph.gather(is_date, flagged, axis=1))
        parts.append(graph("Cast", missing, to=TensorProto.DOUBLE))
        owners += [columns[index].name for index in flagged]
        names += [f"{columns[index].name} is missing" for index in flagged]
    value = graph("Concat", *parts, axis=1)
    return Encoded(graph("Cast", value, to=TensorProto.FLOAT), numerical(owners, names))


def read(graph: Graph, columns: Sequence[Column], raw: Sequence[Value]) -> Dates:
    """Parse all columns of dates at once; declared missing values are not dates."""
    dates = parse(graph, _as_iso(graph, columns, raw), len(columns))
    marks = list(zip_longest(*(column.config.missing for column in columns), fillvalue=""))
    if not marks:
        return dates
    texts, is_date = graph("Concat", *raw, axis=1), dates.is_date
    for absent in marks:
        is_absent = graph("Equal", texts, graph.constant(absent, object))
        is_date = graph("And", is_date, graph("Not", is_absent))
    return Dates(is_date, dates.numbers)


def _as_iso(graph: Graph, columns: Sequence[Column], raw: Sequence[Value]) -> Value:
    """The texts of all columns in ISO-8601, ``(rows, columns)``; those of one format together."""
    by_format: dict[str, list[int]] = {}
    for index, column in enumerate(columns):
        by_format.setdefault(column.config.format, []).append(index)
    parts = []
    for format_, indices in by_format.items():
        texts = graph("Concat", *(raw[index] for index in indices), axis=1)
        parts.append(texts if format_ == ISO else to_iso(graph, texts, len(indices), format_))
    if len(parts) == 1:
        return parts[0]
    order = np.argsort(np.concatenate([*by_format.values()]))
    return graph.gather(graph("Concat", *parts, axis=1), order, 1)
