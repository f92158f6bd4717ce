"""Turn a part of a server's request log into Parquet: `python -m onward.table.jsonl_to_parquet`.

The path of the JSON lines is the argument; their types come as JSON on standard input.
"""

import json
import os
import sys
from pathlib import Path

import polars as pl

TYPES = {"number": pl.Float64(), "text": pl.String()}


def convert(path: Path, types: dict[str, str]) -> None:
    """Write a Parquet file beside the JSON lines, and remove these.

    Args:
        path: of JSON lines.
        types: ``number`` or ``text`` by column; other columns are inferred.
    """
    wires = {name: TYPES[wire] for name, wire in types.items() if wire in TYPES}
    table = pl.read_ndjson(path, infer_schema_length=None)
    dtypes = {name: wires[name] for name in table.columns if name in wires}
    target = path.with_suffix(".parquet")
    new = target.with_suffix(".new")
    table.with_columns(pl.col("onward/time").str.to_datetime(time_zone="UTC")).cast(
        dtypes  # type: ignore[arg-type]
    ).write_parquet(new)
    os.replace(new, target)  # noqa: PTH105  (the same as Path.replace)
    path.unlink()


if __name__ == "__main__":
    os.nice(19)  # the server has priority
    convert(Path(sys.argv[1]), json.load(sys.stdin))
