"""Counters of a server process, in the text format of Prometheus.

Source: Prometheus, "Text-based format", version 0.0.4.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from onward.serving.server.column_counts import ColumnCounts
from onward.serving.server.exchange import Exchange
from onward.serving.server.prediction import Prediction
from onward.serving.server.repository import Repository
from onward.serving.server.state import State

TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (  # seconds; a row takes some 0.2 ms, a thousand rows 20 ms
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
FAMILIES = {
    "onward_requests_total": ("counter", "Requests by path, status and version of the model."),
    "onward_request_seconds": ("histogram", "Time from the headers to the end of the response."),
    "onward_part_seconds": ("histogram", "Parts of a prediction: parse, convert, run."),
    "onward_rows_total": ("counter", "Rows predicted."),
    "onward_shed_total": ("counter", "Requests refused because too many were waiting."),
    "onward_waiting": ("gauge", "Requests in progress."),
    "onward_reload_failures_total": ("counter", "New files that failed verification."),
    "onward_model_info": ("gauge", "Processes that serve this version."),
    "onward_shadow_rows_total": ("counter", "Rows that the shadow predicted."),
    "onward_shadow_skipped_total": ("counter", "Rows that the shadow skipped."),
    "onward_shadow_other_labels_total": (
        "counter",
        "Rows for which the shadow predicted another label.",
    ),
    "onward_shadow_difference_total": ("counter", "Sum of the rows' largest differences."),
    "onward_log_dropped_total": ("counter", "Rows that the request log dropped."),
    "onward_missing_total": ("counter", "Missing values of a column."),
    "onward_unseen_total": (
        "counter",
        "Categories of a column that are in no training row, or too rare there to have a code.",
    ),
    "onward_out_of_range_total": ("counter", "Numbers outside the training range."),
}
Source = Callable[[], Iterator[tuple[str, float]]]
"""Further samples."""
Samples = dict[str, float]
"""Values by name and labels, as a line of the format begins."""


class Histogram:
    """Counts of durations, by upper bounds."""

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count one."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._sum += seconds

    def samples(self, name: str, **labels: str) -> Iterator[tuple[str, float]]:
        """Cumulative buckets."""
        total = 0
        for bound, count in zip((*map(repr, BOUNDS), "+Inf"), self._counts, strict=True):
            total += count
            yield sample(f"{name}_bucket", **labels, le=bound), total
        yield sample(f"{name}_sum", **labels), self._sum
        yield sample(f"{name}_count", **labels), total


class Metrics:
    """Counts requests, and writes the counts."""

    def __init__(
        self, repository: Repository, state: State, sources: Sequence[Source] = ()
    ) -> None:
        self._sources = sources
        self._repository = repository
        self._state = state
        self._requests: Counter[tuple[str, int, str, str]] = Counter()
        self._rows: Counter[tuple[str, str]] = Counter()
        self._seconds = Histogram()
        self._parts = {part: Histogram() for part in ("parse", "convert", "run")}
        self._columns: defaultdict[str, ColumnCounts] = defaultdict(ColumnCounts)
        """By the model's name: versions have the same columns."""

    def observe(self, exchange: Exchange) -> None:
        """Count a request."""
        self._seconds.observe(exchange.seconds)
        prediction = exchange.prediction
        if prediction is None:
            self._requests[exchange.template, exchange.status, "", ""] += 1
            return
        name, version = prediction.model.name, prediction.model.version
        self._requests[exchange.template, exchange.status, name, version] += 1
        self._rows[name, version] += prediction.rows
        self._observe_parts(prediction)
        self._columns[name].add(prediction)

    def samples(self) -> Samples:
        """All current values."""
        return dict(self._samples())

    def _observe_parts(self, prediction: Prediction) -> None:
        timing = prediction.timing
        self._parts["parse"].observe(timing.parse)
        self._parts["convert"].observe(timing.convert)
        self._parts["run"].observe(timing.run)

    def _samples(self) -> Iterator[tuple[str, float]]:
        yield from self._request_samples()
        yield from self._seconds.samples("onward_request_seconds")
        for part, histogram in self._parts.items():
            yield from histogram.samples("onward_part_seconds", part=part)
        yield "onward_shed_total", self._state.shed
        yield "onward_waiting", self._state.waiting
        yield "onward_reload_failures_total", self._repository.failures
        for model in self._repository.models:
            yield sample("onward_model_info", model=model.name, version=model.version), 1
        for source in self._sources:
            yield from source()
        yield from self._column_samples()

    def _request_samples(self) -> Iterator[tuple[str, float]]:
        for (path, status, name, version), count in self._requests.items():
            labels = {"path": path, "status": str(status), "model": name, "version": version}
            yield sample("onward_requests_total", **labels), count
        for (name, version), count in self._rows.items():
            yield sample("onward_rows_total", model=name, version=version), count

    def _column_samples(self) -> Iterator[tuple[str, float]]:
        for name, columns in self._columns.items():
            for kind, counts in columns.counts().items():
                for column, count in counts.items():
                    yield sample(f"onward_{kind}_total", model=name, column=column), count


def exposition(samples: Mapping[str, float]) -> str:
    """The samples as text, grouped by family."""
    groups: dict[str, list[str]] = {name: [] for name in FAMILIES}
    for key, value in samples.items():
        groups[_family(key)].append(f"{key} {value}")
    return "".join(
        f"# HELP {name} {FAMILIES[name][1]}\n# TYPE {name} {FAMILIES[name][0]}\n"
        + "".join(f"{line}\n" for line in lines)
        for name, lines in groups.items()
    )


def sample(name: str, **labels: str) -> str:
    r"""Name and labels of a sample.

    Example:
        >>> sample("onward_missing_total", column='the "age"')
        'onward_missing_total{column="the \\"age\\""}'
    """
    pairs = ",".join(f'{key}="{_escape(value)}"' for key, value in labels.items())
    return f"{name}{{{pairs}}}" if pairs else name


def _family(key: str) -> str:
    name = key.partition("{")[0]
    return name if name in FAMILIES else name.rpartition("_")[0]


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
