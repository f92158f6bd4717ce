"""Charts of a search for settings."""

from collections.abc import Mapping, Sequence
from typing import Any

from onward.report.charts._drawing import draw
from onward.tasks.charts.vega_lite import (
    INK,
    MODEL,
    MUTED,
    PERCENT,
    QUANTITY,
    QUIET,
    Spec,
    quantity,
)

FAINT = 0.35
STEP = 44  # pixels between two settings


def parallel(
    space: Mapping[str, Any], trainings: Sequence[Mapping[str, Any]], best: Mapping[str, Any]
) -> str:
    """Parallel coordinates: a line for each trial, and one for the best.

    Args:
        space: the range of each setting.
        trainings: of all trials.
        best: one of them.
    """
    names = setting_titles([*space])
    points = {training["trial"]: training["point"] for training in trainings}
    rows = [
        {"trial": trial, "place": place, "setting": name, "share": share}
        for trial, point in points.items()
        for place, (name, share) in enumerate(zip(names, point, strict=True))
    ]
    ends = [
        {"setting": name, "share": share, "end": end, "side": side}
        for name, choice in zip(names, space.values(), strict=True)
        for share, side, end in zip((0, 1), ("left", "right"), _ends(choice), strict=True)
    ]
    y = {"field": "setting", "type": "nominal", "sort": names, "title": None}
    x = {"field": "share", **QUANTITY, "title": None, "axis": None, "scale": {"domain": [0, 1]}}
    line = {"x": x, "y": y, "detail": {"field": "trial"}, "order": {"field": "place", **QUANTITY}}
    is_best = [row for row in rows if row["trial"] == best["trial"]]
    layers: list[Spec] = [
        {
            "data": {"values": rows},
            "mark": {"type": "line", "color": QUIET, "strokeWidth": 1, "opacity": FAINT},
            "encoding": line,
        },
        {
            "data": {"values": is_best},
            "mark": {"type": "line", "strokeWidth": 2.5, "point": True},
            "encoding": line,
        },
        *(_labels(ends, side, {"x": x, "y": y}) for side in ("left", "right")),
    ]
    return draw("Settings of all trials, with the best one", layers, {"height": {"step": STEP}})


def setting_titles(names: Sequence[str]) -> list[str]:
    """The names of settings without their part, unless two parts have the same.

    Example:
        >>> setting_titles(["embedder.width", "model.width", "model.depth"])
        ['embedder width', 'model width', 'depth']
    """
    short = [name.partition(".")[2] for name in names]
    return [
        own if short.count(own) == 1 else name.replace(".", " ")
        for name, own in zip(names, short, strict=True)
    ]


def _labels(ends: Sequence[Mapping[str, Any]], side: str, places: Spec) -> Spec:
    """The first or the last value of each range, below its line."""
    return {
        "data": {"values": [end for end in ends if end["side"] == side]},
        "mark": {"type": "text", "align": side, "dy": 13, "fontSize": 10, "color": MUTED},
        "encoding": {**places, "text": {"field": "end"}},
    }


def _ends(choice: Any) -> tuple[str, str]:
    """The first and the last value of a range."""
    if isinstance(choice, Mapping):
        low = 0 if choice.get("or_zero") else choice["low"]
        return f"{low:g}", f"{choice['high']:g}"
    return str(choice[0]), str(choice[-1])


def shares(importance: Mapping[str, float]) -> str:
    """Bars of the importance of settings."""
    titles = dict(zip(importance, setting_titles([*importance]), strict=True))
    rows = [
        {"setting": titles[name], "share": share}
        for name, share in sorted(importance.items(), key=lambda item: -item[1])
    ]
    y = {"field": "setting", "type": "nominal", "sort": None, "title": None}
    x = quantity("share", "share of the variance", PERCENT)
    bars: Spec = {"mark": {"type": "bar", "color": MODEL}, "encoding": {"y": y, "x": x}}
    label = {"field": "share", **QUANTITY, "format": ".0%"}
    texts: Spec = {
        "mark": {"type": "text", "align": "left", "dx": 4, "color": INK},
        "encoding": {"y": y, "x": x, "text": label},
    }
    settings = {"height": {"step": 26}, "data": {"values": rows}}
    return draw("Importance of settings", [bars, texts], settings)
