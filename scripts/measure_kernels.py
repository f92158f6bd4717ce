#!/usr/bin/env python3
"""Measure how long operations of torch take on this machine: one row for each case.

    python scripts/measure_kernels.py -o src/onward/datasets/kernels/kernels.csv

Which cases are measured depends on the seed alone; `started` and `runtime_us` are what differs
from run to run. What does not apply to an operation is left empty.
"""

import csv
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.progress import track
from torch import Tensor
from torch.nn import functional

COLUMNS = [
    *("operation", "dtype", "layout", "threads", "is_inplace", "has_bias"),
    *("batch", "rows", "columns", "inner", "channels", "out_channels", "length", "height", "width"),
    *("kernel_size", "stride", "heads", "depth", "vocabulary", "largest", "input_bytes"),
    *("expression", "started", "runtime_us"),
]
FEWEST, MOST = 7, 100  # repeats
BUDGET = 0.02  # seconds of repeats of one case, once the fewest are done


@dataclass
class Case:
    """One case while it is drawn: the cells of its row, and the call to measure."""

    random: random.Random
    cells: dict[str, Any]
    pairs: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    """Inputs that the call changes, and what they were."""
    call: Callable[[], object] = lambda: None

    def choose(self, column: str, *values: Any) -> Any:
        """One of the values, noted in the column."""
        value = self.random.choice(values)
        self.cells[column] = value
        return value

    def size(self, column: str, low: int, high: int) -> int:
        """A whole number, uniform on a logarithmic scale, noted in the column."""
        exponent = self.random.uniform(math.log(low), math.log(high + 1))
        self.cells[column] = number = min(high, int(math.exp(exponent)))
        return number

    def tensor(self, *shape: int) -> Tensor:
        """An input of that shape."""
        dtype: torch.dtype = getattr(torch, self.cells["dtype"])
        made = (torch.rand(shape) * 1000).to(dtype) if dtype == torch.int64 else torch.rand(shape)
        return self.read(made.to(dtype))

    def read(self, tensor: Tensor) -> Tensor:
        """Count the tensor among the inputs."""
        size = tensor.numel() * tensor.element_size()
        self.cells["input_bytes"] = self.cells.get("input_bytes", 0) + size
        return tensor

    def matrix(self, rows: int = 8192, columns: int = 1024) -> Tensor:
        """An input with two axes, by rows or by columns."""
        shape = self.size("rows", 4, rows), self.size("columns", 4, columns)
        if self.choose("layout", "contiguous", "transposed") == "contiguous":
            return self.tensor(*shape)
        return self.tensor(*shape[::-1]).T

    def measure(self, expression: str, call: Callable[[], object]) -> None:
        """Say what to measure."""
        self.cells["expression"] = expression
        self.call = call


def shape(tensor: Tensor) -> str:
    """``[3,4]``."""
    return str(list(tensor.shape)).replace(" ", "")


def elementwise(case: Case) -> None:
    """A function of each number, or of pairs of numbers; in place or not."""
    name, x = case.cells["operation"], case.matrix()
    others = [case.tensor(*x.shape)] if name in ("add", "mul") else []
    is_inplace = case.choose("is_inplace", False, True)
    if is_inplace:
        case.pairs = [(x, x.clone())]
    name += "_" * is_inplace
    operate = getattr(Tensor, name)
    names = ", ".join(f"{letter}{shape(t)}" for letter, t in zip("ab", [x, *others], strict=False))
    case.measure(f"torch.{name}({names})", lambda: operate(x, *others))


def along_rows(case: Case) -> None:
    """A function of each row."""
    name, x = case.cells["operation"], case.matrix()
    operate = getattr(torch, name)
    case.measure(f"torch.{name}(a{shape(x)}, -1)", lambda: operate(x, -1))


def sort(case: Case) -> None:
    """Sort each row."""
    x = case.matrix(1024, 1024)
    case.measure(f"torch.sort(a{shape(x)}, -1)", lambda: torch.sort(x, -1))


def topk(case: Case) -> None:
    """The largest values of each row."""
    x = case.matrix(1024, 1024)
    largest = case.size("largest", 1, x.shape[1])
    case.measure(f"torch.topk(a{shape(x)}, {largest})", lambda: torch.topk(x, largest))


def gather(case: Case) -> None:
    """Some values of each row, by their places."""
    x = case.matrix()
    count = case.size("inner", 1, 512)
    places = case.read(torch.randint(x.shape[1], (x.shape[0], count)))
    text = f"torch.gather(a{shape(x)}, 1, b{shape(places)})"
    case.measure(text, lambda: torch.gather(x, 1, places))


def transpose(case: Case) -> None:
    """Rows become columns, in memory too."""
    x = case.matrix()
    case.measure(f"a{shape(x)}.T.contiguous()", lambda: x.T.contiguous())


def layer_norm(case: Case) -> None:
    """Normalize each row."""
    x = case.matrix()
    wide = [x.shape[1]]
    has_bias = case.choose("has_bias", False, True)
    weight, bias = (case.tensor(*wide) if has_bias else None for _ in range(2))
    text = f"F.layer_norm(a{shape(x)}, {wide}{', weight, bias' * has_bias})"
    case.measure(text, lambda: functional.layer_norm(x, wide, weight, bias))


def matmul(case: Case) -> None:
    """Matrix times matrix."""
    a = case.matrix(1024, 1024)
    case.cells["inner"] = a.shape[1]
    b = case.tensor(a.shape[1], case.size("columns", 4, 1024))
    case.measure(f"torch.matmul(a{shape(a)}, b{shape(b)})", lambda: a @ b)


def bmm(case: Case) -> None:
    """Many small matrices times matrices."""
    batch, inner = case.size("batch", 1, 64), case.size("inner", 1, 128)
    a = case.tensor(batch, case.size("rows", 4, 128), inner)
    b = case.tensor(batch, inner, case.size("columns", 4, 128))
    case.measure(f"torch.bmm(a{shape(a)}, b{shape(b)})", lambda: torch.bmm(a, b))


def linear(case: Case) -> None:
    """A dense layer."""
    x = case.tensor(case.size("rows", 4, 1024), case.size("inner", 4, 1024))
    weight = case.tensor(case.size("columns", 4, 1024), x.shape[1])
    bias = case.tensor(weight.shape[0]) if case.choose("has_bias", False, True) else None
    text = f"F.linear(a{shape(x)}, b{shape(weight)}{', bias' * (bias is not None)})"
    case.measure(text, lambda: functional.linear(x, weight, bias))


def embedding(case: Case) -> None:
    """Rows of a table by their numbers."""
    table = case.tensor(case.size("vocabulary", 2, 50_000), case.size("depth", 1, 256))
    codes = case.read(torch.randint(len(table), (case.size("rows", 1, 8192),)))
    text = f"F.embedding(a{shape(codes)}, b{shape(table)})"
    case.measure(text, lambda: functional.embedding(codes, table))


def convolution(case: Case) -> None:
    """A convolution along one axis or two."""
    name = case.cells["operation"]
    is_image = name == "conv2d"
    batch, channels = case.size("batch", 1, 8), case.size("channels", 1, 48)
    names = ("height", "width") if is_image else ("length",)
    sides = [case.size(side, 8, 48 if is_image else 2048) for side in names]
    kernel = case.choose("kernel_size", 1, 3, 5, 7)
    weight = case.tensor(case.size("out_channels", 1, 48), channels, *[kernel] * len(sides))
    bias = case.tensor(weight.shape[0]) if case.choose("has_bias", False, True) else None
    stride = case.choose("stride", 1, 2)
    x = case.tensor(batch, channels, *sides)
    if is_image and case.choose("layout", "contiguous", "channels_last") == "channels_last":
        x, weight = (t.to(memory_format=torch.channels_last) for t in (x, weight))
    operate = getattr(functional, name)
    case.measure(
        f"F.{name}(a{shape(x)}, b{shape(weight)}{', bias' * (bias is not None)}, stride={stride})",
        lambda: operate(x, weight, bias, stride),
    )


def max_pool2d(case: Case) -> None:
    """The largest value of each window."""
    kernel = case.choose("kernel_size", 2, 3)
    sides = case.size("height", 8, 96), case.size("width", 8, 96)
    x = case.tensor(case.size("batch", 1, 8), case.size("channels", 1, 64), *sides)
    if case.choose("layout", "contiguous", "channels_last") == "channels_last":
        x = x.to(memory_format=torch.channels_last)
    text = f"F.max_pool2d(a{shape(x)}, {kernel})"
    case.measure(text, lambda: functional.max_pool2d(x, kernel))


def attention(case: Case) -> None:
    """Scaled dot-product attention."""
    batch, heads = case.size("batch", 1, 8), case.choose("heads", 1, 2, 4, 8)
    length, depth = case.size("length", 4, 384), case.size("depth", 8, 64)
    q, k, v = (case.tensor(batch, heads, length, depth) for _ in range(3))
    text = f"F.scaled_dot_product_attention(a{shape(q)}, b{shape(k)}, c{shape(v)})"
    case.measure(text, lambda: functional.scaled_dot_product_attention(q, k, v))


FLOATS = ("float32", "float64", "bfloat16")
NUMBERS = (*FLOATS, "int64")
Operation = tuple[Callable[[Case], None], tuple[str, ...]]
OPERATIONS: dict[str, Operation] = {
    **dict.fromkeys(("add", "mul", "relu"), (elementwise, NUMBERS)),
    **dict.fromkeys(("exp", "tanh", "sqrt"), (elementwise, FLOATS)),
    **dict.fromkeys(("sum", "argmax", "cumsum"), (along_rows, NUMBERS)),
    "softmax": (along_rows, FLOATS),
    **{make.__name__: (make, NUMBERS) for make in (sort, topk, gather, transpose)},
    **{make.__name__: (make, FLOATS) for make in (layer_norm, matmul, bmm, linear, embedding)},
    **dict.fromkeys(("conv1d", "conv2d"), (convolution, FLOATS)),
    **{make.__name__: (make, FLOATS) for make in (max_pool2d, attention)},
}


def drawn(chance: random.Random) -> Case:
    """A case, by chance."""
    operation = chance.choice(sorted(OPERATIONS))
    draw, dtypes = OPERATIONS[operation]
    case = Case(chance, {"operation": operation})
    case.choose("dtype", *dtypes)
    case.choose("threads", 1, 2)
    draw(case)
    return case


def fastest(case: Case) -> float:
    """Microseconds of the fastest repeat: what the call costs where nothing gets in its way."""
    torch.set_num_threads(case.cells["threads"])
    case.call()  # warms up the caches
    times: list[float] = []
    while len(times) < FEWEST or (len(times) < MOST and sum(times) < BUDGET):
        for changed, original in case.pairs:
            changed.copy_(original)
        start = time.perf_counter()
        case.call()
        times.append(time.perf_counter() - start)
    return min(times) * 1e6


def written(cell: Any) -> str:
    """The cell as text: ``true``, ``3``, or nothing where it does not apply."""
    return "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell)


def main(
    output: Annotated[Path, typer.Option("--output", "-o", help="CSV file to write.")],
    rows: Annotated[int, typer.Option(help="How many cases.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Decides which cases.")] = 0,
) -> None:
    """Measure how long operations of torch take on this machine."""
    chance = random.Random(seed)
    torch.manual_seed(seed)
    table: list[dict[str, str]] = []
    with torch.inference_mode():
        for _ in track(range(rows), "Measuring"):
            case = drawn(chance)
            started = datetime.now(UTC).isoformat(timespec="milliseconds")
            case.cells["started"] = started.replace("+00:00", "Z")
            case.cells["runtime_us"] = f"{fastest(case):.3f}"
            table.append({column: written(case.cells.get(column)) for column in COLUMNS})
    with output.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    typer.run(main)
