"""A model file from a stranger is refused in words, or predicts what it says that it predicts."""

import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from example_model import TABLE, example
from hostile_models import GRAPHS, hostile_models

from onward.cli._description import print_description
from onward.errors import ArtifactError, OnwardError
from onward.serving.model_file import inspect, seal
from onward.serving.predictor import Predictor

LONGEST = 10  # seconds of processor time
ROWS = TABLE.to_dict(as_series=False)
REFUSED_BY_LOOK = {
    "loop": "has the operator Loop",
    "if": "has the operator If",
    "subgraph of an operator without": "a graph of its own",
    "foreign operator": "operators of the domain 'com.evil'",
    "operator of chance": "has the operator RandomNormal",
    "foreign opset": "operators of the domain 'evil'",
    "function": "functions of its own",
    "chain": "operators; at most .* are allowed",
    "external data": "in another file",
    "external data in an operator": "in another file",
    "large zeros": r"ConstantOfShape makes 1e\+12 elements",
    "large zeros, packed": r"ConstantOfShape makes 1e\+12 elements",
    "large expansion": r"Expand makes 1e\+12 elements",
    "large constant of an operator": r"ConstantOfShape makes 1e\+12 elements",
    "absurd dimensions": "a constant of the shape",
    "sparse constant": "sparse constants",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return example(tmp_path_factory.mktemp("model") / "model.onnx").read_bytes()


def use(path: Path) -> dict[str, np.ndarray] | None:
    """All that is done with a file; None if it is refused in words."""
    try:
        predictor = Predictor(path)
        predictor.verify()
        predictions = predictor(ROWS)
        predictor.check(ROWS)
        predictor([dict.fromkeys(TABLE.columns)])
        print_description(path)
    except OnwardError:
        with suppress(OnwardError):
            print_description(path)
        return None
    return predictions


def check(model: bytes, folder: Path, names: list[str]) -> None:
    """Hand over such files, with the hash and without."""
    (folder / "weights.bin").write_bytes(bytes(10**6))
    path = folder / "model.onnx"
    path.write_bytes(seal(model))
    expected = use(path)
    assert expected is not None
    files, sealed = hostile_models(model), hostile_models(seal(model))
    for name in names:
        predictions = None
        for content in (files[name], sealed[name]):
            path.write_bytes(content)
            start = time.process_time()  # a busy machine is no hang
            predictions = use(path)
            assert time.process_time() - start < LONGEST, name
        for output, values in (predictions or {}).items():
            np.testing.assert_array_equal(values, expected[output], name)


def test_some_hostile_files(
    model: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    names = sorted(hostile_models(model))
    check(model, tmp_path, names[:: max(1, len(names) // 40)])
    assert "EP Error" not in "".join(capfd.readouterr())


@pytest.mark.slow
def test_all_hostile_files(model: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    names = sorted(hostile_models(model))
    assert len(names) >= 250
    check(model, tmp_path, names)
    assert "EP Error" not in "".join(capfd.readouterr())
    assert {path.name for path in tmp_path.iterdir()} == {"model.onnx", "weights.bin"}


@pytest.mark.parametrize("name", REFUSED_BY_LOOK)
def test_what_could_do_harm_is_refused_before_it_is_loaded(model: bytes, name: str) -> None:
    proto = onnx.ModelProto.FromString(model)
    GRAPHS[name](proto)
    with pytest.raises(ArtifactError, match=REFUSED_BY_LOOK[name]):
        inspect(proto.SerializeToString(), "model.onnx")


def test_a_hard_link_beside_the_file_is_no_way_in(model: bytes, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(10**6))
    (tmp_path / "weights.bin").hardlink_to(secret)
    proto = onnx.ModelProto.FromString(model)
    GRAPHS["external data"](proto)
    onnx.save(proto, tmp_path / "model.onnx")
    with pytest.raises(ArtifactError, match="in another file"):
        Predictor(tmp_path / "model.onnx")


def test_a_sealed_file_is_itself(model: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(seal(model))
    onnx.save(onnx.load(path), tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == path.read_bytes()
    onnx.checker.check_model(str(path))
    plain = inspect(model, "model.onnx")
    sealed = inspect(path.read_bytes(), "model.onnx")
    assert sealed.notes == plain.notes | {"sha256": plain.sha256}


def test_a_bit_of_a_sealed_file_is_missed(model: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    data = bytearray(seal(model))
    place = data.index(b"State-gov")  # a value that the graph knows
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(
        ArtifactError, match="changed since it was exported: its hash does not match"
    ):
        Predictor(path)
