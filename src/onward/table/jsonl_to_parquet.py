"""Turn a part of a server's request log into Parquet: `python -m onward.table.jsonl_to_parquet`.

The path of the JSON lines is the argument; their types come as JSON on standard input.
"""

import json
import os
import sys
from pathlib import Path

import polars as pl

from onward.table.vectors import vectors
from onward.wires import SCALARS, wire_of

TYPES = {"number": pl.Float64(), "text": pl.String()}


def convert(path: Path, types: dict[str, str]) -> None:
    """Write a Parquet file beside the JSON lines, and remove these.

    Args:
        path: of JSON lines.
        types: the wire of each column; other columns are inferred.
    """
    table = pl.read_ndjson(path, infer_schema_length=None)
    wires = {name: types[name] for name in table.columns if name in types}
    dtypes = {name: TYPES[wire] for name, wire in wires.items() if wire in SCALARS}
    arrays = [
        vectors(table[name], wire_of(wire)).values
        for name, wire in wires.items()
        if wire not in SCALARS
    ]
    target = path.with_suffix(".parquet")
    new = target.with_suffix(".new")
    time = pl.col("onward/time").str.to_datetime(time_zone="UTC")
    table.with_columns(time, *arrays).cast(dtypes).write_parquet(new)  # type: ignore[arg-type]
    os.replace(new, target)  # noqa: PTH105  (the same as Path.replace)
    path.unlink()


if __name__ == "__main__":
    os.nice(19)  # the server has priority
    convert(Path(sys.argv[1]), json.load(sys.stdin))
