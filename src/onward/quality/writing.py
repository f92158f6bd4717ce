"""The files of ``prepare``: rows, weights, derived columns, the graph and the arrays."""

import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import polars as pl

from onward.artifacts.prepared import (
    CHUNK,
    ArrayFile,
    block_file,
    derived_file,
    row_numbers_file,
    target_file,
    weights_file,
)
from onward.errors import DataError
from onward.preprocessing.assembly import preprocessing
from onward.preprocessing.columns import Column
from onward.preprocessing.derivations import Derivation
from onward.preprocessing.encoder import Encoder, Features
from onward.preprocessing.out_of_fold import Deriving
from onward.preprocessing.text_readers import text_readers
from onward.quality.splitting import SplitRows
from onward.quality.validation import ROW
from onward.schema import Schema
from onward.table.splits import SPLITS

ENCODE_WORKERS = 2  # parallel chunks; more cost memory, and polars is multithreaded
SPLIT_COLUMN = "onward/split"  # reserved: columns cannot have this name
DERIVED_FOLDER = "derived"  # a folder of parts, removed by `join_derived`


def write_rows(split: SplitRows, schema: Schema, work: Path) -> None:
    """Raw rows and their numbers in the table, by split."""
    names = [*(field.name for field in schema.columns), schema.target.name]
    marked = pl.concat([split.rows, pl.LazyFrame({SPLIT_COLUMN: split.splits})], how="horizontal")
    for code, name in enumerate(SPLITS):
        rows = marked.filter(pl.col(SPLIT_COLUMN) == code).select(names)
        rows.sink_parquet(work / f"{name}.parquet", compression="lz4", row_group_size=CHUNK)
    numbers = split.rows.select(pl.col(ROW).cast(pl.Int64)).collect().to_series().to_numpy()
    for code, name in enumerate(SPLITS):
        np.save(row_numbers_file(work, name), numbers[split.splits == code])


def write_weights(split: SplitRows, name: str, work: Path) -> np.ndarray:
    """Write the weights by split, and return those of the training rows.

    Raises:
        DataError: if all rows of a split have weight 0.
    """
    weights: np.ndarray = split.rows.select(name).collect().to_series().to_numpy()
    parts: dict[str, np.ndarray] = {
        part: weights[split.splits == code] for code, part in enumerate(SPLITS)
    }
    for part, values in parts.items():
        if not values.any():
            raise DataError(
                f"weights {name!r}: all {len(values)} rows of the split {part!r} have weight 0."
                " Give some a larger weight, change prepare.split, or remove prepare.weights"
            )
        np.save(weights_file(work, part), values)
    return parts["train"]


def write_derived(deriving: Deriving, work: Path) -> None:
    """Write the derived columns of each split in parts, which `join_derived` joins."""
    for split in SPLITS:
        rows, folder = rows_of(work, split), work / DERIVED_FOLDER / split
        folder.mkdir(parents=True)
        for number, chunk in enumerate(deriving.derive(rows, are_training=split == "train")):
            chunk.write_parquet(folder / f"{number:09}.parquet", compression="lz4")


def rows_of(work: Path, split: str) -> pl.LazyFrame:
    """The raw rows of a split, with the derived columns if they are written."""
    rows = pl.scan_parquet(work / f"{split}.parquet")
    if not (work / DERIVED_FOLDER / split).exists():
        return rows
    return pl.concat([rows, derived_of(work, split)], how="horizontal")


def derived_of(work: Path, split: str) -> pl.LazyFrame:
    """The derived columns of a split; not available after `join_derived`."""
    return pl.scan_parquet(work / DERIVED_FOLDER / split)


def join_derived(work: Path) -> None:
    """Join the parts of each split into one file, once they have been encoded."""
    for folder in (work / DERIVED_FOLDER).glob("*"):
        pl.scan_parquet(folder).sink_parquet(derived_file(work, folder.name), compression="lz4")
    shutil.rmtree(work / DERIVED_FOLDER, ignore_errors=True)


def write_graph(columns: Sequence[Column], derivations: Sequence[Derivation], work: Path) -> None:
    """Write the graph, its feature names, the checks of texts, and what the columns learned."""
    graph = preprocessing(columns, derivations)
    onnx.save(graph.model, work / "preprocess.onnx")
    document = json.dumps(graph.blocks.dump(), ensure_ascii=False, indent=1)
    (work / "features.json").write_text(document)
    (work / "text_readers.json").write_text(json.dumps(text_readers(columns)) + "\n")
    states = {column.name: _state(column) for column in columns if column.config.feature}
    known = {name: state for name, state in states.items() if state is not None}
    (work / "columns.json").write_text(json.dumps(known, ensure_ascii=False) + "\n")


def _state(column: Column) -> dict[str, Any] | None:
    """What a column has learned; None if its type does not dump it as JSON values."""
    try:
        return cast("dict[str, Any]", json.loads(json.dumps(column.dump())))
    except TypeError:
        return None


def write_arrays(columns: Sequence[Column], split: SplitRows, work: Path) -> None:
    """Write features and targets by split."""
    encoder = Encoder(columns)
    for name in SPLITS:
        targets, frame = split.targets_of(name), rows_of(work, name)
        with ExitStack() as stack:
            files = {
                block: ArrayFile(block_file(work, name, block), len(targets))
                for block in encoder.blocks
            }
            for file in files.values():
                stack.enter_context(closing(file))
            for chunk in _encode_chunks(encoder, frame, len(targets)):
                for block, values in chunk.items():
                    files[block].write(values)
        np.save(target_file(work, name), targets)


def _encode_chunks(encoder: Encoder, frame: pl.LazyFrame, rows: int) -> Iterator[Features]:
    """Encode chunks in order, a few in parallel."""

    def encode(start: int) -> Features:
        return encoder(frame.slice(start, CHUNK).collect())

    starts = range(0, rows, CHUNK)
    with ThreadPoolExecutor(ENCODE_WORKERS) as pool:
        for first in range(0, len(starts), ENCODE_WORKERS):
            yield from pool.map(encode, starts[first : first + ENCODE_WORKERS])
