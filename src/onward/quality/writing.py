"""The files of ``prepare``: rows, weights, derived columns, the graph and the arrays."""

import json
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

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

WORKERS = 2  # chunks at once; more cost memory, and polars has threads of its own
SPLIT = "onward/split"  # no name of a column, which are checked for it
DERIVED = "derived"  # a folder of parts, until `join_derived`


def write_rows(split: SplitRows, schema: Schema, work: Path) -> None:
    """Raw rows and their numbers in the table, by split."""
    kept = [*(field.name for field in schema.columns), schema.target.name]
    marked = pl.concat([split.rows, pl.LazyFrame({SPLIT: split.splits})], how="horizontal")
    for code, name in enumerate(SPLITS):
        rows = marked.filter(pl.col(SPLIT) == code).select(kept)
        rows.sink_parquet(work / f"{name}.parquet", compression="lz4", row_group_size=CHUNK)
    numbers = split.rows.select(pl.col(ROW).cast(pl.Int64)).collect().to_series().to_numpy()
    for code, name in enumerate(SPLITS):
        np.save(row_numbers_file(work, name), numbers[split.splits == code])


def write_weights(split: SplitRows, name: str, work: Path) -> np.ndarray:
    """Weights by split; those of the training rows are returned.

    Raises:
        DataError: if all rows of a split have the weight 0.
    """
    weights: np.ndarray = split.rows.select(name).collect().to_series().to_numpy()
    parts: dict[str, np.ndarray] = {
        part: weights[split.splits == code] for code, part in enumerate(SPLITS)
    }
    for part, values in parts.items():
        if not values.any():
            raise DataError(
                f"weights {name!r}: all {len(values)} rows for {part!r} have the weight 0. Give"
                " some more, change prepare.split, or remove prepare.weights"
            )
        np.save(weights_file(work, part), values)
    return parts["train"]


def write_derived(deriving: Deriving, work: Path) -> None:
    """The derived columns of each split, in parts until `join_derived`."""
    for split in SPLITS:
        rows, folder = rows_of(work, split), work / DERIVED / split
        folder.mkdir(parents=True)
        for number, chunk in enumerate(deriving.derived(rows, are_training=split == "train")):
            chunk.write_parquet(folder / f"{number:09}.parquet", compression="lz4")


def rows_of(work: Path, split: str) -> pl.LazyFrame:
    """The raw rows of a split, with the derived columns once they are there."""
    rows = pl.scan_parquet(work / f"{split}.parquet")
    if not (work / DERIVED / split).exists():
        return rows
    return pl.concat([rows, derived_of(work, split)], how="horizontal")


def derived_of(work: Path, split: str) -> pl.LazyFrame:
    """The derived columns of a split, until `join_derived`."""
    return pl.scan_parquet(work / DERIVED / split)


def join_derived(work: Path) -> None:
    """Put the parts of a split into one file, once they have been encoded."""
    for folder in (work / DERIVED).glob("*"):
        pl.scan_parquet(folder).sink_parquet(derived_file(work, folder.name), compression="lz4")
    shutil.rmtree(work / DERIVED, ignore_errors=True)


def write_graph(columns: Sequence[Column], derivations: Sequence[Derivation], work: Path) -> None:
    """The preprocessing graph, the names of its features, and the graphs that check texts."""
    graph = preprocessing(columns, derivations)
    onnx.save(graph.model, work / "preprocess.onnx")
    document = json.dumps(graph.blocks.dump(), ensure_ascii=False, indent=1)
    (work / "features.json").write_text(document)
    (work / "text_readers.json").write_text(json.dumps(text_readers(columns)) + "\n")


def write_arrays(columns: Sequence[Column], split: SplitRows, work: Path) -> None:
    """Features and targets by split."""
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
            for chunk in _encoded(encoder, frame, len(targets)):
                for block, values in chunk.items():
                    files[block].write(values)
        np.save(target_file(work, name), targets)


def _encoded(encoder: Encoder, frame: pl.LazyFrame, rows: int) -> Iterator[Features]:
    """Chunk by chunk and in order, a few at a time."""

    def encode(start: int) -> Features:
        return encoder(frame.slice(start, CHUNK).collect())

    starts = range(0, rows, CHUNK)
    with ThreadPoolExecutor(WORKERS) as pool:
        for first in range(0, len(starts), WORKERS):
            yield from pool.map(encode, starts[first : first + WORKERS])
