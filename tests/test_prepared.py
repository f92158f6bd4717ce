"""What later stages read of `prepare`: a file is hashed once, and no array to count rows."""

import json
from pathlib import Path

import numpy as np
import pytest

from onward.artifacts.prepared import Prepared, block_file, target_file
from onward.artifacts.publishing import publishing
from onward.blocks import NUMERICAL, Block, Blocks, numerical
from onward.errors import ArtifactError

OWNERS = (*["photo"] * 4, *["mask"] * 2)  # of lines of an image
PIXELS = Block("pixels", "uint8", OWNERS, OWNERS, item=(4, 1))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with publishing(tmp_path / "prepare") as work:
        (work / "data.json").write_text(json.dumps({"rows": {"train": 3}}))
        blocks = Blocks([numerical(["a", "b"], ["a", "b"]), PIXELS])
        (work / "features.json").write_text(json.dumps(blocks.dump()))
        for name, block in blocks.items():
            np.save(block_file(work, "train", name), np.ones((3, *block.shape), block.dtype))
        np.save(target_file(work, "train"), np.ones(3, np.float32))
    return tmp_path / "prepare"


def test_rows_are_counted_without_arrays(folder: Path) -> None:
    for path in folder.glob("*.npy"):
        path.unlink()
    assert Prepared(folder).num_rows("train") == 3


def test_a_file_is_hashed_once(folder: Path) -> None:
    prepared = Prepared(folder)
    prepared.arrays("train")
    for path in folder.glob("*.npy"):
        np.save(path, np.zeros_like(np.load(path)))
    assert prepared.only(["a"]).arrays("train").features[NUMERICAL].tolist() == [[0.0]] * 3
    with pytest.raises(ArtifactError, match="changed since it was written"):
        Prepared(folder).arrays("train")


def test_some_columns_leave_the_others_alone(folder: Path) -> None:
    prepared = Prepared(folder)
    assert prepared.only(["b"]).blocks()[NUMERICAL].names == ("b",)
    assert prepared.blocks()[NUMERICAL].names == ("a", "b")


def test_features_of_any_shape_belong_to_their_columns(folder: Path) -> None:
    prepared = Prepared(folder).only(["b", "photo"])
    assert prepared.blocks()["pixels"].shape == (4, 4, 1)
    assert prepared.arrays("train").features["pixels"].shape == (3, 4, 4, 1)
    features = Prepared(folder).only(["a", "mask"]).arrays("train").features
    assert {name: values.shape for name, values in features.items()} == {
        NUMERICAL: (3, 1),
        "pixels": (3, 2, 4, 1),
    }
