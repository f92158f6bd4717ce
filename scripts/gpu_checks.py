"""The checks of `gpu_check.py`; `python scripts/gpu_checks.py NAME` runs one, and prints JSON."""

import json
import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from onward.artifacts.process import end_with_signals, signals_received
from onward.blocks import CATEGORICAL, NUMERICAL, Blocks, categorical, numerical
from onward.network.heads.binary import Binary
from onward.network.network import Network, Shape
from onward.training import learner, optimizer_steps, scores, step_graph
from onward.training.batches import Rows
from onward.training.checkpoints import Checkpoints
from onward.training.distributed import Share
from onward.training.loop import train
from onward.training.settings import Settings
from onward.training.timing import Speed

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda", 0) if CUDA else torch.device("cpu")
ROWS = 8192 if CUDA else 512
MANY_ROWS = 65_536 if CUDA else 1024
PIECEWISE = "piecewise_linear_embedding"

Found = dict[str, Any]
"""What a check has found, as JSON, and whether it is ``ok``."""


def table(rows: int, task: str = "binary", seed: int = 0) -> tuple[Rows, Shape]:
    """Random numbers and codes, and a target that follows from some."""
    draw = torch.Generator().manual_seed(seed)
    numbers = torch.randn(rows, 16, generator=draw)
    codes = torch.randint(0, 50, (rows, 4), generator=draw)
    score = numbers[:, 0] * 2 + (codes[:, 0] % 3) + torch.randn(rows, generator=draw) / 2
    targets = {
        "binary": (score > 1).long(),
        "multiclass": (score.clamp(-2, 4) + 2).long().clamp(0, 4),
        "regression": score.double(),
    }[task]
    classes = {"binary": 2, "multiclass": 5, "regression": 0}[task]
    names = [f"number {index}" for index in range(16)]
    blocks = Blocks([numerical(names, names), categorical(["a", "b", "c", "d"], [52] * 4)])
    return Rows({NUMERICAL: numbers, CATEGORICAL: codes}, targets), Shape(blocks, classes)


def settings(model: str, task: str = "binary", batch: int = 256, **changes: Any) -> Settings:
    """Of a training; ``changes`` are settings of the model, but for ``epochs`` and ``embedder``."""
    epochs = changes.pop("epochs", 3)
    embedder = changes.pop("embedder", PIECEWISE)
    if model == "tabm":
        changes = {"k": 8, "width": 128, **changes}
    return Settings.model_validate(
        {
            "seed": 1,
            "network": {
                "embedder": {"type": embedder},
                "model": {"type": model, **changes},
                "head": {"type": task},
            },
            "learner": {
                "batch_size": min(batch, ROWS // 4),
                "max_epochs": epochs,
                "patience": 99,
                "learning_rate": 2e-3,
            },
        }
    )


def fit(
    asked: Settings, rows: int = ROWS, folder: str | None = None, *watching: Callback
) -> tuple[Network, float]:
    """A trained network, and its last validation loss."""
    task: str = asked.network.head.model_dump()["type"]
    (training, shape), (validation, _) = table(rows, task), table(ROWS // 4, task, seed=9)
    with tempfile.TemporaryDirectory() as scratch:
        checkpoints = Checkpoints(Path(folder or scratch) / "c", {"run": "1"})
        network, history = train(asked, shape, training, validation, checkpoints, *watching)
    return network, history[-1]["validation/loss"]


def weights(network: Network) -> Tensor:
    """All of them, in one piece."""
    return torch.cat([weight.detach().flatten().cpu() for weight in network.parameters()])


@contextmanager
def changed(owner: Any, name: str, value: Any) -> Iterator[None]:
    """An attribute has another value for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


def machine() -> Found:
    """What runs here."""
    name = torch.cuda.get_device_name() if CUDA else "cpu (a dry run: figures mean nothing)"
    return {
        "ok": True,
        "device": name,
        "torch": torch.__version__,
        "lightning": version("lightning"),
    }


def models() -> Found:
    """Each model and each head trains, and nothing warns."""
    tasks = ("binary", "multiclass", "regression")
    asked: list[tuple[str, str, dict[str, Any]]] = [("tabm", task, {}) for task in tasks]
    asked += [(name, "binary", {}) for name in ("tabm_mini", "mlp", "resnet", "ft_transformer")]
    asked += [("linear", "binary", {"embedder": "identity"})]
    found: Found = {"ok": True}
    for name, task, changes in asked:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            _, loss = fit(settings(name, task, epochs=2, **changes), ROWS // 2)
        found[f"{name} {task}"] = round(loss, 3)
    return found


def bits() -> Found:
    """Two trainings are equal, and a graph does what single launches do."""
    asked = settings("tabm", dropout=0.2)
    first, second = (weights(fit(asked)[0]) for _ in range(2))
    with changed(step_graph, "WARM_UP", 10**9):
        launched = weights(fit(asked)[0])
    equal = torch.equal(first, second)
    return {
        "ok": equal and torch.equal(first, launched),
        "two runs are equal": equal,
        "largest difference of graph and launches": float((first - launched).abs().max()),
    }


class Cut(Callback):
    """Asks for an end at a step, as SIGTERM does."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_train_batch_end(self, trainer: Trainer, module: LightningModule, *_: Any) -> None:
        """Look at the step."""
        if int(module.steps_taken) >= self._step:  # type: ignore[arg-type]
            self._step = sys.maxsize
            signal.raise_signal(signal.SIGTERM)


def resumed() -> Found:
    """A training that was cut ends with the same bits."""
    asked = settings("tabm", epochs=4, dropout=0.2)
    whole = weights(fit(asked)[0])
    found: Found = {"ok": True}
    for step in (1, 7):
        with (
            tempfile.TemporaryDirectory() as folder,
            changed(learner, "CUDA_CHUNK", 5),
            changed(learner, "CHUNK", 5),
        ):
            end_with_signals()
            try:
                fit(asked, ROWS, folder, Cut(step))
            except SystemExit as ended:
                code = ended.code
            signals_received().clear()
            again = weights(fit(asked, ROWS, folder)[0])
        difference = float((again - whole).abs().max())
        found["ok"] &= code == 128 + signal.SIGTERM and difference == 0
        found[f"cut at step {step}: largest difference"] = difference
    return found


def streamed() -> Found:
    """Rows that do not fit arrive in time: a thread pins memory while a graph is captured."""
    asked = settings("mlp", width=128)
    clocks = Speed(), Speed()
    resident = weights(fit(asked, MANY_ROWS, None, clocks[0])[0])
    equal = []
    with changed(learner, "fits", lambda *_: False), changed(learner, "STREAMED", 2**20):
        for _ in range(3):
            clocks = clocks[0], Speed()
            equal.append(torch.equal(resident, weights(fit(asked, MANY_ROWS, None, clocks[1])[0])))
    rates = [clock.document()["rows_per_s"] for clock in clocks]
    shares = clocks[1].document()["shares"]
    return {
        "ok": all(equal),
        "equal to resident rows": equal,
        "rows/s of resident": f"{rates[1] / rates[0]:.0%}",
        "waiting for rows": f"{shares['data']:.1%}",
    }


def large_batches() -> Found:
    """The gradient of embeddings of more than 3,072 codes takes other kernels."""
    found: Found = {"ok": True}
    for batch in (4096, 16_384):
        asked = settings("mlp", width=128)
        size = {"learner": asked.learner.model_copy(update={"batch_size": min(batch, MANY_ROWS)})}
        asked = asked.model_copy(update=size)
        first, second = (weights(fit(asked, MANY_ROWS)[0]) for _ in range(2))
        found["ok"] &= torch.equal(first, second)
        found[f"{batch} rows: largest difference"] = float((first - second).abs().max())
    return found


def peers() -> Found:
    """A message to the peers is part of the graph, and waiting for it has a deadline."""
    from torch import distributed

    asked = settings("mlp", width=64)
    alone = weights(fit(asked)[0])
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29511"}
    distributed.init_process_group("nccl" if CUDA else "gloo", rank=0, world_size=1)

    def average(share: Share, tensors: list[Tensor]) -> None:
        message = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(message)
        parts = torch.split(message, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    steps = optimizer_steps.Steps.__call__

    def awaited(self: optimizer_steps.Steps, *chunk: Any) -> Tensor:
        losses = steps(self, *chunk)
        if CUDA:
            self.await_device()
        return losses

    try:
        with (
            changed(Share, "average", average),
            changed(optimizer_steps.Steps, "__call__", awaited),
        ):
            equal = torch.equal(alone, weights(fit(asked)[0]))
    finally:
        distributed.destroy_process_group()
    return {"ok": equal, "equal to a training alone": equal}


def plug_in() -> Found:
    """A loss that waits for the device trains, kernel by kernel, and leaves the device usable."""
    loss = Binary.loss

    def waiting(self: nn.Module, scores: Tensor, *others: Any) -> Tensor:
        factor = 1.0 if float(scores.detach().abs().max()) < 1e9 else 0.0
        return loss(self, scores, *others) * factor  # type: ignore[arg-type]

    asked = settings("mlp", width=32, dropout=0.2)
    whole = weights(fit(asked)[0])
    with changed(Binary, "loss", waiting):
        difference = float((weights(fit(asked)[0]) - whole).abs().max())
    usable = torch.zeros(1, device=DEVICE).add_(1).item() == 1
    return {"ok": usable and difference < 1e-3, "largest difference": difference}


def memory() -> Found:
    """Trainings in one process give their memory back."""
    reserved = []
    for _ in range(5):
        fit(settings("tabm", epochs=1, width=256 if CUDA else 32))
        reserved.append(torch.cuda.memory_reserved() >> 20 if CUDA else 0)
    return {"ok": reserved[-1] <= reserved[0] * 1.1, "reserved MB after each": reserved}


def speed() -> Found:
    """Beside Lightning with a DataLoader, and a bare loop, with as many rows as time allows.

    A GPU has to be 20 times as fast as Lightning in batches of 256 rows, and busy for 90 % of the
    time, in one of the precisions.
    """
    import training

    found: Found = {"ok": None}
    for batch in training.BATCHES if CUDA else training.BATCHES[:1]:
        rows = training.table(min(training.CUDA_ROWS, 400 * batch) if CUDA else 1024)
        measured = training.measure(rows, batch, 1, DEVICE)
        for name in training.precisions(DEVICE):
            found[f"batch {batch} {name}"] = measured[name]
        found[f"batch {batch} rows/s"] = measured["rows_per_s"]
    if CUDA:
        of_256 = [found[f"batch 256 {name}"] for name in training.precisions(DEVICE)]
        found["ok"] = any(run["times_plain"] >= 20 and run["busy"] >= 0.9 for run in of_256)
    return found


def floor() -> Found:
    """A step beside the least that its products and its memory traffic take."""
    import training

    batch = training.BATCHES[-1] if CUDA else training.BATCHES[0]
    rows = training.table(batch * (100 if CUDA else 4))
    engine = training.ours(rows, batch, "fp32")
    training.learning(engine)
    steps = len(rows) // batch
    step = training.learning(engine) / steps
    products = training.peak("fp32", DEVICE)
    product_s = min(products() for _ in range(5)) * batch
    parameters = sum(weight.numel() for weight in engine.network.parameters())
    activations = batch * sum(training.SIZES) * 2  # written forward, read backward
    # AdamW reads weight, gradient and two moments, and writes three of them
    byte_s = 4 * (7 * parameters + 2 * activations) / bandwidth()
    return {
        "ok": None,
        "step µs": round(step * 1e6),
        "products µs": round(product_s * 1e6),
        "bytes µs": round(byte_s * 1e6),
        "of the floor": f"{max(product_s, byte_s) / step:.0%}",
    }


def bandwidth() -> float:
    """Bytes a second that a copy on the device reads and writes."""
    source = torch.zeros(2**28 if CUDA else 2**22, device=DEVICE)
    target = torch.empty_like(source)
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        target.copy_(source)
        if CUDA:
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return 2 * source.nbytes / min(seconds)


def validation() -> Found:
    """A million rows without gradients, by the rows of a pass."""
    rows, shape = table(1_000_000 if CUDA else 2000)
    network = Network.fit(settings("tabm").network, shape, rows.features)
    network.head.fit(rows.targets)
    network.to(DEVICE).eval()
    resident, found = rows.to(DEVICE), dict[str, Any](ok=None)
    for size in (8192, 65_536, 2**18):
        with changed(scores, "_rows_of_pass", lambda _, size=size: size), torch.inference_mode():
            scores.compute_scores(network, resident.between(0, 100), DEVICE)
            started = time.perf_counter()
            scores.compute_scores(network, resident, DEVICE).cpu()
            found[f"{size} rows: s"] = round(time.perf_counter() - started, 3)
    return found


CHECKS: dict[str, Callable[[], Found]] = {
    check.__name__: check
    for check in (
        *(machine, models, bits, resumed, streamed, large_batches),
        *(peers, plug_in, memory, speed, floor, validation),
    )
}

if __name__ == "__main__":
    result = CHECKS[sys.argv[1]]()
    print(json.dumps(result))
