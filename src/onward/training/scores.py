"""Scores of many rows, in pieces that fit into memory."""

from collections.abc import Callable

import torch
from torch import Tensor

from onward.network.scoring import Scoring
from onward.training.batches import Rows

VALIDATION_ROWS = 8192  # rows in one pass without gradients, of all members; more gains nothing
CUDA_VALIDATION_ROWS = 2**18  # there each of some 40 launches takes 5 µs, whatever its size
CUDA_ROW_BYTES = 2**19  # of memory for a row in such a pass: twice what FT-Transformer takes


def compute_scores(
    network: Scoring, rows: Rows, device: torch.device, ask: Callable[..., Tensor] | None = None
) -> Tensor:
    """The scores of rows, computed in several passes if needed.

    Args:
        network: on the device.
        rows: anywhere.
        device: which computes.
        ask: a method of the network that takes its features; `Scoring.scores` if not given.
    """
    ask = network.scores if ask is None else ask
    size = max(1, _rows_of_pass(device) // network.ensemble_size)
    pieces = (rows.between(at, at + size).to(device) for at in range(0, len(rows), size))
    return torch.cat([ask(piece.features) for piece in pieces])


def _rows_of_pass(device: torch.device) -> int:
    """A function of the device alone: a run that resumes sums up in the same pieces."""
    if device.type != "cuda":
        return VALIDATION_ROWS
    memory: int = torch.cuda.get_device_properties(device).total_memory
    return max(VALIDATION_ROWS, min(CUDA_VALIDATION_ROWS, memory // CUDA_ROW_BYTES))
