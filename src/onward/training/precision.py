"""The precision of matrix products in training: float32, or bfloat16 if that is faster.

bfloat16 keeps three digits, of what a layer reads and gives: weights, optimizer, loss and
validation are float32. The effect on the loss was within the variation between seeds. Held-out
squared error of a perceptron on its standardized scale, means of three seeds (of two for the
second), float32 against bfloat16: a synthetic target without noise 0.00240 and 0.00240, a linear
one 0.00027 and 0.00027, one with noise 0.00678 and 0.00675; california_housing 0.1775 and 0.1759;
diamonds 0.0260 and 0.0267, where the seeds differ by 0.004.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

Name = Literal["bf16", "fp32"]

WORTHWHILE = 2**23
"""Multiplications of a forward pass from which on bfloat16 is faster: converting the weights takes
some 200 µs of a step whatever its size. Measured on AMD Zen 4 with widths from 1 to 512 and batches
of 256 and 1,024 rows: 0.86 times as fast at 5 million, 1.23 times at 19, 2.3 times at 290."""
CUDA_WORTHWHILE = 2**31
"""The same on a GPU. Estimated, not measured: converting takes some 10 kernels of 2 µs, and
products are twice as fast as in TensorFloat-32 (about 2e14 multiplications a second on an H100)."""
AMPERE = (8, 0)  # the first CUDA architecture that multiplies bfloat16
EXACT = 1e-5  # root mean square error of `_rounding` in float32 is 3e-7; in bfloat16 it is 3e-3


@dataclass(frozen=True)
class Precision:
    """The precision of a step, and the reason."""

    name: Name
    why: str

    def step(self, device: torch.device) -> torch.autocast:
        """A context for the forward pass. Weights, optimizer and validation stay float32."""
        # no cache: it would keep the weights of a step for the next one
        return torch.autocast(
            device.type, torch.bfloat16, enabled=self.name == "bf16", cache_enabled=False
        )


def choose(wanted: Literal["auto"] | Name, device: torch.device, multiplications: int) -> Precision:
    """Choose the fastest precision that does not harm results.

    The rule depends on the hardware and the size of a step, not on timings: two runs on one machine
    choose the same.

    Args:
        wanted: a precision, or ``auto``.
        device: of the training.
        multiplications: of a forward pass.
    """
    if wanted != "auto":
        return Precision(wanted, "set in the config")
    if not multiplies_bfloat16(device):
        return Precision("fp32", f"this {device.type} does not multiply bfloat16")
    if multiplications < (CUDA_WORTHWHILE if device.type == "cuda" else WORTHWHILE):
        return Precision("fp32", "the steps are too small to gain from bfloat16")
    return Precision("bf16", f"this {device.type} multiplies bfloat16 faster")


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; others emulate it slowly."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= AMPERE
    capabilities = torch.cpu.get_capabilities()
    has_instructions = (
        capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16")
    )
    return device.type == "cpu" and bool(has_instructions)


@contextmanager
def fastest_float32(device: torch.device) -> Iterator[None]:
    """Use the fastest kernels that multiply float32; on a CPU without rounding it first.

    On a GPU without them, products are several times slower than the chip allows: there ``high``
    rounds to TensorFloat-32, which keeps one digit more than bfloat16, and adds up in float32.

    PyTorch's setting ``medium`` allows bfloat16, and takes another library. On a CPU with AVX-512
    but without AMX that library keeps float32, and is up to twice as fast as the usual one on
    AMD; with AMX it rounds, which is tested here.
    """
    before = torch.get_float32_matmul_precision()
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")
    elif device.type == "cpu":
        torch.set_float32_matmul_precision("medium")
        if _rounding() > EXACT:
            torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _rounding() -> float:
    """The relative error of a matrix product."""
    draw = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 256, 256, generator=draw)
    exact = a.double() @ b.double()
    return float((a @ b - exact).square().mean().sqrt() / exact.square().mean().sqrt())
