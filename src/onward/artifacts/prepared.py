"""The output of ``prepare``, which later stages read."""

import copy
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import polars as pl

from onward.artifacts.publishing import manifest, verify
from onward.blocks import Blocks
from onward.schema import Schema

START = "start.pt"  # the network that training starts from
LEARNED = "learned"  # training rows of the table that a sample was taken from
CHUNK = 16_384  # rows held at once


@dataclass(frozen=True)
class Arrays:
    """The arrays of one split, mapped from files."""

    features: dict[str, np.ndarray]
    """For each block ``(rows, features, ...)``."""
    targets: np.ndarray
    """``(rows,)`` int64 codes of classes, or float64 numbers."""
    weights: np.ndarray | None = None
    """``(rows,)`` float64, not below 0; None where all rows count alike."""


class Prepared:
    """The folder of a finished ``prepare`` stage; each file is verified when it is first read.

    Args:
        folder: the folder of the stage. kept: the columns of schema, features and arrays; all by
        default. Raw rows always have all columns.

    Raises:
        ArtifactError: from each method, if a file is missing or damaged.
    """

    def __init__(self, folder: Path, kept: Collection[str] | None = None) -> None:
        self.folder, self.kept = folder, kept
        self._verified: dict[str, Path] = {}

    def only(self, columns: Collection[str]) -> "Prepared":
        """The same folder with some of its columns; verified files are not hashed again."""
        narrower = copy.copy(self)
        narrower.kept = columns
        return narrower

    def schema(self) -> Schema:
        """Columns and target."""
        schema = Schema.load(self._path("schema.json").read_text())
        if self.kept is None:
            return schema
        return replace(schema, columns=tuple(f for f in schema.columns if f.name in self.kept))

    def blocks(self) -> Blocks:
        """The blocks and their features."""
        blocks = self._blocks()
        return blocks if self.kept is None else blocks.of(self.kept)

    def _blocks(self) -> Blocks:
        return Blocks.load(json.loads(self._path("features.json").read_text()))

    def num_rows(self, split: str) -> int:
        """The number of rows of one split, from the data report."""
        rows: int = self.profiles()["rows"][split]
        return rows

    def text_readers(self) -> list[dict[str, Any]]:
        """The graphs that check whether texts can be read, and their columns."""
        readers: list[dict[str, Any]] = json.loads(self._path("text_readers.json").read_text())
        return readers

    def profiles(self) -> dict[str, Any]:
        """The data report."""
        report: dict[str, Any] = json.loads(self._path("data.json").read_text())
        return report

    def column_states(self) -> dict[str, Any]:
        """What each column has learned, by name."""
        states: dict[str, Any] = json.loads(self._path("columns.json").read_text())
        return states

    def split_type(self) -> str:
        """The type of the split."""
        kind: str = manifest(self.folder)["settings"]["split"]["type"]
        return kind

    def start(self) -> bytes:
        """The network that training starts from, as ``train`` wrote it; only with `start_from`."""
        return self._path(START).read_bytes()

    def preprocessing(self) -> bytes:
        """The ONNX graph from all raw columns to their features."""
        return self._path("preprocess.onnx").read_bytes()

    def arrays(self, split: str) -> Arrays:
        """Features, targets and weights of one split."""
        blocks = self._blocks()
        kept = blocks.indices(blocks.columns if self.kept is None else self.kept)
        features = {
            name: self._narrow(self._array(block_file(self.folder, split, name)), indices)
            for name, indices in kept.items()
        }
        targets = self._array(target_file(self.folder, split))
        return Arrays(features, targets, self.weights(split))

    def weights(self, split: str) -> np.ndarray | None:
        """The sample weights of one split; None if all are equal."""
        path = weights_file(self.folder, split)
        return self._array(path) if path.name in manifest(self.folder)["files"] else None

    def _narrow(self, block: np.ndarray, indices: list[int]) -> np.ndarray:
        """Some features of a block, mapped from an anonymous file to save memory."""
        if len(indices) == block.shape[1]:
            return block
        shape = (len(block), len(indices), *block.shape[2:])
        if 0 in shape:
            return block[:, indices]
        with TemporaryFile(dir=self.folder.parent) as file:
            for start in range(0, len(block), CHUNK):
                file.write(np.ascontiguousarray(block[start : start + CHUNK, indices]).data)
            file.flush()
            return np.memmap(file, block.dtype, "c", shape=shape)

    def rows(self, split: str) -> pl.LazyFrame:
        """Raw rows of one split: the columns in wire form with null for missing, and the target."""
        return pl.scan_parquet(self._path(f"{split}.parquet"))

    def derived(self, split: str) -> pl.LazyFrame:
        """Derived columns of the same rows; those of training rows are out of fold."""
        path = derived_file(self.folder, split)
        is_there = path.name in manifest(self.folder)["files"]
        return pl.scan_parquet(self._path(path.name)) if is_there else pl.LazyFrame()

    def row_numbers(self, split: str) -> np.ndarray:
        """``(rows,)`` int64: the row number in the table, from 1."""
        return self._array(row_numbers_file(self.folder, split))

    def fitting_rows(self) -> pl.LazyFrame:
        """The raw rows that the columns were fitted on; with sampling, all rows before it."""
        is_sample = (self.folder / f"{LEARNED}.parquet").exists()
        return self.rows(LEARNED if is_sample else "train")

    def _array(self, path: Path) -> np.ndarray:
        return _load(self._path(path.name))

    def _path(self, name: str) -> Path:
        """The path of one file, after checking its hash."""
        if name not in self._verified:
            self._verified[name] = verify(self.folder / name)
        return self._verified[name]


def block_file(folder: Path, split: str, block: str) -> Path:
    """The file with a block of features of a split."""
    return folder / f"{split}.{block}.npy"


def target_file(folder: Path, split: str) -> Path:
    """The file with the targets of a split."""
    return folder / f"{split}.target.npy"


def weights_file(folder: Path, split: str) -> Path:
    """The file with the sample weights of a split."""
    return folder / f"{split}.weight.npy"


def row_numbers_file(folder: Path, split: str) -> Path:
    """The file with the row numbers of a split."""
    return folder / f"{split}.row.npy"


def derived_file(folder: Path, split: str) -> Path:
    """The file with the derived columns of a split."""
    return folder / f"{split}.derived.parquet"


def _load(path: Path) -> np.ndarray:
    # a block without features has no bytes, and nothing is not to be mapped
    has_values = path.stat().st_size > np.lib.format.ARRAY_ALIGN * 2
    array: np.ndarray = np.load(path, mmap_mode="c" if has_values else None)
    return array


class ArrayFile:
    """A .npy file that is written in chunks of rows, in constant memory."""

    def __init__(self, path: Path, rows: int) -> None:
        self._file, self._rows = path.open("wb"), rows

    def write(self, values: np.ndarray) -> None:
        """Append rows; the first ones determine dtype and row shape."""
        if not self._file.tell():
            description = np.lib.format.dtype_to_descr(values.dtype)
            shape = (self._rows, *values.shape[1:])
            header = {"descr": description, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(self._file, header)
        self._file.write(np.ascontiguousarray(values).data)

    def close(self) -> None:
        """Write the header and close the file."""
        self._file.close()
