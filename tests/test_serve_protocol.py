"""`onward serve` is what clients of the Open Inference Protocol expect. A real server, no mocks."""

import json
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import tritonclient.http as triton
from example_model import TABLE, example
from served import Answer, Server, serving

from onward import Predictor

INFER = "/v2/models/income/infer"
ROWS = 3
MANY = 1_025  # rows, one more than are allowed


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example(tmp_path_factory.mktemp("model") / "income.onnx")


@pytest.fixture(scope="module")
def server(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), model, "--grace", "0") as server:
        yield server


def tensors(rows: int = ROWS) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "shape": [rows, 1],
            "datatype": "BYTES" if column.dtype == pl.String else "FP64",
            "data": column.to_list(),
        }
        for column in TABLE[[row % len(TABLE) for row in range(rows)]]
    ]


def request(**changes: Any) -> dict[str, Any]:
    """A good request, with the first input changed as told."""
    inputs = tensors()
    inputs[0] |= changes
    return {"inputs": inputs}


def outputs(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    return {output["name"]: output["data"] for output in answer.json["outputs"]}


def is_error(answer: Answer) -> bool:
    return list(answer.json) == ["error"] and isinstance(answer.json["error"], str)


@pytest.fixture(scope="module")
def expected(model: Path) -> dict[str, list[Any]]:
    predictions = Predictor(model)(TABLE[:ROWS])
    return {name: array.ravel().tolist() for name, array in predictions.items()}


def binary(values: list[Any]) -> bytes:
    texts = [(value or "").encode() for value in values]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def binary_request() -> tuple[bytes, int]:
    """All inputs as bytes, and how many of the body are JSON."""
    inputs, tail = tensors(), b""
    for tensor in inputs:
        values = tensor.pop("data")
        is_text = tensor["datatype"] == "BYTES"
        data = binary(values) if is_text else np.array(values, "<f8").tobytes()
        tensor["parameters"] = {"binary_data_size": len(data)}
        tail += data
    head = json.dumps({"inputs": inputs}).encode()
    return head + tail, len(head)


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_server_says_what_it_is(server: Server, path: str) -> None:
    answer = server.get(path)

    assert answer.status == 200
    assert answer.json["name"] == "onward"
    assert answer.json["extensions"] == ["binary_tensor_data"]


@pytest.mark.parametrize("path", ["/v2/health/live", "/v2/health/ready", "/v2/models/income/ready"])
def test_it_is_alive_and_ready(server: Server, path: str) -> None:
    assert server.get(path).status == 200


def test_the_model_says_what_it_takes_and_gives(server: Server) -> None:
    answer = server.get("/v2/models/income").json

    assert answer["name"] == "income"
    assert answer["platform"] == "onnx_onnxv1"
    assert answer["inputs"][0] == {"name": "age", "datatype": "FP64", "shape": [-1, 1]}
    assert answer["outputs"][1] == {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}
    assert server.get("/v2/models").json == {"models": ["income"]}


def test_a_version_can_be_asked_for(server: Server, expected: dict[str, Any]) -> None:
    [version] = server.get("/v2/models/income").json["versions"]
    path = f"/v2/models/income/versions/{version}"

    assert server.get(path).status == server.get(f"{path}/ready").status == 200
    assert outputs(server.post(f"{path}/infer", request())).keys() == expected.keys()


@pytest.mark.parametrize(
    "path", ["/v2/models/none", "/v2/models/none/ready", "/v2/models/income/versions/none", "/x"]
)
def test_what_is_not_there_is_404(server: Server, path: str) -> None:
    answer = server.get(path)

    assert answer.status == 404
    assert is_error(answer)
    assert server.post("/v2/models/none/infer", request()).status == 404


def test_predictions_are_those_of_the_predictor(server: Server, expected: dict[str, Any]) -> None:
    answer = server.post(INFER, request())

    got = outputs(answer)
    assert got["label"] == expected["label"]
    np.testing.assert_allclose(got["probabilities"], expected["probabilities"], rtol=1e-6)
    assert answer.json["model_name"] == "income"
    assert [output["shape"] for output in answer.json["outputs"]] == [[ROWS], [ROWS, 2]]
    assert "id" not in answer.json


@pytest.mark.parametrize(
    ("header", "known"),
    [("a-7", "a-7"), ("", "42"), ("two words", "42")],
)
def test_an_id_comes_back(server: Server, header: str, known: str) -> None:
    answer = server.post(INFER, request() | {"id": "42"}, **{"X-Request-Id": header})

    assert answer.json["id"] == "42"
    assert answer.headers["x-request-id"] == known


@pytest.mark.parametrize("name", ["x" * 65, "two words", "é", "1\n"])
def test_an_id_that_is_not_safe_to_log_is_replaced(server: Server, name: str) -> None:
    answer = server.post(INFER, request() | {"id": name})

    assert answer.json["id"] == name
    assert 0 < len(answer.headers["x-request-id"]) < 65
    assert name not in answer.headers["x-request-id"]


def nested(document: dict[str, Any]) -> None:
    for tensor in document["inputs"]:
        tensor["data"] = [[value] for value in tensor["data"]]


def one_axis(document: dict[str, Any]) -> None:
    for tensor in document["inputs"]:
        tensor["shape"] = [ROWS]


def reverse(document: dict[str, Any]) -> None:
    document["inputs"].reverse()


def add_what_is_ignored(document: dict[str, Any]) -> None:
    document["parameters"] = {"content_type": "pd"}
    document["extra"] = 1
    document["inputs"].append(
        {"name": "customer", "shape": [ROWS, 1], "datatype": "BYTES", "data": ["a", "b", "c"]}
    )


@pytest.mark.parametrize("change", [nested, one_axis, reverse, add_what_is_ignored])
def test_other_ways_to_say_the_same(server: Server, expected: dict[str, Any], change: Any) -> None:
    document = request()
    change(document)

    got = outputs(server.post(INFER, document))

    assert got["label"] == expected["label"]
    np.testing.assert_allclose(got["probabilities"], expected["probabilities"], rtol=1e-6)


def test_only_the_outputs_that_were_asked_for_come(server: Server) -> None:
    asked = request() | {"outputs": [{"name": "probabilities"}, {"name": "label"}]}

    assert list(outputs(server.post(INFER, asked))) == ["probabilities", "label"]


@pytest.mark.parametrize(
    "change",
    [
        {"data": [1, 2, 3], "datatype": "INT64"},
        {"data": [None, 2, 3]},
        {"data": [1, 2.5, 3], "datatype": "FP32"},
    ],
    ids=str,
)
def test_numbers_may_be_whole_or_missing(server: Server, change: dict[str, Any]) -> None:
    assert server.post(INFER, request(**change)).status == 200


BAD: dict[str, Any] = {
    "not JSON": b"{",
    "not UTF-8": b'{"inputs": "\xff"}',
    "nested too deep": b"[" * 100_000,
    "no inputs": {},
    "empty inputs": {"inputs": []},
    "inputs null": {"inputs": None},
    "unknown input, one missing": request(name="aeg"),
    "too few values": request(data=[1.0]),
    "no data": {"inputs": [{"name": "age", "shape": [1, 1], "datatype": "FP64"}]},
    "negative shape": request(shape=[-3, 1]),
    "no shape": request(shape=[]),
    "shape too large": request(shape=[2**62, 1]),
    "three axes": request(shape=[ROWS, 1, 1]),
    "text for a number": request(data=["a", "b", "c"]),
    "a list for a number": request(data=[1, [2], 3]),
    "nested twice": request(data=[[[1]], [[2]], [[3]]]),
    "other rows": request(shape=[2, 1], data=[1.0, 2.0]),
    "unknown output": request() | {"outputs": [{"name": "x"}]},
    "input twice": {"inputs": [*tensors(), tensors()[0]]},
    "too many rows": {"inputs": tensors(MANY)},
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_told_so(server: Server, name: str) -> None:
    answer = server.post(INFER, BAD[name])

    assert answer.status in (400, 413), answer.body
    assert is_error(answer)
    assert "Traceback" not in answer.body.decode()


def test_a_misspelled_column_is_named(server: Server) -> None:
    message = server.post(INFER, request(name="aeg")).json["error"]

    assert "Did you mean 'age'?" in message


def test_a_request_has_to_be_posted(server: Server) -> None:
    answer = server.get(INFER)

    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert is_error(answer)


def test_8_gb_are_refused_before_a_byte_is_read(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        head = f"POST {INFER} HTTP/1.1\r\nHost: x\r\nContent-Length: {1 << 33}\r\n\r\n"
        connection.sendall(head.encode())

        answer = connection.recv(1_000)

        assert b" 413 " in answer
        assert b"connection: close" in answer
        connection.settimeout(5)
        while connection.recv(1_000):  # until the server closes
            pass


@pytest.mark.parametrize(("encoding", "wbits"), [("gzip", 31), ("deflate", 15)])
def test_a_packed_body_is_unpacked(server: Server, encoding: str, wbits: int) -> None:
    packer = zlib.compressobj(wbits=wbits)
    packed = packer.compress(json.dumps(request()).encode()) + packer.flush()
    named = {"Content-Encoding": encoding}

    assert server.post(INFER, packed, **named).status == 200
    assert server.post(INFER, packed, **{"Content-Encoding": encoding.upper()}).status == 200
    assert "bytes after its end" in server.post(INFER, packed + packed, **named).json["error"]
    assert server.post(INFER, packed[:-9], **named).status == 400
    assert server.post(INFER, b"x", **named).status == 400


def test_a_packed_bomb_is_refused(server: Server) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(bytes(100 << 20)) + packer.flush()

    assert server.post(INFER, bomb, **{"Content-Encoding": "gzip"}).status == 413
    assert server.post(INFER, b"x", **{"Content-Encoding": "br"}).status == 415


BODY, HEAD = binary_request()
BAD_BINARY = {
    "header too long": (BODY, str(len(BODY) + 1)),
    "header not a number": (BODY, "x"),
    "header of many digits": (BODY, "9" * 5_000),
    "cut": (BODY[:-3], str(HEAD)),
    "bytes left over": (BODY + b"123", str(HEAD)),
    "not UTF-8": (BODY[:-1] + b"\xff", str(HEAD)),
}


@pytest.mark.parametrize("name", BAD_BINARY)
def test_bad_binary_tensors_are_told_so(server: Server, name: str) -> None:
    body, length = BAD_BINARY[name]

    answer = server.post(INFER, body, **{"Inference-Header-Content-Length": length})

    assert answer.status == 400
    assert is_error(answer)


def test_sizes_of_binary_tensors_are_checked(server: Server) -> None:
    for size in (-1, "4", 1e3, True, len(BODY)):
        document = json.loads(BODY[:HEAD])
        document["inputs"][0]["parameters"] = {"binary_data_size": size}
        head = json.dumps(document).encode()
        length = {"Inference-Header-Content-Length": str(len(head))}
        assert server.post(INFER, head + BODY[HEAD:], **length).status == 400


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[triton.InferenceServerClient]:
    with triton.InferenceServerClient(server.address) as client:
        yield client


def test_triton_s_client_finds_the_model(client: triton.InferenceServerClient) -> None:
    [version] = client.get_model_metadata("income")["versions"]

    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("income")
    assert client.is_model_ready("income", version)
    assert not client.is_model_ready("none")
    assert client.get_server_metadata()["name"] == "onward"
    assert client.get_model_repository_index()[0]["state"] == "READY"


@pytest.mark.parametrize("packing", [None, "gzip", "deflate"])
@pytest.mark.parametrize("is_binary", [True, False])
@pytest.mark.parametrize("wanted", [None, True, False])
def test_triton_s_client_predicts(
    client: triton.InferenceServerClient,
    expected: dict[str, Any],
    is_binary: bool,
    wanted: bool | None,
    packing: str | None,
) -> None:
    inputs = []
    for tensor in tensors():
        is_text = tensor["datatype"] == "BYTES"
        values = [(value or "").encode() for value in tensor["data"]] if is_text else tensor["data"]
        array = np.array(values, object if is_text else np.float64)[:, None]
        if not (is_binary or is_text):
            array = np.nan_to_num(array)  # JSON has no NaN, and the client no null
        inputs.append(triton.InferInput(tensor["name"], [ROWS, 1], tensor["datatype"]))
        inputs[-1].set_data_from_numpy(array, binary_data=is_binary)
    asked = wanted is not None and [
        triton.InferRequestedOutput(name, binary_data=wanted) for name in expected
    ]

    got = client.infer(
        "income",
        inputs,
        outputs=asked or None,
        request_id="7",
        request_compression_algorithm=packing,
        response_compression_algorithm=packing,
    )

    labels = [
        label.decode() if isinstance(label, bytes) else label for label in got.as_numpy("label")
    ]
    assert got.get_response()["id"] == "7"
    assert labels == expected["label"] if is_binary else len(labels) == ROWS
    assert got.as_numpy("probabilities").shape == (ROWS, 2)
