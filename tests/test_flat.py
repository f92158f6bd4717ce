"""Parameters in one piece of memory are the parameters they were."""

import torch
from torch import nn

from onward.training.flat_parameters import ALIGNED, Flat


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 16), nn.Linear(16, 1))


def test_the_whole_moves_the_parts() -> None:
    changed, untouched = network(), network()
    flat = Flat(list(changed.parameters()))

    with torch.no_grad():
        flat.whole.add_(1)

    for part, before in zip(changed.parameters(), untouched.parameters(), strict=True):
        torch.testing.assert_close(part, before + 1)


def test_a_gradient_lands_where_its_part_is() -> None:
    changed, untouched = network(), network()
    flat = Flat(list(changed.parameters()))
    for each in (changed, untouched):
        each(torch.ones(2, 3)).square().sum().backward()

    flat.collect()
    with torch.no_grad():
        flat.whole.sub_(flat.gradient)

    for part, before in zip(changed.parameters(), untouched.parameters(), strict=True):
        assert before.grad is not None
        assert part.grad is None
        torch.testing.assert_close(part, before - before.grad)


def test_odd_sizes_move_no_other_part_to_an_odd_place() -> None:
    parts = [nn.Parameter(torch.zeros(size)) for size in (3, 32, 7, 64, 16)]
    flat = Flat(parts)
    start = flat.whole.data_ptr()
    for part in parts:
        if part.numel() % ALIGNED == 0:
            assert (part.data_ptr() - start) % (ALIGNED * part.element_size()) == 0
