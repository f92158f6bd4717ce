"""Training time by activity, as text."""

from collections.abc import Mapping
from typing import Any

from onward.report.formatting import percent, size

NAMES = {
    "step": "optimizer steps",
    "data": "waiting for rows",
    "validation": "validation",
    "other": "everything else",
}
MUCH = 0.1  # share of the time; shorter waits are not mentioned
REMEDIES = {
    "data": "loading is slower than training; larger batches need fewer chunks",
    "validation": "use fewer validation rows to reduce it",
    "other": "epochs are short, so fixed costs weigh more; this matters less for larger tables",
}
FORMATS = {"bf16": "bfloat16", "fp32": "float32"}


def facts(speed: Mapping[str, Any]) -> list[list[str]]:
    """Names and values, for a table."""
    shares = [
        [f"of which {NAMES[part]}", percent(share)] for part, share in speed["shares"].items()
    ]
    streamed = "in host memory, streamed to the device" if speed["is_streamed"] else "on the device"
    rows = [
        ["speed", f"{speed['rows_per_s']:,} rows/s"],
        ["duration", f"{speed['seconds']:,.1f} s"],
        *shares,
        ["device", speed["device"]],
        ["precision", f"{FORMATS[speed['precision']]}: {speed['why']}"],
        ["rows", streamed],
    ]
    if "stopped_by" in speed:  # runs of earlier versions do not say
        rows.append(["stopped by", speed["stopped_by"]])
    if "threads" in speed:
        rows.append(["threads", f"{speed['threads']}"])
    if "memory_bytes" in speed:
        rows.append(["device memory", size(speed["memory_bytes"])])
    return rows


def waits(speed: Mapping[str, Any]) -> str:
    """What the device waited for, if it waited long."""
    long = {part: speed["shares"][part] for part in REMEDIES if speed["shares"][part] >= MUCH}
    if not long:
        return "The device was busy nearly all the time."
    parts = (
        f"{percent(share)} of the time was spent on {NAMES[part]} ({REMEDIES[part]})"
        for part, share in long.items()
    )
    return f"{'; '.join(parts)}."
