"""FT-Transformer: attention between the features of a row."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from onward.network.models._base import Depth, Model, copy_weights
from onward.network.models._dropout import Dropout
from onward.settings.search_space import Interval, Ranges


class FtTransformer(Model):
    """A transformer whose tokens are the features, with one more token for the prediction.

    Source: Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data", section 3.3,
    and its search space.
    Differs: a token is a linear map of all inputs of its feature: one for a plain number, several
    for an embedded one. In the paper each category has its own token.
    """

    class Config(Model.Config):
        """A token is ``heads * head_width`` wide. ``dropout`` applies between linear layers."""

        type: Literal["ft_transformer"] = "ft_transformer"
        heads: PositiveInt = 8
        head_width: PositiveInt = 24
        depth: Depth = 3
        dropout: float = Field(0.1, ge=0.0, lt=1.0)
        attention_dropout: float = Field(0.2, ge=0.0, lt=1.0)

    search_space: ClassVar[Ranges] = {
        "head_width": (8, 16, 24, 32),
        "depth": Interval(low=1, high=4),
        "dropout": Interval(low=0.0, high=0.5),
        "attention_dropout": Interval(low=0.0, high=0.5),
    }
    learner_search_space: ClassVar[Ranges] = {
        "learning_rate": Interval(low=1e-5, high=1e-3, log=True),
        "weight_decay": Interval(low=1e-6, high=1e-3, log=True),
    }

    def __init__(self, config: Config, widths: tuple[int, ...], d_out: int) -> None:
        super().__init__()
        width = config.heads * config.head_width
        self.tokens = _Tokens(widths, width)
        self.blocks = nn.ModuleList(_Block(config, index) for index in range(config.depth))
        self.out = nn.Sequential(nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, d_out))

    def start_from(self, trained: "FtTransformer", sources: Sequence[int | None]) -> None:
        """Copy the weights; tokens of new features are 0, and attention still divides by them."""
        own = [name for name, _ in self.named_parameters() if name.startswith("tokens.")]
        copy_weights(self, trained, [*own, "tokens.index"])
        self.tokens.start_from(trained.tokens, sources)

    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows 1 d_out"]:
        """Map the rows."""
        x = self.tokens(x)  # (rows, tokens, width)
        for block in self.blocks:
            x = block(x)
        y: Tensor = self.out(x)
        return y


class _Tokens(nn.Module):
    """One token per feature, after a constant one."""

    def __init__(self, widths: tuple[int, ...], width: int) -> None:
        super().__init__()
        d_in, widest = sum(widths), max(widths)
        index = torch.full((1 + len(widths), widest), d_in)  # of a zero after the inputs
        weight = torch.zeros(1 + len(widths), widest, width)
        start = 0
        for token, size in enumerate(widths, start=1):
            index[token, :size] = torch.arange(start, start + size)
            weight[token, :size].uniform_(-1, 1).mul_((size * width) ** -0.5)
            start += size
        self.index = nn.Buffer(index.flatten())
        self.weight = nn.Parameter(weight)
        bias = torch.empty(1 + len(widths), 1, width).uniform_(-1, 1).mul_(width**-0.5)
        self.bias = nn.Parameter(bias)

    def start_from(self, trained: "_Tokens", sources: Sequence[int | None]) -> None:
        """Copy the weights of the features that both have."""
        old: dict[int | None, int] = {
            first: token for token, first in enumerate(trained.first_inputs(), start=1)
        }
        tokens = [0, *(old.get(sources[first], -1) for first in self.first_inputs())]
        size = min(self.weight.shape[1], trained.weight.shape[1])
        with torch.no_grad():
            self.weight.zero_()
            self.bias.zero_()
            for token, source in enumerate(tokens):
                if source >= 0:
                    self.weight[token, :size] = trained.weight[source, :size]
                    self.bias[token] = trained.bias[source]

    def first_inputs(self) -> list[int]:
        """The first input of each feature."""
        first: list[int] = self.index.view(self.weight.shape[:2])[1:, 0].tolist()
        return first

    def forward(self, x: Float[Tensor, "rows d_in"]) -> Float[Tensor, "rows tokens width"]:
        """Compute the tokens."""
        padded = nn.functional.pad(x, (0, 1))
        inputs = torch.unflatten(padded.index_select(1, self.index), 1, self.weight.shape[:2])
        y = torch.baddbmm(self.bias, inputs.transpose(0, 1), self.weight)  # (tokens, rows, width)
        return y.transpose(0, 1)


class _Block(nn.Module):
    """Attention and two linear layers with residual connections; the last block has one token."""

    def __init__(self, config: FtTransformer.Config, index: int) -> None:
        super().__init__()
        width = config.heads * config.head_width
        self.is_last = index == config.depth - 1
        # the paper found it crucial that the first block attends to the tokens as they are
        self.norm = nn.LayerNorm(width) if index else nn.Identity()
        self.attention = _Attention(config)
        self.gated = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * (width * 4 // 3)))
        self.linear = nn.Sequential(Dropout(config.dropout), nn.Linear(width * 4 // 3, width))

    def forward(self, x: Float[Tensor, "rows tokens width"]) -> Float[Tensor, "rows _ width"]:
        """Map the tokens."""
        seen = self.norm(x)
        kept = slice(1) if self.is_last else slice(None)  # only the first token is read
        x = x[:, kept] + self.attention(seen[:, kept], seen)
        signal, gate = self.gated(x).chunk(2, 2)
        y: Tensor = x + self.linear(signal * gate.relu())
        return y


class _Attention(nn.Module):
    """Multi-head attention."""

    def __init__(self, config: FtTransformer.Config) -> None:
        super().__init__()
        width = config.heads * config.head_width
        self.parts = (config.heads, config.head_width)
        self.dropout = Dropout(config.attention_dropout)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        for layer in (self.query, self.key_value, self.out):
            nn.init.zeros_(layer.bias)

    def forward(
        self, asking: Float[Tensor, "rows asking width"], x: Float[Tensor, "rows tokens width"]
    ) -> Float[Tensor, "rows asking width"]:
        """Mix the tokens."""
        query = self._split(self.query(asking))
        key, value = (self._split(part) for part in self.key_value(x).chunk(2, 2))
        weights = (query @ key.mT * query.shape[-1] ** -0.5).softmax(3)
        mixed = self.dropout(weights) @ value  # (rows, heads, asking, head_width)
        y: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return y

    def _split(self, x: Tensor) -> Tensor:
        parts = torch.unflatten(x, 2, self.parts)
        return parts.transpose(1, 2)  # (rows, heads, tokens, head_width)
