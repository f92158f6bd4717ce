"""The checks that a challenger must pass to replace the champion."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from onward.evaluation.bootstrap import format_value
from onward.evaluation.promotion.looks import Looks
from onward.evaluation.promotion.metric_differences import MetricDifference
from onward.evaluation.promotion.paired_difference import LEVEL, PairedDifference
from onward.evaluation.promotion.slices import Slice
from onward.schema import Field, Schema
from onward.wording import format_count, format_signed

POINT = 0.01  # share of rows by which calibration or coverage may be significantly worse
LISTED = 3  # names in a line


@dataclass(frozen=True)
class Check:
    """A condition with its outcome."""

    name: str
    outcome: Literal["passed", "failed", "undecided"]
    reason: str
    rows: int | None = None
    """Number of rows that would decide an undecided check."""


def check_inputs(challenger: Schema, champion: Schema, *, new_inputs: bool) -> Check:
    """Whether callers of the champion can call the challenger."""
    known = {field.name: field for field in champion.columns}
    added = [field.name for field in challenger.columns if field.name not in known]
    changed = [
        field.name
        for field in challenger.columns
        if field.name in known and _form(field) != _form(known[field.name])
    ]
    if changed:
        return Check("inputs", "failed", f"the champion reads {_names(changed)} differently")
    if added and not new_inputs:
        reason = f"new inputs: {_names(added)}; `--new-inputs` allows them"
        return Check("inputs", "failed", reason)
    removed = len(known) + len(added) - len(challenger.columns)
    reason = (
        f"{format_count(len(challenger.columns), 'column')}: {len(added)} new, {removed} removed"
    )
    return Check("inputs", "passed", reason if added or removed else "the same columns")


def _form(field: Field) -> tuple[object, ...]:
    """The settings that decide how callers write a value."""
    return (field.wire, field.settings)


def check_loss(difference: PairedDifference, looks: Looks, margin: float, title: str) -> Check:
    """Whether the challenger is not worse by the margin (non-inferiority); 0 asks for better."""
    interval = looks.interval(difference)
    ends = f"{format_signed(interval.lower)} to {format_signed(interval.upper)}"
    mean = format_signed(difference.mean)
    reason = f"difference of {title} {mean} ({ends}), margin {format_value(margin)}"
    if interval.upper < margin:
        return Check("loss", "passed", reason)
    if interval.lower > margin:
        return Check("loss", "failed", reason)
    rows = difference.rows_to_decide(margin, looks.first_rows(difference))
    return Check("loss", "undecided", reason, rows)


def check_slices(slices: list[Slice], margin: float) -> Check:
    """Whether no slice is significantly worse, and worse by more than the margin.

    The test is one-sided, hence half of the level.
    """
    worse = [s for s in slices if s.chance < LEVEL / 2 and s.difference.mean > margin]
    if not worse:
        return Check("slices", "passed", f"none of {len(slices)} is significantly worse")
    names = [f"{s.column}: {s.name} ({format_signed(s.difference.mean)})" for s in worse]
    return Check(
        "slices", "failed", f"{len(worse)} of {len(slices)} significantly worse: {_names(names)}"
    )


def check_reliability(difference: MetricDifference) -> Check:
    """Whether probabilities or intervals are not significantly less reliable, nor by a point.

    Coverage is worse if it is lower. A difference without an interval is significant: it is the
    same in all resamples.
    """
    metric, estimate = difference.metric, difference.difference
    name = "calibration" if metric.better == "lower" else "coverage"
    own, other = format_value(difference.first), format_value(difference.second)
    reason = f"{metric.title.lower()} {own}, champion {other}"
    sign = 1 if metric.better == "lower" else -1
    ends = (sign * estimate.lower, sign * estimate.upper)
    is_worse = not min(ends) <= 0 and sign * estimate.value > POINT
    return Check(name, "failed" if is_worse else "passed", reason)


def check_latency(
    challenger: Mapping[str, float], champion: Mapping[str, float], limit: float
) -> Check:
    """Whether one row is predicted within the limit, in microseconds, in 99 of 100 calls."""
    own, other = (of_model["single_row_p99_us"] for of_model in (challenger, champion))
    reason = (
        f"99 of 100 calls with one row take at most {own:,.0f} µs, champion {other:,.0f} µs;"
        f" {'no limit' if math.isinf(limit) else f'limit {limit:,.0f} µs'}"
    )
    return Check("latency", "passed" if own <= limit else "failed", reason)


def _names(names: list[str]) -> str:
    more = ", ..." if len(names) > LISTED else ""
    return f"{', '.join(names[:LISTED])}{more}"
