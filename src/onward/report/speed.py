"""Where the time of the training went, as people say it."""

from collections.abc import Mapping
from typing import Any

from onward.report.formatting import percent, size

NAMES = {
    "step": "optimizer steps",
    "data": "waiting for rows",
    "validation": "validation",
    "other": "everything else",
}
MUCH = 0.1  # share of the time from which on a wait is worth a word
REMEDIES = {
    "data": "rows came slower than they were learned from; larger batches read fewer chunks",
    "validation": "fewer validation rows would leave more of it to the steps",
    "other": "epochs are short beside what stands around them; larger tables suffer less",
}
FORMATS = {"bf16": "bfloat16", "fp32": "float32"}


def facts(speed: Mapping[str, Any]) -> list[list[str]]:
    """Names and values, for a table."""
    shares = [[f"time in {NAMES[part]}", percent(share)] for part, share in speed["shares"].items()]
    streamed = "beside the device, streamed to it" if speed["is_streamed"] else "on the device"
    rows = [
        ["speed", f"{speed['rows_per_s']:,} rows/s"],
        ["duration", f"{speed['seconds']:,.1f} s"],
        *shares,
        ["device", speed["device"]],
        ["precision", f"{FORMATS[speed['precision']]}: {speed['why']}"],
        ["rows are", streamed],
    ]
    if "threads" in speed:
        rows.append(["threads", f"{speed['threads']}"])
    if "memory_bytes" in speed:
        rows.append(["device memory", size(speed["memory_bytes"])])
    return rows


def waits(speed: Mapping[str, Any]) -> str:
    """For what the device waited, if it did so for long."""
    long = {part: speed["shares"][part] for part in REMEDIES if speed["shares"][part] >= MUCH}
    if not long:
        return "The device was at work all but a small part of the time."
    parts = (
        f"{percent(share)} for {NAMES[part]} ({REMEDIES[part]})" for part, share in long.items()
    )
    return f"The steps stood still {' and '.join(parts)}."
