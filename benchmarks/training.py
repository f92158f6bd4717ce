"""How many rows a second a network learns from: our engine, and two loops beside it.

    python benchmarks/training.py [--quick] [--json FILE]

The network has 100 inputs, three layers of 256 and one output; the rows are random. Beside our
engine are the loop that the manuals of Lightning and PyTorch show (TensorDataset, DataLoader,
`self.log`), and a bare loop of PyTorch without any library, in each precision that the device
multiplies: a CPU without instructions for bfloat16 computes it step by step, which takes many
minutes, and which `auto` never chooses. All take turns round by round, so that whatever else the
machine does meets them alike; medians count.

The share is that of the fastest product of two matrices that was measured in the same run in the
same precision: what a step needs at least, if it had nothing to do but to multiply.
"""

import argparse
import json
import logging
import statistics
import time
import warnings
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from onward.blocks import NUMERICAL, Blocks, numerical
from onward.network.network import Network, Shape
from onward.training.batches import Rows
from onward.training.learner import Learner
from onward.training.loading import shuffled_order
from onward.training.loop import schedule_of
from onward.training.precision import Name, Precision, choose, fastest_float32, multiplies_bfloat16
from onward.training.settings import Settings

D_IN, WIDTH, DEPTH = 100, 256, 3
SIZES = [D_IN] + [WIDTH] * DEPTH + [1]
WEIGHTS = sum(a * b for a, b in pairwise(SIZES))
FLOP = 2 * (3 * WEIGHTS - D_IN * WIDTH)  # a row: forward, weights, inputs but those of the table
BATCHES = (256, 1024, 8192)
ROWS = 65_536  # in an epoch, on a CPU
CUDA_ROWS = 4_194_304

Run = Callable[[], float]
"""Learns for an epoch, and says how many seconds it took."""


def table(rows: int) -> Rows:
    """Random numbers, and a sum of some."""
    draw = torch.Generator().manual_seed(0)
    numerical = torch.randn(rows, D_IN, generator=draw)
    targets = numerical[:, :5].sum(1) + torch.randn(rows, generator=draw)
    return Rows({NUMERICAL: numerical}, targets.double())


class Clock(Callback):
    """Seconds of the second epoch, when all is set up; what the device did in them, if asked."""

    def __init__(self, profiler: torch.profiler.profile | None = None) -> None:
        self.seconds, self._started, self._profiler = 0.0, 0.0, profiler

    def on_train_epoch_end(self, trainer: Trainer, module: LightningModule) -> None:
        """Start or stop."""
        finish(module.device)
        now = time.perf_counter()
        self.seconds, self._started = now - self._started, now
        if self._profiler:
            (self._profiler.stop if trainer.current_epoch else self._profiler.start)()


def second_epoch(module: LightningModule, loader: Any = None, profiler: Any = None) -> float:
    """Its seconds."""
    clock = Clock(profiler)
    trainer = Trainer(
        max_epochs=2,
        devices=1,
        callbacks=[clock],
        num_sanity_val_steps=0,
        limit_val_batches=0,
        reload_dataloaders_every_n_epochs=1 if loader is None else 0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, loader)
    return clock.seconds


def ours(rows: Rows, batch_size: int, precision: Name) -> Learner:
    """The learner of this package, as `onward train` makes it."""
    config = Network.Config.model_validate(
        {
            "embedder": {"type": "identity"},
            "model": {"type": "mlp", "width": WIDTH, "depth": DEPTH, "dropout": 0.0},
            "head": {"type": "regression"},
        }
    )
    names = [f"number {index}" for index in range(D_IN)]
    shape = Shape(Blocks([numerical(names, names)]), 0)
    network = Network.fit(config, shape, rows.features)
    network.head.fit(rows.targets)
    learner = Learner.Config(batch_size=batch_size, precision=precision)
    schedule = schedule_of(Settings(seed=0, network=config, learner=learner), rows)
    return Learner(learner, network, rows, rows.between(0, 1), schedule)


def learning(learner: Learner, profiler: Any = None) -> float:
    """Seconds of an epoch."""
    learner.steps_taken = 0  # the trainer counts anew
    return second_epoch(learner, profiler=profiler)


def perceptron() -> nn.Sequential:
    """The same network, as people write it."""
    layers = [part for a, b in pairwise(SIZES[:-1]) for part in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 1))


class Plain(LightningModule):
    """As in the manual of Lightning."""

    def __init__(self) -> None:
        super().__init__()
        self.network = perceptron()

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Mean loss over the batch."""
        x, y = batch
        loss = nn.functional.mse_loss(self.network(x)[:, 0], y)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW with its defaults."""
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


def plain(rows: Rows, batch_size: int) -> Run:
    """Lightning and a DataLoader."""
    data = TensorDataset(rows.features[NUMERICAL], rows.targets.float())
    loader = DataLoader(data, batch_size=batch_size, shuffle=True, drop_last=True)
    return partial(second_epoch, Plain(), loader)


def bare(rows: Rows, batch_size: int, precision: Precision, device: torch.device) -> Run:
    """A loop over the batches, with the rows on the device and a fused optimizer."""
    network = perceptron().to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    x, y = rows.features[NUMERICAL].to(device), rows.targets.float().to(device)

    def epoch() -> float:
        started = time.perf_counter()
        order = shuffled_order(len(x), batch_size, seed=0).to(device)
        for index in torch.split(order, batch_size):
            with precision.step(device):
                scores = network(x[index])[:, 0]
            loss = nn.functional.mse_loss(scores.float(), y[index])
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimizer.step()
        finish(device)
        return time.perf_counter() - started

    def in_fast_kernels() -> float:
        with fastest_float32(device):
            return epoch()

    return in_fast_kernels


def peak(precision: Name, device: torch.device) -> Run:
    """Seconds of a row at the speed of a product of large matrices."""
    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    size = 8192 if device.type == "cuda" else 2048
    a, b = torch.randn(2, size, size, device=device, dtype=kind)

    def row() -> float:
        with fastest_float32(device):
            started = time.perf_counter()
            a @ b
            finish(device)
            seconds = time.perf_counter() - started
        return seconds * FLOP / (2 * size**3)

    return row


def finish(device: torch.device) -> None:
    """Wait for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def busy(learner: Learner) -> float:
    """Share of an epoch in which the GPU runs kernels."""
    with_kernels = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA])
    seconds = learning(learner, with_kernels)
    kernels = with_kernels.key_averages()
    return float(sum(kernel.self_device_time_total for kernel in kernels)) / 1e6 / seconds


def precisions(device: torch.device) -> tuple[Name, ...]:
    """That the device has instructions for."""
    return ("fp32", "bf16") if multiplies_bfloat16(device) else ("fp32",)


def measure(rows: Rows, batch_size: int, rounds: int, device: torch.device) -> dict[str, Any]:
    """Medians of all loops at one batch size."""
    names = precisions(device)
    learners = {name: ours(rows, batch_size, name) for name in names}
    plainly = plain(rows, batch_size)
    runs: dict[str, Run] = {"plain": plainly}
    for name, learner in learners.items():
        runs[f"ours {name}"] = partial(learning, learner)
        runs[f"bare {name}"] = bare(rows, batch_size, Precision(name, ""), device)
    peaks = {name: peak(name, device) for name in names}
    seconds: dict[str, list[float]] = {name: [] for name in (*runs, *peaks)}
    for run in (*runs.values(), *peaks.values()):  # warms up
        run()
    for _ in range(rounds):
        for loop, run in runs.items():
            seconds[loop].append(run())
        for product, row in peaks.items():
            seconds[product].append(min(row() for _ in range(5)))
    per_epoch = len(rows) // batch_size * batch_size
    rates = {name: round(per_epoch / statistics.median(seconds[name])) for name in runs}
    limits = {name: 1 / min(seconds[name]) for name in peaks}
    found: dict[str, Any] = {"rows_per_s": rates}
    for precision in names:
        mine = rates[f"ours {precision}"]
        found[precision] = {
            "times_plain": round(mine / rates["plain"], 2),
            "of_bare": round(mine / rates[f"bare {precision}"], 3),
            "of_peak": round(mine / limits[precision], 3),
        }
        if device.type == "cuda":
            found[precision]["busy"] = round(busy(learners[precision]), 3)
    return found


def main() -> None:
    """Print a table, and write it if asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there")
    arguments = parser.parse_args()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # Lightning advises more workers, which are slower here
    device = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
    count = CUDA_ROWS if device.type == "cuda" else ROWS
    rows = table(count // 2 if arguments.quick else count)
    chosen = choose("auto", device, min(BATCHES) * WEIGHTS)
    threads = torch.get_num_threads()
    results: dict[str, Any] = {"device": device.type, "threads": threads, "auto": chosen.name}
    print(f"{device.type}, {threads} threads; `auto` is {chosen.name}: {chosen.why}")
    if "bf16" not in precisions(device):
        print(f"bf16 is left out: this {device.type} has no instructions for it")
    print(f"{'batch':>6} {'loop':10} {'rows/s':>12} {'x plain':>8} {'of bare':>8} {'of peak':>8}")
    for batch_size in BATCHES:
        found = measure(rows, batch_size, 3 if arguments.quick else 9, device)
        results[str(batch_size)] = found
        for name, rate in found["rows_per_s"].items():
            mine = found[name.removeprefix("ours ")].values() if name.startswith("ours") else ()
            print(f"{batch_size:6} {name:10} {rate:12,}", *(f"{value:8}" for value in mine))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
