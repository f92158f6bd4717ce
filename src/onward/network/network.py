"""The network: features in, named predictions out."""

from collections.abc import Mapping
from typing import Annotated, Any

import torch
from jaxtyping import Float, Shaped
from pydantic import Field, model_validator
from torch import Tensor, nn

from onward.blocks import CATEGORICAL, NUMERICAL, Blocks, categorical, numerical
from onward.network.embedders import (
    Embedder,
    Reader,
    default_embedder,
    refuse_other_blocks,
)
from onward.network.embedders.category_embedding import embedding_width
from onward.network.heads import Head
from onward.network.models import Model
from onward.network.scoring import Scoring
from onward.network.scoring import Shape as Shape
from onward.settings.family import OneOf, Settings

LASTING = ("bias", "frequencies", ".tokens.weight")  # weights that are no better for being small
MODULES = {NUMERICAL: "embedder", CATEGORICAL: "embeddings"}
"""Of embedders whose weights have had these names before there were other blocks."""


class Body(Settings):
    """The settings of a network without its head: embedders and model."""

    embedder: Annotated[Embedder.Config, OneOf(Embedder)]
    embedders: dict[str, Annotated[Any, OneOf(Embedder)]] = Field(default_factory=dict)
    model: Annotated[Model.Config, OneOf(Model)]

    @model_validator(mode="after")
    def _embedders_read_their_blocks(self) -> "Body":
        refuse_other_blocks(self.embedder, self.embedders)
        return self

    def embedder_of(self, block: str) -> Any:
        """The settings of the embedder of a block: from the config, or the default."""
        if block == NUMERICAL:
            return self.embedder
        return self.embedders.get(block) or default_embedder(block)


class Network(Scoring):
    """Embedders, a model and a head."""

    class Config(Body):
        """Embedders, model and head.

        ``embedder`` is for the numerical block, ``embedders`` for other blocks, by name.
        """

        head: Annotated[Head.Config, OneOf(Head)]

    def __init__(self, config: Config, shape: Shape, embedders: Mapping[str, Embedder]) -> None:
        super().__init__()
        self.config, self.shape = config, shape
        for block in shape.blocks:
            self.add_module(_module(block), embedders[block])
        self.head = Head.build(config.head, shape.classes)
        widths = tuple(width for block in shape.blocks for width in embedders[block].widths)
        self.model = Model.build(config.model, widths, self.head.width)

    @classmethod
    def fit(cls, config: Config, shape: Shape, features: Mapping[str, Tensor]) -> "Network":
        """An untrained network with embedders fitted on the training rows."""
        embedders = {}
        for name, block in shape.blocks.items():
            choice = config.embedder_of(name)
            embedders[name] = Embedder.member(choice).fit(choice, block, features[name])
        return cls(config, shape, embedders)

    def embedder_of(self, block: str) -> Embedder:
        """The embedder that reads a block."""
        embedder: Embedder = getattr(self, _module(block))
        return embedder

    @property
    def ensemble_size(self) -> int:
        """The members of its model."""
        return self.model.ensemble_size

    def by_decay(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """The parameters with weight decay, and those without.

        Without: vectors, biases of any shape, frequencies, and weights of tokens.
        """
        decaying: list[nn.Parameter] = []
        lasting: list[nn.Parameter] = []
        for name, weight in self.named_parameters():
            if not weight.requires_grad:
                continue
            is_lasting = weight.ndim <= 1 or name.endswith(LASTING)
            (lasting if is_lasting else decaying).append(weight)
        return decaying, lasting

    def member_scores(
        self, features: Mapping[str, Shaped[Tensor, "rows ..."]]
    ) -> Float[Tensor, "rows members width"]:
        """The scores of each member, from the features of each block."""
        parts: list[Tensor] = []
        for block in self.shape.blocks:
            reader: Reader = getattr(self, _module(block))
            parts += reader.parts(features[block])
        y: Tensor = self.model(torch.cat(parts, 1))
        return y

    def loss(
        self,
        features: Mapping[str, Shaped[Tensor, "rows ..."]],
        targets: Shaped[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> Float[Tensor, ""]:
        """The training loss: the mean of the members' losses."""
        scores = self.member_scores(features).float()  # of bfloat16, where it is used
        members = self.model.ensemble_size
        alone = targets.repeat_interleave(members)
        if weights is not None:
            weights = weights.repeat_interleave(members)
        return self.head.loss(self.head.add_emphasis(scores.flatten(0, 1)), alone, weights)

    def content(self) -> dict[str, Any]:
        """The network as a dict for `restore`."""
        blocks = self.shape.blocks
        others = {block: self.config.embedder_of(block) for block in blocks if block != NUMERICAL}
        return {
            "settings": self.config.model_copy(update={"embedders": others}).model_dump(),
            "blocks": blocks.dump(),
            "classes": self.shape.classes,
            "widths": {block: self.embedder_of(block).widths for block in blocks},
            # copies: while it learns its weights share one memory, which would show in the bytes
            "weights": {name: weight.clone() for name, weight in self.state_dict().items()},
        }

    @classmethod
    def restore(cls, content: Any) -> "Network":
        """The network of a `content`, or of version 0.1.0, which had no named blocks."""
        if isinstance(content, tuple):
            content = _of_two_blocks(*content)
        config = cls.Config.model_validate(content["settings"])
        shape = Shape(Blocks.load(content["blocks"]), content["classes"])
        embedders = {
            name: Embedder.build(config.embedder_of(name), block, tuple(content["widths"][name]))
            for name, block in shape.blocks.items()
        }
        network = cls(config, shape, embedders)
        network.load_state_dict(content["weights"])
        return network


def _module(block: str) -> str:
    return MODULES.get(block, f"embedder_of_{block}")


def _of_two_blocks(
    settings: Any, shape: Mapping[str, Any], widths: tuple[int, ...], weights: Mapping[str, Tensor]
) -> dict[str, Any]:
    """The content of a file of version 0.1.0, which had two unnamed blocks."""
    numbers = [f"number {index}" for index in range(shape["features"])]
    sizes = shape["cardinalities"]
    codes = [f"category {index}" for index in range(len(sizes))]
    if not numbers:  # of an embedder without features
        weights = {n: weight for n, weight in weights.items() if not n.startswith("embedder.")}
    return {
        "settings": settings,
        "blocks": Blocks([numerical(numbers, numbers), categorical(codes, sizes)]).dump(),
        "classes": shape["classes"],
        "widths": {NUMERICAL: widths, CATEGORICAL: tuple(map(embedding_width, sizes))},
        "weights": weights,
    }
