"""The quality of the predictions by window, with and without labels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from onward.monitoring.calibration import KnownCalibration
from onward.monitoring.judging import last, running_states
from onward.monitoring.log import Log, short
from onward.monitoring.predictions import LOSSES
from onward.monitoring.profile import Profile
from onward.monitoring.proportions import wilson
from onward.monitoring.slices import LEVEL, listed, slices
from onward.monitoring.tally import Moments
from onward.monitoring.windows import LEAST_ROWS

MARGIN = 0.1  # standard deviations of a row; a loss of quality below it is negligible, as w of 0.1
SLOPE_MARGIN = 0.2  # of the calibration slope
ONE_SIDED = 1.644854  # standard deviations; 95 %
SIDE = 1.959964
SHARES = ("accuracy", "coverage")
SLOPE = "calibration_slope"
RANGES = {"accuracy": (0.0, 1.0), "mae": (0.0, np.inf)}
"""Of estimated qualities."""
SUPPORT = {"accuracy": 0.0, "mae": 0.25}
"""Least support of an estimate: what lies far from the test rows can be any number, but no accuracy
beyond 1."""


def estimated(profile: Profile, log: Log) -> dict[str, Any] | None:
    """Estimated quality by window, and which windows have rows too unlike the test set for it."""
    name = next((name for name in ("accuracy", "mae") if name in profile.quality), None)
    if profile.correction is None or name is None:
        return None
    held_out = profile.quality[name]
    margin = MARGIN * held_out["sd"]
    estimates: list[dict[str, float] | None] = []
    lost, is_unlike = [], []
    for window in log.windows:
        sums = window.estimated if window.rows >= LEAST_ROWS else None
        estimate = None if sums is None else profile.correction.estimate(sums)
        is_unlike.append(estimate is not None and estimate.support < SUPPORT[name])
        if estimate is None or is_unlike[-1]:
            estimates.append(None)
            lost.append(False)
            continue
        # the line of the correction may lead beyond what a mean can be
        bounds = {"value": estimate.value, "lower": estimate.lower, "upper": estimate.upper}
        estimates.append({key: short(np.clip(n, *RANGES[name])) for key, n in bounds.items()})
        is_lower_better = name in LOSSES
        worse = held_out["mean"] + margin if is_lower_better else held_out["mean"] - margin
        lost.append(estimate.lower > worse if is_lower_better else estimate.upper < worse)
    is_known = [estimate is not None for estimate in estimates]
    entry = _entry(name, held_out["mean"], margin, estimates, lost, is_known)
    return entry | {"unlike": is_unlike}


def measured(profile: Profile, log: Log) -> Iterator[dict[str, Any]]:
    """Measured quality by window; it is tested if nearly all rows have a label."""
    if not any(window.labelled for window in log.windows):
        return
    for name, held_out in profile.quality.items():
        intervals: list[dict[str, float] | None] = []
        lost = []
        for window in log.windows:
            moments = window.quality.get(name)
            if moments is None or moments.rows < 2:
                intervals.append(None)
                lost.append(False)
                continue
            intervals.append(_interval(name, moments))
            lost.append(_is_lost(name, moments, held_out))
        margin = MARGIN * held_out["sd"]
        yield _entry(name, held_out["mean"], margin, intervals, lost, log.is_labelled)
    if profile.calibration is not None:
        yield _slopes(profile.calibration, log)


def _interval(name: str, moments: Moments) -> dict[str, float]:
    value, reach = moments.mean, SIDE * np.sqrt(moments.variance / moments.rows)
    lower, upper = value - reach, value + reach
    if name in SHARES:  # also right for few rows, and shares near 0 or 1
        lower, upper = wilson(moments.total, moments.rows)
    return {"value": value, "lower": lower, "upper": upper}


def _is_lost(name: str, moments: Moments, held_out: Mapping[str, float]) -> bool:
    sign = 1 if name in LOSSES else -1
    excess = sign * (moments.mean - held_out["mean"]) - MARGIN * held_out["sd"]
    error = np.sqrt(moments.variance / moments.rows)
    return bool(excess > ONE_SIDED * np.hypot(error, held_out["sd"] / np.sqrt(held_out["rows"])))


def _slopes(known: KnownCalibration, log: Log) -> dict[str, Any]:
    """The calibration slope. It is lost if it moved away from 1 by more than is negligible."""
    intervals: list[dict[str, float] | None] = []
    lost = []
    for window in log.windows:
        slope = None if window.calibration is None else known.measure.slope(window.calibration)
        if slope is None:
            intervals.append(None)
            lost.append(False)
            continue
        value, reach = slope.value, SIDE * slope.error
        intervals.append({"value": value, "lower": value - reach, "upper": value + reach})
        excess = abs(value - known.slope.value) - SLOPE_MARGIN
        is_further = abs(value - 1) > abs(known.slope.value - 1)
        error = np.hypot(slope.error, known.slope.error)
        lost.append(bool(is_further and excess > ONE_SIDED * error))
    is_tested = [
        labelled and interval is not None
        for labelled, interval in zip(log.is_labelled, intervals, strict=True)
    ]
    return _entry(SLOPE, known.slope.value, SLOPE_MARGIN, intervals, lost, is_tested)


def _entry(
    name: str,
    held_out: float,
    margin: float,
    intervals: Sequence[Mapping[str, float] | None],
    lost: Sequence[bool],
    is_tested: Sequence[bool],
) -> dict[str, Any]:
    states = running_states(np.array(lost), np.array(is_tested))
    return {
        "name": name,
        "held_out": held_out,
        "margin": short(margin),
        "state": last(states),
        "windows": intervals,
        "states": states,
    }


def frequencies(profile: Profile, log: Log) -> list[dict[str, Any]]:
    """Predicted and observed frequencies in the last window with labels for nearly all rows."""
    sums = [
        window.calibration
        for window, is_labelled in zip(log.windows, log.is_labelled, strict=True)
        if is_labelled and window.calibration is not None
    ]
    if profile.calibration is None or not sums:
        return []
    found = profile.calibration.measure.frequencies(sums[-1])
    return [{name: short(value) for name, value in asdict(part).items()} for part in found]


def worse_slices(profile: Profile, log: Log) -> dict[str, Any] | None:
    """The loss in slices, compared with the same slices of the test set; None without labels."""
    name = next((name for name in LOSSES if name in profile.quality), None)
    if name is None or not any(log.is_labelled):
        return None
    margin = MARGIN * profile.quality[name]["sd"]
    found = slices(profile.columns, log.windows, log.is_labelled, margin)
    return {
        "name": name,
        "margin": short(margin),
        "level": LEVEL,
        "tested": len(found),
        "slices": [part.entry(log.names) for part in listed(found)],
    }
