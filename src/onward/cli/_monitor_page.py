"""The findings of a monitor as a self-contained HTML page."""

from collections.abc import Mapping, Sequence
from typing import Any

from onward.monitoring.verdicts import ALARMS, QUALITIES, latest, older_window
from onward.report.markup import Content, Html, document, join, table, tag
from onward.wording import format_count, format_number

ROWS = 40  # of a table; the JSON has all
WIDTH, HEIGHT = 96, 22  # of a drawing in a cell
WINDOWS = 90  # drawn, the latest ones
EFFECT = (
    "Effect is Cohen's w: 0.1 is small, 0.5 large. The state is watch if the effect is"
    " significantly larger than the negligible one, and drift if it is so in two consecutive"
    " windows and in the rows of both together. Bars: gray are the training rows, blue is the last"
    " window. Over time: a window is gray if quiet, blue if watch, orange if drift."
)
CALIBRATION = (
    "In the last window with labels for nearly all rows: the observed frequency of the outcome, by"
    " its probability. Both agree if the model is calibrated; the calibration slope is then 1,"
    " below 1 if the model is too confident, above 1 if it is too cautious."
)
SLICES = (
    "The {name} in {tested:,} slices with at least 50 labelled rows, here and in the test set."
    " The state is worse if it is significantly higher, by more than {margin:.2g}, in two"
    " consecutive windows. The chance of a false finding in a window is {level:.1%} for all slices"
    " together."
)
COLORS = {"drift": "var(--other)", "watch": "var(--model)", "quiet": "var(--grid)"}


def monitor_page(findings: Mapping[str, Any]) -> str:
    """The page, as text."""
    sections = {
        "Columns": _distributions(findings["columns"]),
        "Predictions": _distributions(findings["predictions"]),
        "Quality": _quality(findings),
        "Calibration": _calibration(findings["calibration"]),
        "Slices": _slices(findings["slices"]),
        "Contract": _contract(findings["contract"]),
        "Weekdays": _seasons(findings["seasons"]),
        "Windows": _windows(findings["windows"]),
    }
    return document(f"{findings['model']['target']}: monitor", _header(findings), sections)


def _header(findings: Mapping[str, Any]) -> Html:
    model, verdict = findings["model"], findings["verdict"]
    rows = format_count(findings["rows"], "row")
    windows = format_count(len(findings["windows"]), "window")
    state = verdict["state"]
    color = {"class_": "alarm"} if state in ALARMS else {}
    facts = f"model {model['id']} · {rows} of {findings['log']} · {windows}"
    return tag(
        "header",
        tag("p", facts, class_="quiet"),
        tag("h1", f"{model['target']}: ", tag("em", state, **color)),
        tag("p", verdict["sentence"], class_="verdict"),
        tag("p", "Next: ", tag("code", verdict["next"]), class_="quiet"),
    )


def _distributions(entries: Sequence[Mapping[str, Any]]) -> Html:
    """The table of columns or outputs, sorted by state."""
    if not entries:
        return Html("")
    order = {"drift": 0, "watch": 1}
    ordered = sorted(entries, key=lambda entry: order.get(entry["state"], 2))
    rows = [_row(entry) for entry in ordered]
    head = [
        "column",
        "state",
        "effect (95 %)",
        "negligible",
        "training → now",
        "largest change",
        "over time",
    ]
    note = EFFECT if entries[0]["kind"] == "column" else ""
    about = tag("p", note, class_="quiet") if note else Html("")
    return join(about, _card(head, rows))


def _card(head: Sequence[str], rows: Sequence[Sequence[Content]]) -> Html:
    """A table in a card, with a note where it is too long to show all rows."""
    if len(rows) <= ROWS:
        return tag("div", table(head, rows), class_="card")
    note = f"The first {ROWS} of {len(rows):,}; --output writes all to a file."
    return tag("div", table(head, rows[:ROWS]), tag("p", note, class_="quiet"), class_="card")


def _row(entry: Mapping[str, Any]) -> list[Content]:
    effect = entry["effect"]
    interval = f"{effect['value']:.2f} ({effect['lower']:.2f} to {effect['upper']:.2f})"
    label = f"shares of {entry['name']} in training rows and now"
    return [
        entry["name"],
        _since(entry, {}),
        interval,
        f"{entry['negligible']:.2f}",
        _bars(entry["reference"], entry["shares"], label),
        entry["moved"],
        _strip(entry["states"], f"states of {entry['name']}"),
    ]


def _bars(before: Sequence[float], now: Sequence[float], label: str) -> Html:
    """Two histograms side by side."""
    highest = max([*before, *now]) or 1
    step = WIDTH / max(len(before), 1)
    shapes: list[Html] = []
    for color, shares, shift in (("--quiet", before, 0.0), ("--model", now, 0.45)):
        bars = "".join(
            f"M{(index + shift) * step:.1f} {HEIGHT}v{-HEIGHT * share / highest:.1f}"
            f"h{step * 0.4:.1f}V{HEIGHT}z"
            for index, share in enumerate(shares)
        )
        shapes.append(tag("path", style=f"fill:var({color})", d=bars))
    return _drawing(shapes, label)


def _strip(states: Sequence[str], label: str) -> Html:
    """A colored mark for each of the latest windows."""
    states = states[-WINDOWS:]
    step = WIDTH / max(len(states), 1)
    marks = [
        tag(
            "path",
            style=f"fill:{COLORS.get(state, 'none')}",
            d=f"M{index * step:.1f} 4h{step * 0.85:.1f}V18h{-step * 0.85:.1f}z",
        )
        for index, state in enumerate(states)
    ]
    return _drawing(marks, label)


def _drawing(shapes: Sequence[Html], label: str) -> Html:
    size = {"width": str(WIDTH), "height": str(HEIGHT), "viewBox": f"0 0 {WIDTH} {HEIGHT}"}
    return tag("svg", shapes, role="img", aria_label=label, **size)


def _quality(findings: Mapping[str, Any]) -> Html:
    parts: list[Content] = []
    if findings["quality"]:
        note = (
            "Measured with labels, in the last window if no other one is named. Windows with labels"
            " for fewer than 80 % of rows are not tested."
        )
        table_of_measured = _qualities(findings["quality"], "measured", findings["windows"])
        parts += [tag("p", note, class_="quiet"), table_of_measured]
    if findings["estimate"]:
        note = (
            "Estimated without labels: the quality that the model expects, corrected on the test"
            " set. This assumes that the relation between columns and target has not changed."
        )
        unlike = findings["estimate"]["unlike"]
        if any(unlike):
            note += (
                f" Not estimated in {sum(unlike)} of {format_count(len(unlike), 'window')}, whose"
                " rows are unlike those of the test set."
            )
        table_of_estimate = _qualities(
            [findings["estimate"]], "estimate, last window", findings["windows"]
        )
        parts += [tag("p", note, class_="quiet"), table_of_estimate]
    return join(*parts) if parts else Html("")


def _qualities(
    qualities: Sequence[Mapping[str, Any]], title: str, windows: Sequence[Mapping[str, Any]]
) -> Html:
    rows = []
    for quality in qualities:
        now = latest(quality)
        text = _with_interval(now, 4) if now else "none"
        window = older_window(quality, windows) if now else None
        text += f", window {window}" if window else ""
        name = QUALITIES.get(quality["name"], quality["name"])
        state = {"drift": "lost"}.get(quality["state"], quality["state"])
        strip = _strip(quality["states"], f"states of {name}")
        held_out, margin = (
            format_number(quality["held_out"]),
            format_number(quality["margin"], 2),
        )
        rows.append([name, state, text, held_out, margin, strip])
    head = ["quality", "state", f"{title} (95 %)", "test set", "margin", "over time"]
    return tag("div", table(head, rows), class_="card")


def _with_interval(estimate: Mapping[str, float], digits: int) -> str:
    value, lower, upper = (
        format_number(estimate[name], digits) for name in ("value", "lower", "upper")
    )
    return f"{value} ({lower} to {upper})"


def _calibration(frequencies: Sequence[Mapping[str, float]]) -> Html:
    if not frequencies:
        return Html("")
    rows = [
        [
            f"{part['predicted']:.1%}",
            f"{part['observed']:.1%} ({part['lower']:.1%} to {part['upper']:.1%})",
            f"{part['rows']:,.0f}",
        ]
        for part in frequencies
    ]
    head = ["mean probability", "observed (95 %)", "rows"]
    about = tag("p", CALIBRATION, class_="quiet")
    return join(about, tag("div", table(head, rows, "numbers"), class_="card"))


def _slices(found: Mapping[str, Any] | None) -> Html:
    if not found or not found["slices"]:
        return Html("")
    name = QUALITIES.get(found["name"], found["name"])
    rows = [
        [
            f"{part['column']} = {part['slice']}",
            _since(part, {"drift": "worse"}),
            _with_interval(part, 3),
            format_number(part["held_out"], 3),
            f"{part['rows']:,}",
            _strip(part["states"], f"states of {part['column']} = {part['slice']}"),
        ]
        for part in found["slices"]
    ]
    head = ["slice", "state", f"{name}, last window (95 %)", "test set", "rows", "over time"]
    about = tag("p", SLICES.format(**{**found, "name": name}), class_="quiet")
    return join(about, _card(head, rows))


def _since(entry: Mapping[str, Any], words: Mapping[str, str]) -> str:
    state = words.get(entry["state"], entry["state"])
    return f"{state}, since {entry['since']}" if entry["since"] else state


def _contract(breaches: Sequence[Mapping[str, Any]]) -> Html:
    if not breaches:
        return tag(
            "p", "All values are readable, known and within the training range.", class_="quiet"
        )
    rows = [
        [
            entry["column"],
            entry["kind"],
            entry["state"],
            _share(entry["latest"]),
            f"{entry['reference']:.2%}" if entry["reference"] is not None else "",
            f"{entry['rows']:,}",
            entry["first"],
            ", ".join(entry["examples"]),
        ]
        for entry in breaches
    ]
    head = [
        "column",
        "value is",
        "state",
        "last window (95 %)",
        "test set",
        "rows",
        "first window",
        "examples",
    ]
    return _card(head, rows)


def _share(latest: Mapping[str, float]) -> str:
    return f"{latest['share']:.2%} ({latest['lower']:.2%} to {latest['upper']:.2%})"


def _seasons(seasons: Sequence[Mapping[str, Any]]) -> Html:
    if not seasons:
        return Html("")
    rows = []
    for season in seasons:
        day = max(season["weekdays"], key=season["weekdays"].__getitem__)
        rows.append(
            [season["column"], day, f"{season['weekdays'][day]:.2f}", f"{season['negligible']:.2f}"]
        )
    head = ["column", "weekday that differs most", "effect", "negligible"]
    return _card(head, rows)


def _windows(windows: Sequence[Mapping[str, Any]]) -> Html:
    rows = [[w["name"], f"{w['rows']:,}", f"{w['labelled']:,}"] for w in windows[-ROWS:]]
    inside = table(["window", "rows", "with a label"], rows, "numbers")
    older = f"The last {ROWS} of {len(windows):,}." if len(windows) > ROWS else ""
    note = tag("p", older, class_="quiet") if older else Html("")
    return tag("div", tag("div", inside, class_="tall"), note, class_="card")
