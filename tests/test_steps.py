"""A chunk of steps is what the same steps are in a plain loop of PyTorch."""

import copy
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from two_blocks import rows as rows_of
from two_blocks import shape

from onward.network.network import Network
from onward.training.batches import Rows
from onward.training.distributed import Share
from onward.training.flat_parameters import Flat
from onward.training.loading import Chunk
from onward.training.optimizer_steps import Descent, Steps
from onward.training.precision import Name, Precision
from onward.training.step_graph import WARM_UP

BATCH, CLIP = 8, 0.1
RATES = [0.01, 0.02, 0.005, 0.01, 0.02, 0.03, 0.01]


def table(rows: int = 64) -> Rows:
    draw = torch.Generator().manual_seed(0)
    numerical = torch.randn(rows, 3, generator=draw)
    categorical = torch.randint(0, 4, (rows, 1), generator=draw)
    return rows_of(numerical, categorical, (numerical[:, 0] * 3 + categorical[:, 0]).double())


def network(dropout: float = 0.0) -> Network:
    torch.manual_seed(0)
    config = Network.Config.model_validate(
        {
            "embedder": {"type": "identity"},
            "model": {"type": "mlp", "width": 16, "dropout": dropout},
            "head": {"type": "regression"},
        }
    )
    return Network.fit(config, shape(3, (4,), 0), table().features)


def steps(learning: Network, rows: Rows, precision: Name = "fp32") -> tuple[Steps, Tensor]:
    flat, total = Flat(list(learning.parameters())), torch.zeros((), device=rows.targets.device)
    optimizer = torch.optim.AdamW([flat.whole], fused=True, capturable=total.is_cuda)

    def loss(batch: Rows) -> Tensor:
        with Precision(precision, "").step(total.device):
            return learning.loss(batch.features, batch.targets)

    descend = Descent(optimizer, [flat], CLIP, Share(BATCH))
    return Steps(loss, descend, rows, batch_size=BATCH, longest=len(RATES), total=total), total


def order(count: int) -> Chunk:
    return Chunk(
        torch.randperm(64, generator=torch.Generator().manual_seed(1))[: count * BATCH], None
    )


def plain_loop(learning: nn.Module, rows: Rows, numbers: Tensor) -> list[float]:
    optimizer = torch.optim.AdamW(learning.parameters())
    losses = []
    for rate, index in zip(RATES, torch.split(numbers, BATCH), strict=True):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        batch = rows.take(index)
        loss = learning.loss(batch.features, batch.targets)  # type: ignore[operator]
        loss.backward()
        nn.utils.clip_grad_norm_(learning.parameters(), CLIP)
        optimizer.step()
        losses.append(loss.item())
    return losses


def weights(learning: Network) -> Tensor:
    return torch.cat([weight.detach().flatten().cpu() for weight in learning.parameters()])


def test_steps_are_those_of_a_plain_loop() -> None:
    ours, theirs, rows, chunk = network(), network(), table(), order(len(RATES))
    run, total = steps(ours, rows)

    losses = run(chunk, RATES, [0] * len(RATES))

    expected = plain_loop(theirs, rows, chunk.numbers)
    torch.testing.assert_close(losses.tolist(), expected)
    torch.testing.assert_close(weights(ours), weights(theirs))
    torch.testing.assert_close(total.item(), sum(expected))


@pytest.mark.parametrize(("length", "expected"), [(1e-3, 1e-3), (0.05, 0.05), (3.0, CLIP)])
def test_only_gradients_longer_than_the_clip_are_shortened(length: float, expected: float) -> None:
    weight = nn.Parameter(torch.zeros(25))
    flat = Flat([weight])
    descend = Descent(torch.optim.AdamW([flat.whole], fused=True), [flat], CLIP, Share(1))
    loss = (weight * length / 5).sum()
    torch.autograd.backward(loss)

    descend(loss.detach())

    assert flat.gradient.norm().item() == pytest.approx(expected, rel=1e-4)


def chunked(lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Weights, and the sum of the losses, after the same steps in chunks of these lengths."""
    learning, start = network(dropout=0.3), 0
    run, total = steps(learning, table())
    for length in lengths:
        numbers = order(len(RATES)).numbers[start * BATCH : (start + length) * BATCH]
        places = range(start, start + length)
        run(Chunk(numbers, None), [RATES[place] for place in places], list(places))
        start += length
    return weights(learning), total


@pytest.mark.parametrize("lengths", [(3, 4), (1,) * 7, (6, 1)])
def test_where_chunks_end_changes_no_bit(lengths: Sequence[int]) -> None:
    (expected, expected_total), (got, total) = chunked([7]), chunked(lengths)
    assert torch.equal(got, expected)
    assert torch.equal(total, expected_total)


def test_what_a_step_drops_depends_on_its_draw_alone() -> None:
    found = []
    for draw in (5, 5, 6):
        torch.rand(3)  # whatever was drawn before
        learning = network(dropout=0.5)
        steps(learning, table())[0](order(1), RATES[:1], [draw])
        found.append(weights(learning))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])


def test_bfloat16_multiplies_otherwise_and_learns_much_the_same() -> None:
    found = {}
    precisions: list[Name] = ["fp32", "bf16"]
    for name in precisions:
        learning = network()
        steps(learning, table(), name)[0](order(len(RATES)), RATES, [0] * len(RATES))
        found[name] = weights(learning)
    assert found["bf16"].dtype == torch.float32
    assert not torch.equal(found["bf16"], found["fp32"])
    torch.testing.assert_close(found["bf16"], found["fp32"], atol=0.05, rtol=0)


@pytest.mark.gpu
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_a_graph_of_a_step_is_the_step(dropout: float) -> None:
    """The first steps are launched one kernel at a time, the others as a graph."""
    assert len(RATES) > WARM_UP + 1
    device, draws = torch.device("cuda", 0), list(range(len(RATES)))
    replayed = network(dropout).to(device)
    launched = copy.deepcopy(replayed)
    rows = table().to(device)

    steps(replayed, rows)[0](order(len(RATES)), RATES, draws)
    run, _ = steps(launched, rows)
    for place, (rate, draw) in enumerate(zip(RATES, draws, strict=True)):
        numbers = order(len(RATES)).numbers[place * BATCH :][:BATCH]
        run._launch._warm = 0  # never enough for a graph
        run(Chunk(numbers, None), [rate], [draw])

    assert torch.equal(weights(replayed), weights(launched))
