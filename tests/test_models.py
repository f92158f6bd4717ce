"""The contract that every network body keeps; a new body is tested as soon as it exists."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from onward.models import Model

sizes = st.integers(1, 5)
every_model = pytest.mark.parametrize("name", sorted(Model.members))


@every_model
def test_type_is_the_name_of_the_file(name: str) -> None:
    assert Model.members[name].__module__ == f"onward.models.{name}"


@every_model
@given(widths=st.lists(sizes, min_size=1, max_size=4), d_out=sizes, rows=sizes)
def test_maps_any_sizes(name: str, widths: list[int], d_out: int, rows: int) -> None:
    member = Model.members[name]
    model = member(member.Config(), tuple(widths), d_out)
    y = model(torch.randn(rows, sum(widths)))
    assert y.shape == (rows, model.ensemble_size, d_out)


@every_model
def test_rows_do_not_see_each_other(name: str) -> None:
    member = Model.members[name]
    model = member(member.Config(), (1, 2), 2).eval()
    x = torch.randn(4, 3)
    torch.testing.assert_close(model(x)[:1], model(x[:1]))


@every_model
def test_every_weight_gets_a_gradient(name: str) -> None:
    torch.manual_seed(0)
    member = Model.members[name]
    model = member(member.Config(), (1, 2), 2)
    model(torch.randn(64, 3)).square().sum().backward()
    silent = [key for key, weight in model.named_parameters() if not weight.grad.any()]
    assert not silent
