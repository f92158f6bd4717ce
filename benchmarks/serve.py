"""What a request costs: `onward serve`, FastAPI with pydantic, and onnxruntime alone.

    python benchmarks/serve.py [--quick] [--json FILE]

The model is the default one of `benchmarks/predict.py`, with 30 columns. Figures are CPU time of
the server's process for a request of the Open Inference Protocol, from 8 and 32 clients that keep
their connections and ask again as soon as they are answered; all in turns, medians of the rounds.
Ours checks everything, logs, and counts. FastAPI is not among the development tools: `pip install
fastapi` first.
"""

import argparse
import json
import logging
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import psutil
from closed_loop import ask, post
from predict import exported, session, table

ROWS = (1, 100)
CLIENTS = (8, 32)
AIMS = {1: 2.6, 100: 1.35}  # times onnxruntime alone
PATH = "/v2/models/m/infer"
FASTAPI = """
import sys, numpy, uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from typing import Any
from onward import Predictor
from onward.serving.input_arrays import to_wire

predictor = Predictor(sys.argv[1])
fields = {field.name: field for field in predictor.schema.columns}
names = ["label", "probabilities"]
app = FastAPI()

class Tensor(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]

class Inference(BaseModel):
    inputs: list[Tensor]
    id: str | None = None

class Output(BaseModel):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]

class Answer(BaseModel):
    model_name: str
    outputs: list[Output]

@app.post("/v2/models/m/infer")
async def infer(request: Inference) -> Answer:
    feed = {tensor.name: to_wire(fields[tensor.name], tensor.data, 0) for tensor in request.inputs}
    outputs = zip(names, predictor.session.run(names, feed))
    return Answer(model_name="m", outputs=[
        Output(name=name, shape=array.shape, datatype="BYTES" if array.dtype == object else "FP32",
               data=array.ravel().tolist())
        for name, array in outputs
    ])

config = uvicorn.Config(app, port=int(sys.argv[2]), loop="uvloop", http="httptools",
                        access_log=False, log_level="error")
uvicorn.Server(config).run()
"""


@dataclass(frozen=True)
class Served:
    """A process that serves the model."""

    pid: int
    port: int


@dataclass(frozen=True)
class Load:
    """What the clients send, and how often."""

    request: bytes
    check: Callable[[bytes], None]
    """Of an answer's body."""
    requests: int


def write_model(path: Path) -> None:
    """The default model with some rows to verify, as an exported file has them."""
    rows = table().head(100)
    path.write_bytes(exported(table(), {}))
    names = ["label", "probabilities"]
    outputs = zip(names, session(path).run(names, feed(len(rows))), strict=True)
    replay = {
        "rows": rows.to_dict(as_series=False),
        "predictions": {name: array.tolist() for name, array in outputs},
    }
    model = onnx.load(path)
    model.metadata_props.add(key="replay", value=json.dumps(replay))
    onnx.save(model, path)


def feed(count: int) -> dict[str, np.ndarray]:
    """The first rows as onnxruntime takes them."""
    rows = table().head(count)
    return {name: rows[name].to_numpy()[:, None] for name in rows.columns}


def body(count: int) -> bytes:
    """A request with so many rows."""
    rows = table().head(count)
    inputs = [
        {
            "name": column.name,
            "shape": [count, 1],
            "datatype": "FP64" if column.dtype.is_numeric() else "BYTES",
            "data": column.to_list(),
        }
        for column in rows
    ]
    return json.dumps({"inputs": inputs}).encode()


def cpu_seconds(pid: int) -> float:
    """Of all threads of a process."""
    tasks = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def check(path: Path, count: int) -> Callable[[bytes], None]:
    """Compares an answer with what onnxruntime alone predicts."""
    label, probabilities = session(path).run(["label", "probabilities"], feed(count))

    def compare(answer: bytes) -> None:
        data = {output["name"]: output["data"] for output in json.loads(answer)["outputs"]}
        assert data["label"] == label.tolist()
        # float32, and a run that requests share adds in another order
        np.testing.assert_allclose(data["probabilities"], probabilities.ravel(), atol=1e-5)

    return compare


def request_cost(served: Served, load: Load, clients: int) -> float:
    """Microseconds of CPU for a request."""
    start = cpu_seconds(served.pid)
    ask(served.port, load.request, load.check, clients, load.requests)
    return 1e6 * (cpu_seconds(served.pid) - start) / load.requests


def run_cost(path: Path, count: int, runs: int) -> float:
    """Microseconds of CPU for a run of onnxruntime."""
    model, rows = session(path), feed(count)
    model.run(None, rows)
    start = time.process_time()
    for _ in range(runs):
        model.run(None, rows)
    return 1e6 * (time.process_time() - start) / runs


@contextmanager
def server(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended afterwards."""
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def ready(process: subprocess.Popen[bytes], log: Path, port: Callable[[], int]) -> int:
    """The port of a server, once it answers."""
    while True:
        time.sleep(0.01)
        if process.poll() is not None:
            sys.exit(f"the server ended: {log.read_text()}")
        try:
            number = port()
            ask(number, post(PATH, body(1)), lambda _: None, 1, 1)
        except (OSError, TypeError):
            continue
        return number


def announced_port(log: Path) -> int:
    """The port in the log of our server; a TypeError before it is there."""
    return int(re.search(r"ready at \S+:(\d+)", log.read_text())[1])  # type: ignore[index]


def measure(rounds: int, requests: int) -> dict[str, Any]:
    """All of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model, log = folder / "m.onnx", folder / "ours.log"
        write_model(model)
        (folder / "rival.py").write_text(FASTAPI)
        ours = [sys.executable, "-m", "onward", "serve", str(model), "--port", "0", "--grace", "0"]
        ours += ["--max-waiting", "64"]  # nothing is to be refused here
        rival = [sys.executable, str(folder / "rival.py"), str(model), "18999"]
        start = time.perf_counter()
        with server(ours, log) as first:
            found = ready(first, log, lambda: announced_port(log))
            seconds, cpu = time.perf_counter() - start, cpu_seconds(first.pid)
            other = folder / "rival.log"
            with server(rival, other) as second:
                servers = {"onward serve": Served(first.pid, found)}
                port = ready(second, other, lambda: 18_999)
                servers["FastAPI + pydantic"] = Served(second.pid, port)
                costs = _costs(model, servers, rounds, requests)
            memory = psutil.Process(first.pid).memory_full_info()
    memory_mb = {"uss_mb": memory.uss / 1e6, "rss_mb": memory.rss / 1e6}
    return {"costs": costs, "ready_s": seconds, "ready_cpu_s": cpu, **memory_mb}


def _costs(
    model: Path, servers: dict[str, Served], rounds: int, requests: int
) -> list[dict[str, Any]]:
    """Medians, for each number of rows and of clients."""
    table: list[dict[str, Any]] = []
    for count in ROWS:
        share = requests if count == 1 else requests // 8
        load = Load(post(PATH, body(count)), check(model, count), share)
        alone: list[float] = []
        found: dict[tuple[int, str], list[float]] = defaultdict(list)
        for _ in range(rounds):
            alone.append(run_cost(model, count, share))
            for clients, (name, served) in product(CLIENTS, servers.items()):
                found[clients, name].append(request_cost(served, load, clients))
        for clients in CLIENTS:
            costs = {name: statistics.median(found[clients, name]) for name in servers}
            costs = {"onnxruntime": statistics.median(alone), **costs}
            table.append({"rows": count, "clients": clients, "microseconds": costs})
    return table


def main() -> None:
    """Print a table, and write it if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds and requests")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    results = measure(3, 800) if arguments.quick else measure(7, 4_000)
    for line in results["costs"]:
        print("{rows} rows, {clients} clients:".format(**line), end=" ")
        print(f"CPU of a request, and times onnxruntime (aim {AIMS[line['rows']]})")
        for name, cost in line["microseconds"].items():
            times = cost / line["microseconds"]["onnxruntime"]
            print(f"  {name:20} {cost:8.0f} µs  {times:6.2f}")
    print("ready after {ready_s:.2f} s, {ready_cpu_s:.2f} s of CPU".format(**results))
    print("USS {uss_mb:.0f} MB, RSS {rss_mb:.0f} MB".format(**results))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
