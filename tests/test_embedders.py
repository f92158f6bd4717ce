"""The contract that every embedder keeps; a new one is tested as soon as its file exists."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import rtdl_num_embeddings as authors
import torch
from small_members import of_numbers as numerical_embedders
from small_members import small

from onward.blocks import Block, categorical, numerical
from onward.network.embedders import Embedder
from onward.network.embedders._bins import bin_edges

every_embedder = pytest.mark.parametrize("name", sorted(Embedder.members))
of_numbers = pytest.mark.parametrize("name", numerical_embedders())


def features(rows: int = 500) -> torch.Tensor:
    """A normal number, a skewed one, a flag and a constant."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 4, generator=generator)
    return torch.stack([x[:, 0], x[:, 1].exp(), (x[:, 2] > 1).float(), torch.ones(rows)], 1)


def fitted(name: str) -> Embedder:
    member = Embedder.members[name]
    embedder: Embedder = member.fit(member.Config(), described(4), features())
    return embedder


def described(numbers: int) -> Block:
    names = [f"number {index}" for index in range(numbers)]
    return numerical(names, names)


@every_embedder
def test_type_is_the_name_of_the_file(name: str) -> None:
    assert Embedder.members[name].__module__ == f"onward.network.embedders.{name}"


@of_numbers
def test_has_the_width_it_says_and_no_row_sees_another(name: str) -> None:
    x, embedder = features(), fitted(name)
    y = embedder(x)
    assert y.shape == (len(x), sum(embedder.widths))
    torch.testing.assert_close(embedder(x[:3]), y[:3])


@of_numbers
def test_is_finite_far_outside_the_training_range(name: str) -> None:
    x = torch.tensor([[1e4], [-1e4], [0.0]]).expand(3, 4)
    assert fitted(name)(x).isfinite().all()


def test_piecewise_linear_agrees_with_the_paper() -> None:
    """Equation 1: 1 in the bins below, the share of the way in its own, 0 in those above."""
    member = Embedder.members["piecewise_linear"]
    x = torch.linspace(0, 1, 1001)[:, None]
    y = member.fit(member.Config(bins=4), described(1), x)(x).numpy()
    edges = [0, 0.25, 0.5, 0.75, 1]
    for place, (left, right) in enumerate(pairwise(edges)):
        want = np.clip((x[:, 0].numpy() - left) / (right - left), 0, 1)
        np.testing.assert_allclose(y[:, place], want, atol=1e-5)


def test_piecewise_linear_agrees_with_its_authors() -> None:
    x = torch.randn(500, 3)
    member = Embedder.members["piecewise_linear"]
    theirs = authors.PiecewiseLinearEncoding(authors.compute_bins(x, 6))
    torch.testing.assert_close(member.fit(member.Config(bins=6), described(3), x)(x), theirs(x))


def test_piecewise_linear_embedding_agrees_with_its_authors() -> None:
    x = torch.randn(500, 3)
    member = Embedder.members["piecewise_linear_embedding"]
    bins = authors.compute_bins(x, 6)
    theirs = authors.PiecewiseLinearEmbeddings(bins, 8, activation=False, version="B")
    ours = member.fit(member.Config(bins=6, width=8), described(3), x)
    with torch.no_grad():
        theirs.linear.weight.normal_()
        ours.weight.copy_(torch.cat([theirs.linear0.weight[:, None], theirs.linear.weight], 1))
        ours.bias.copy_(theirs.linear0.bias[:, None])
    torch.testing.assert_close(ours(x), theirs(x).flatten(1))


def test_piecewise_linear_embedding_starts_as_a_linear_map() -> None:
    member = Embedder.members["piecewise_linear_embedding"]
    embedder = member.fit(member.Config(), described(4), features())
    x = torch.tensor([[0.5], [1.0], [1.5]]).expand(3, 4)  # inside the training range
    low, middle, high = embedder(x)[:, 2:]  # after the flag and the constant
    torch.testing.assert_close(embedder(x)[:, :2], x[:, :2])
    torch.testing.assert_close(low + high, 2 * middle)
    assert not torch.allclose(low, high)


def test_periodic_agrees_with_its_authors() -> None:
    x = torch.randn(500, 3)
    member = Embedder.members["periodic"]
    theirs = authors.PeriodicEmbeddings(3, 8, n_frequencies=5, lite=False)
    ours = member.fit(member.Config(width=8, frequencies=5), described(3), x)
    with torch.no_grad():
        ours.frequencies.copy_(2 * torch.pi * theirs.periodic.weight[:, None])
        ours.weight.copy_(theirs.linear.weight)
        ours.bias.copy_(theirs.linear.bias[:, None])
    torch.testing.assert_close(ours(x), theirs(x).flatten(1))


def test_a_flag_gets_one_bin_and_a_constant_stays_at_zero() -> None:
    member = Embedder.members["piecewise_linear"]
    x = features()[:, 2:]
    y = member.fit(member.Config(), described(2), x)(x)
    torch.testing.assert_close(y[:, 0], x[:, 0])
    assert (y[:, 1] == 0).all()
    assert y.shape[1] == 2


def test_a_value_that_just_fills_a_bin_is_an_ordinary_one() -> None:
    values = torch.cat([torch.zeros(4), torch.arange(1, 13)]).float()[:, None]
    [edges] = bin_edges(values, 4)
    np.testing.assert_allclose(edges, np.quantile(values, [0, 0.25, 0.5, 0.75, 1]))


def test_an_amount_that_is_mostly_zero_keeps_its_bins() -> None:
    member = Embedder.members["piecewise_linear"]
    amounts = torch.cat([torch.zeros(900), torch.linspace(1, 2, 100)])[:, None]
    assert member.fit(member.Config(bins=16), described(1), amounts).widths == (16,)


def test_each_category_has_a_vector_of_its_own() -> None:
    member = Embedder.members["category_embedding"]
    x = torch.tensor([[2, 3], [0, 1], [2, 1]])
    embedder = member.fit(member.Config(), categorical(["city", "colour"], [3, 4]), x)
    y = embedder(x)
    assert embedder.widths == (3, 3)
    assert torch.equal(y[0, :3], y[2, :3])
    assert y[0].all()
    assert not y[1].any()  # unknown and missing values start in the middle
    assert torch.equal(torch.cat(embedder.parts(x), 1), y)


@of_numbers
def test_a_number_that_was_trained_is_embedded_as_before_beside_new_ones(name: str) -> None:
    """The flag and the skewed number come from a trained embedder, in another order."""
    trained = Embedder.members[name].fit(config(name), described(4), features())
    randomize(trained)
    later = features(300).flip(0) * 2 + torch.randn(300, 4)
    sources = [2, None, 1, None]
    untrained = Embedder.members[name].fit(config(name), described(4), later)

    adopted = untrained.adopt(trained, sources)

    x, old = torch.randn(50, 4), torch.zeros(50, 4)
    old[:, [2, 1]] = x[:, [0, 2]]
    got = adopted.embedder(x).split(adopted.embedder.widths, 1)
    want = trained(old).split(trained.widths, 1)
    known = [(part, want[s]) for part, s in zip(got, adopted.sources, strict=True) if s is not None]
    assert len(known) == 2
    for part, of_trained in known:
        torch.testing.assert_close(part, of_trained)


def test_new_categories_begin_as_the_mean_of_the_known_ones() -> None:
    member = Embedder.members["category_embedding"]
    codes = torch.zeros(3, 2, dtype=torch.int64)
    trained = member.fit(member.Config(), categorical(["a", "b"], [4, 9]), codes)
    randomize(trained)
    block = categorical(["new", "b", "a"], [5, 9, 300])
    untrained = member.fit(member.Config(), block, torch.zeros(3, 3, dtype=torch.int64))

    adopted = untrained.adopt(trained, [None, 1, 0])

    assert adopted.sources == (None, 1, 0)
    a, b = (trained.get_parameter(f"{place}.weight") for place in (0, 1))
    torch.testing.assert_close(adopted.embedder.get_parameter("1.weight"), b)
    wider = adopted.embedder.get_parameter("2.weight")
    torch.testing.assert_close(wider[:4], a)
    torch.testing.assert_close(wider[4:], a[2:].mean(0).expand(296, -1))


def test_new_categories_of_a_column_without_known_ones_differ() -> None:
    member = Embedder.members["category_embedding"]
    codes = torch.zeros(3, 1, dtype=torch.int64)
    trained = member.fit(member.Config(), categorical(["a"], [2]), codes)
    randomize(trained)
    untrained = member.fit(member.Config(), categorical(["a"], [5]), codes)

    weight = untrained.adopt(trained, [0]).embedder.get_parameter("0.weight")

    torch.testing.assert_close(weight[:2], trained.get_parameter("0.weight"))
    assert len(weight[2:].unique(dim=0)) == 3
    assert weight.isfinite().all()


def config(name: str) -> Any:
    return Embedder.members[name].Config.model_validate(small(Embedder, name))


def randomize(module: torch.nn.Module) -> None:
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_()
