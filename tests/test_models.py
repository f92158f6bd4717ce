"""The contract that every network body keeps; a new body is tested as soon as it exists."""

import pytest
import rtdl_revisiting_models as rtdl
import tabm
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_members import small

from onward.network.models import Model
from onward.network.models._dropout import Dropout

sizes = st.integers(1, 5)
SIZES = {"k": 3, "d_block": 8, "n_blocks": 2, "dropout": 0.0}  # of the authors' TabM
every_model = pytest.mark.parametrize("name", sorted(Model.members))


def build(name: str, widths: tuple[int, ...], d_out: int) -> Model:
    member = Model.members[name]
    model: Model = member(member.Config.model_validate(small(Model, name)), widths, d_out)
    return model


@every_model
def test_type_is_the_name_of_the_file(name: str) -> None:
    assert Model.members[name].__module__ == f"onward.network.models.{name}"


@every_model
@given(widths=st.lists(sizes, min_size=1, max_size=4), d_out=sizes, rows=sizes)
def test_maps_any_sizes(name: str, widths: list[int], d_out: int, rows: int) -> None:
    model = build(name, tuple(widths), d_out)
    y = model(torch.randn(rows, sum(widths)))
    assert y.shape == (rows, model.ensemble_size, d_out)


@every_model
def test_rows_do_not_see_each_other(name: str) -> None:
    model = build(name, (1, 2), 2).eval()
    x = torch.randn(4, 3)
    torch.testing.assert_close(model(x)[:1], model(x[:1]))


@every_model
def test_every_weight_gets_a_gradient(name: str) -> None:
    torch.manual_seed(0)
    model = build(name, (1, 2), 2)
    model(torch.randn(64, 3)).square().sum().backward()
    silent = [
        key
        for key, weight in model.named_parameters()
        if weight.grad is None or not weight.grad.any()
    ]
    assert not silent


@every_model
def test_every_input_counts(name: str) -> None:
    torch.manual_seed(0)
    model = build(name, (1, 3, 2), 2).eval()
    x = torch.randn(64, 6, requires_grad=True)
    model(x).square().sum().backward()
    assert x.grad is not None
    assert (x.grad.abs().sum(0) > 0).all()


@every_model
def test_starts_from_a_trained_model_whose_inputs_come_in_another_order(name: str) -> None:
    trained, model = build(name, (1, 3, 2), 2).eval(), build(name, (2, 1, 3), 2).eval()
    sources = [4, 5, 0, 1, 2, 3]

    model.start_from(trained, sources)

    x = torch.randn(7, 6)
    torch.testing.assert_close(model(x[:, sources]), trained(x))


@pytest.mark.parametrize("name", sorted(set(Model.members) - {"ft_transformer"}))
def test_new_inputs_have_no_effect_at_first_and_then_learn(name: str) -> None:
    trained, model = build(name, (1, 3), 2).eval(), build(name, (3, 2, 1), 2)
    model.start_from(trained, [1, 2, 3, None, None, 0])
    x = torch.randn(64, 6)
    torch.testing.assert_close(model.eval()(x), trained(x[:, [5, 0, 1, 2]]))

    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model(x).square().sum().backward()
    optimizer.step()

    changed = x.clone()
    changed[:, 3:5] += 1
    assert not torch.allclose(model(x), model(changed))


def test_a_model_starts_from_another_one_without_its_inputs() -> None:
    trained, model = build("mlp", (1, 3), 2).eval(), build("mlp", (2,), 2).eval()
    model.start_from(trained, [None, None])
    x = torch.randn(2, 2)
    torch.testing.assert_close(model(x)[0], model(x)[1])


def test_tokens_of_new_features_are_zero() -> None:
    trained, model = build("ft_transformer", (2,), 2), build("ft_transformer", (3, 2), 2)
    model.start_from(trained, [None, None, None, 0, 1])
    tokens = model.get_submodule("tokens")(torch.randn(5, 5))
    assert (tokens[:, 1] == 0).all()
    assert (tokens[:, [0, 2]] != 0).all()


@pytest.mark.parametrize("rows", [1, 40])
def test_tabm_agrees_with_its_authors(rows: int) -> None:
    theirs = tabm.TabM(n_num_features=5, d_out=2, start_scaling_init="normal", **SIZES)
    member = Model.members["tabm"]
    ours = member(member.Config(k=3, width=8, depth=2, dropout=0.0), (1,) * 5, 2)
    randomize(theirs)
    with torch.no_grad():
        for layer, block in zip(ours.layers, theirs.backbone.blocks, strict=True):
            layer.weight.copy_(block[0].weight.T)
            layer.before.copy_(block[0].r)
            layer.after.copy_(block[0].s)
            layer.bias.copy_(block[0].bias)
    ours.out.load_state_dict(theirs.output.state_dict())
    x = torch.randn(rows, 5)
    torch.testing.assert_close(ours(x), theirs(x))


def test_tabm_mini_agrees_with_its_authors() -> None:
    settings = {**SIZES, "arch_type": "tabm-mini", "start_scaling_init": "normal"}
    theirs = tabm.TabM(n_num_features=5, d_out=2, **settings)
    member = Model.members["tabm_mini"]
    ours = member(member.Config(k=3, width=8, depth=2, dropout=0.0), (1,) * 5, 2)
    randomize(theirs)
    with torch.no_grad():
        ours.scales.copy_(theirs.backbone.affine.weight)
    for layer, block in zip(ours.layers, theirs.backbone.blocks, strict=True):
        layer.load_state_dict(block[0].state_dict())
    ours.out.load_state_dict(theirs.output.state_dict())
    x = torch.randn(7, 5)
    torch.testing.assert_close(ours(x), theirs(x))


def test_resnet_agrees_with_its_authors_but_for_the_norm() -> None:
    sizes = {"d_in": 5, "d_out": 2, "n_blocks": 2, "d_block": 8, "d_hidden_multiplier": 2.0}
    theirs = rtdl.ResNet(**sizes, dropout1=0.0, dropout2=0.0)
    for part in (*theirs.blocks, theirs.output):
        part.normalization = torch.nn.LayerNorm(8)
    member = Model.members["resnet"]
    ours = member(member.Config(width=8, depth=2, dropout=0.0), (1,) * 5, 2)
    same_weights(ours, theirs)
    x = torch.randn(7, 5)
    torch.testing.assert_close(ours(x)[:, 0], theirs(x))


def test_ft_transformer_agrees_with_its_authors() -> None:
    theirs = rtdl.FTTransformer(
        n_cont_features=5,
        cat_cardinalities=[],
        d_out=2,
        n_blocks=2,
        d_block=12,
        attention_n_heads=3,
        attention_dropout=0.0,
        ffn_d_hidden_multiplier=4 / 3,
        ffn_dropout=0.0,
        residual_dropout=0.0,
    )
    member = Model.members["ft_transformer"]
    sizes = {"heads": 3, "head_width": 4, "depth": 2}
    ours = member(member.Config(**sizes, dropout=0.0, attention_dropout=0.0), (1,) * 5, 2)
    randomize(theirs)
    first, features = theirs.cls_embedding.weight, theirs.cont_embeddings
    with torch.no_grad():
        ours.tokens.weight[1:, 0] = features.weight
        ours.tokens.bias[:, 0] = torch.cat([first[None], features.bias])
        for block, other in zip(ours.blocks, theirs.backbone.blocks, strict=True):
            mix = other["attention"]
            same_weights(block.attention.query, mix.W_q)
            for name in ("weight", "bias"):
                both = torch.cat([getattr(mix.W_k, name), getattr(mix.W_v, name)])
                getattr(block.attention.key_value, name).copy_(both)
            same_weights(block.attention.out, mix.W_out)
            same_weights(block.gated[0], other["ffn_normalization"])
            same_weights(block.gated[1], other["ffn"].linear1)
            same_weights(block.linear, other["ffn"].linear2)
    same_weights(ours.blocks[1].norm, theirs.backbone.blocks[1]["attention_normalization"])
    same_weights(ours.out, theirs.backbone.output)
    x = torch.randn(7, 5)
    torch.testing.assert_close(ours(x)[:, 0], theirs(x, None))


@pytest.mark.parametrize("name", ["tabm", "tabm_mini"])
def test_members_start_with_one_scale_for_all_inputs_of_a_feature(name: str) -> None:
    member = Model.members[name]
    model = member(member.Config(k=50), (1, 3), 2)
    scales = model.layers[0].before if name == "tabm" else model.scales
    assert set(scales[:, 0].tolist()) == {-1.0, 1.0}
    assert (scales[:, 1:] == scales[:, 1:2]).all()
    assert scales[:, 1].unique().numel() == 50


def randomize(module: torch.nn.Module) -> None:
    """Weights that are all different, so that none is taken for another."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_()


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    x = torch.full((1001, 333), 2.0, requires_grad=True)
    y = Dropout(0.1)(x)
    y.sum().backward()
    torch.testing.assert_close(y.detach().unique(), torch.tensor([0.0, 2 / 0.9]))
    assert (y == 0).float().mean().item() == pytest.approx(0.1, abs=0.002)
    torch.testing.assert_close(x.grad, y.detach() / 2)


@pytest.mark.parametrize("p", [0.0, 1e-9, 0.5, 1 - 1e-9])
def test_dropout_drops_any_share(p: float) -> None:
    torch.manual_seed(0)
    y = Dropout(p)(torch.ones(1000, 1000))
    assert (y == 0).float().mean().item() == pytest.approx(p, abs=0.002)


def same_weights(to: torch.nn.Module, of: torch.nn.Module) -> None:
    """Copy weights that have the same order and sizes."""
    with torch.no_grad():
        for weight, other in zip(to.parameters(), of.parameters(), strict=True):
            weight.copy_(other)
