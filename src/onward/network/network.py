"""The network: features in, named predictions out."""

import io
import math
import pickle
from dataclasses import asdict, dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor, nn

from onward.errors import ArtifactError
from onward.network.embedders import Embedder
from onward.network.heads import Head
from onward.network.models import Model
from onward.settings.family import OneOf, Settings

NOT_OURS = (pickle.UnpicklingError, RuntimeError, ValueError, TypeError, LookupError, EOFError)
WIDEST = 64  # numbers; wider embeddings of a category only cost memory
LASTING = ("bias", "frequencies", "tokens.weight")  # weights that are no better for being small


@dataclass(frozen=True)
class Shape:
    """What the network reads and predicts."""

    features: int
    """Numbers in a row."""
    cardinalities: tuple[int, ...]
    """For each category the number of its codes."""
    classes: int
    """0 where the target is a number."""


class Network(nn.Module):
    """Embeddings of numbers and categories side by side, a body, and a head."""

    class Config(Settings):
        """Which embedder, which body and which head."""

        embedder: Annotated[Embedder.Config, OneOf(Embedder)]
        model: Annotated[Model.Config, OneOf(Model)]
        head: Annotated[Head.Config, OneOf(Head)]

    def __init__(self, config: Config, shape: Shape, embedder: Embedder) -> None:
        super().__init__()
        self.config, self.shape, self.embedder = config, shape, embedder
        widths = [embedding_width(cardinality) for cardinality in shape.cardinalities]
        self.embeddings = nn.ModuleList(
            nn.Embedding(cardinality, size)
            for cardinality, size in zip(shape.cardinalities, widths, strict=True)
        )
        for embedding in self.embeddings:
            with torch.no_grad():  # unknown and missing, if no training row is, stay in the middle
                embedding.get_parameter("weight")[:2] = 0
        self.head = Head.build(config.head, shape.classes)
        self.model = Model.build(config.model, (*embedder.widths, *widths), self.head.width)

    def by_decay(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """The weights that weight decay pulls towards 0, and those that it leaves alone.

        It leaves vectors alone, biases of whatever shape, frequencies, and what makes tokens.
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
        self, numerical: Float[Tensor, "rows features"], categorical: Int64[Tensor, "rows codes"]
    ) -> Float[Tensor, "rows members width"]:
        """What each member says; the block of a table without such columns has the width 0."""
        parts = [self.embedder(numerical)]
        codes = categorical.unbind(1)
        parts += [embed(code) for embed, code in zip(self.embeddings, codes, strict=True)]
        y: Tensor = self.model(torch.cat(parts, 1))
        return y

    def scores(
        self, numerical: Float[Tensor, "rows features"], categorical: Int64[Tensor, "rows codes"]
    ) -> Float[Tensor, "rows width"]:
        """What the head reads: that of all members together."""
        scores = self.member_scores(numerical, categorical)
        return self.head.together(scores) if self.model.ensemble_size > 1 else scores[:, 0]

    def loss(
        self,
        numerical: Float[Tensor, "rows features"],
        categorical: Int64[Tensor, "rows codes"],
        targets: Shaped[Tensor, " rows"],
        weights: Float[Tensor, " rows"] | None = None,
    ) -> Float[Tensor, ""]:
        """What training lowers: the mean of the losses that the members have alone."""
        scores = self.member_scores(numerical, categorical).float()  # of bfloat16, where it is used
        members = self.model.ensemble_size
        alone = targets.repeat_interleave(members)
        if weights is not None:
            weights = weights.repeat_interleave(members)
        return self.head.loss(self.head.emphasized(scores.flatten(0, 1)), alone, weights)

    def forward(
        self, numerical: Float[Tensor, "rows features"], categorical: Int64[Tensor, "rows codes"]
    ) -> dict[str, Tensor]:
        """Predictions, one tensor of shape ``(rows, ...)`` for each name."""
        predictions: dict[str, Tensor] = self.head(self.scores(numerical, categorical))
        return predictions

    def dump(self) -> bytes:
        """All that `load` needs."""
        file = io.BytesIO()
        settings, shape = self.config.model_dump(), asdict(self.shape)
        # copies: while it learns its weights share one memory, which would show in the bytes
        weights = {name: weight.clone() for name, weight in self.state_dict().items()}
        torch.save((settings, shape, self.embedder.widths, weights), file)
        return file.getvalue()

    @classmethod
    def load(cls, data: bytes) -> "Network":
        """Read what `dump` made.

        Raises:
            ArtifactError: if it is anything else; nothing in it is executed.
        """
        try:
            settings, shape, widths, weights = torch.load(io.BytesIO(data), weights_only=True)
            config = cls.Config.model_validate(settings)
            embedder = Embedder.build(config.embedder, widths)
            network = cls(config, Shape(**shape), embedder)
            network.load_state_dict(weights)
        except NOT_OURS as error:
            raise ArtifactError(
                f"network.pt: is not what `onward train` writes ({type(error).__name__}). Run"
                " `onward train` again"
            ) from error
        return network


def embedding_width(cardinality: int) -> int:
    """How many numbers stand for a category with ``cardinality`` codes.

    Source: the rule of the fastai library, ``1.6 * cardinality ** 0.56``, found by trying.

    Example:
        >>> embedding_width(4), embedding_width(100), embedding_width(1_000_000)
        (3, 21, 64)
    """
    return min(WIDEST, round(1.6 * math.pow(cardinality, 0.56)))
