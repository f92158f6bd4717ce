"""What later stages read of `prepare`: a file is hashed once, and no array to count rows."""

import json
from pathlib import Path

import numpy as np
import pytest

from onward.artifacts.prepared import PARTS, FeatureNames, Prepared
from onward.artifacts.publishing import publishing
from onward.errors import ArtifactError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with publishing(tmp_path / "prepare") as work:
        (work / "data.json").write_text(json.dumps({"rows": {"train": 3}}))
        names = FeatureNames(("a", "b"), ("a", "b"), (), ())
        (work / "features.json").write_text(names.dump())
        for part, shape in zip(PARTS, ((3, 2), (3, 0), (3,)), strict=True):
            np.save(work / f"train.{part}.npy", np.ones(shape, np.float32))
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
    assert prepared.only(["a"]).arrays("train").numerical.tolist() == [[0.0]] * 3
    with pytest.raises(ArtifactError, match="differs from what was written"):
        Prepared(folder).arrays("train")


def test_some_columns_leave_the_others_alone(folder: Path) -> None:
    prepared = Prepared(folder)
    assert prepared.only(["b"]).features().numerical == ("b",)
    assert prepared.features().numerical == ("a", "b")
