"""What commit 9caa769 wrote is still read: a model file, a network, a folder of `prepare`."""

from pathlib import Path

import numpy as np
import torch

from onward.artifacts.prepared import Prepared
from onward.blocks import CATEGORICAL, NUMERICAL
from onward.network.bag import load_network
from onward.serving.predictor import Predictor

FOLDER = Path(__file__).parent / "golden/9caa769"


def test_a_model_file_verifies_itself() -> None:
    predictor = Predictor(FOLDER / "export/model.onnx")
    assert max(predictor.verify().values()) < 1e-6
    assert [field.name for field in predictor.schema.columns][-2:] == ["commute", "luck"]


def test_a_network_predicts_what_its_file_predicts() -> None:
    prepared = Prepared(FOLDER / "prepare")
    network = load_network((FOLDER / "train/network.pt").read_bytes()).eval()
    arrays = prepared.arrays("test")
    features = {block: torch.from_numpy(np.array(part)) for block, part in arrays.features.items()}

    with torch.no_grad():
        predictions = network(features)

    want = Predictor(FOLDER / "export/model.onnx")(prepared.rows("test").collect())
    for name, values in predictions.items():
        np.testing.assert_allclose(values, want[name], rtol=1e-5)


def test_a_folder_of_prepare_has_two_blocks() -> None:
    blocks = Prepared(FOLDER / "prepare").blocks()
    assert {name: block.shape for name, block in blocks.items()} == {
        NUMERICAL: (26,),
        CATEGORICAL: (2,),
    }
    assert blocks[CATEGORICAL].owners == ("city", "children")


def test_the_bytes_of_a_network_written_anew_are_read_again() -> None:
    network = load_network((FOLDER / "train/network.pt").read_bytes())
    again = load_network(network.dump())
    assert again.shape == network.shape
    for name, weight in network.state_dict().items():
        assert torch.equal(again.state_dict()[name], weight)
