"""What ``prepare`` writes and the later stages read."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from onward.files import verified
from onward.schema import Schema

PARTS = ("numerical", "categorical", "target")
CHUNK = 16_384  # rows held at once


@dataclass(frozen=True)
class Arrays:
    """The rows of one split as the network reads them, mapped from files."""

    numerical: np.ndarray
    """``(rows, features)`` float32."""
    categorical: np.ndarray
    """``(rows, codes)`` int64."""
    targets: np.ndarray
    """``(rows,)`` int64 codes of classes, or float64 numbers."""


@dataclass(frozen=True)
class FeatureNames:
    """The features of the two blocks, by name and by the column each is made from."""

    numerical: tuple[str, ...]
    numerical_owners: tuple[str, ...]
    categorical: tuple[str, ...]
    cardinalities: tuple[int, ...]

    def dump(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)


class Prepared:
    """The folder of a finished ``prepare`` stage; each file is checked by its hash when read.

    Raises:
        ArtifactError: from each method, if a file is missing or damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def schema(self) -> Schema:
        """Columns and target."""
        return Schema.load(verified(self.folder / "schema.json").read_text())

    def features(self) -> FeatureNames:
        """What the blocks are made of."""
        document = json.loads(verified(self.folder / "features.json").read_text())
        return FeatureNames(**{name: tuple(values) for name, values in document.items()})

    def profiles(self) -> dict[str, Any]:
        """The data report."""
        found: dict[str, Any] = json.loads(verified(self.folder / "data.json").read_text())
        return found

    def preprocessing(self) -> bytes:
        """The ONNX graph from raw columns to features."""
        return verified(self.folder / "preprocess.onnx").read_bytes()

    def arrays(self, split: str) -> Arrays:
        """FeatureNames and targets of one split."""
        return Arrays(*(_load(verified(self.folder / f"{split}.{part}.npy")) for part in PARTS))

    def rows(self, split: str) -> pl.LazyFrame:
        """Raw rows of one split: the columns in wire form with null for missing, and the target."""
        return pl.scan_parquet(verified(self.folder / f"{split}.parquet"))


def _load(path: Path) -> np.ndarray:
    # a block without features has no bytes, and nothing is not to be mapped
    has_values = path.stat().st_size > np.lib.format.ARRAY_ALIGN * 2
    array: np.ndarray = np.load(path, mmap_mode="c" if has_values else None)
    return array


class ArrayFile:
    """A .npy file written a chunk of rows at a time, in memory that does not grow."""

    def __init__(self, path: Path, rows: int) -> None:
        self._file, self._rows = path.open("wb"), rows

    def write(self, values: np.ndarray) -> None:
        """Append rows; the first ones say what a row is."""
        if not self._file.tell():
            description = np.lib.format.dtype_to_descr(values.dtype)
            shape = (self._rows, *values.shape[1:])
            header = {"descr": description, "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(self._file, header)
        self._file.write(np.ascontiguousarray(values).data)

    def close(self) -> None:
        """Have all of it in the file."""
        self._file.close()
