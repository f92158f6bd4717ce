"""Networks of several folds as one."""

import io
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from onward.errors import ArtifactError, ConfigError
from onward.network.network import Network
from onward.network.scoring import Scoring

NOT_OURS = (
    *(pickle.UnpicklingError, RuntimeError, ValueError, TypeError, LookupError, EOFError),
    ConfigError,
)


class Bag(Scoring):
    """Networks of the same settings, each trained without another fold of the rows.

    Their members are members of one ensemble, whose predictions are averaged.

    Source: Breiman 1996, "Bagging Predictors"; folds in place of bootstrap samples as in Parmanto
    et al. 1996, "Improving Committee Diagnosis with Resampling Techniques" (cross-validation
    committees).

    Args:
        networks: whose heads scale targets alike; the head of the first predicts.
        out_of_fold: see `Scoring`.
    """

    def __init__(self, networks: Sequence[Scoring], out_of_fold: Tensor) -> None:
        super().__init__()
        self.out_of_fold = out_of_fold
        self.networks = nn.ModuleList(networks)
        self.shape, self.head = networks[0].shape, networks[0].head

    @property
    def ensemble_size(self) -> int:
        """The members of all networks."""
        return sum(network.ensemble_size for network in self.members)

    @property
    def members(self) -> Iterable[Any]:
        """The networks."""
        return self.networks

    def member_scores(
        self, features: Mapping[str, Shaped[Tensor, "rows ..."]]
    ) -> Float[Tensor, "rows members width"]:
        """The scores of the members of all networks."""
        return torch.cat([network.member_scores(features) for network in self.members], 1)

    def content(self) -> dict[str, Any]:
        """The contents of the networks."""
        contents = [network.content() for network in self.members]
        return {"networks": contents, "out_of_fold": self.out_of_fold}


def load_network(data: bytes) -> Scoring:
    """Restore what `Scoring.dump` wrote, or version 0.1.0, which had no named blocks.

    Raises:
        ArtifactError: if it is anything else; no code in it is executed.
    """
    with _refusing_others():
        content = torch.load(io.BytesIO(data), weights_only=True)
        if isinstance(content, dict) and "networks" in content:
            networks = [Network.restore(part) for part in content["networks"]]
            return Bag(networks, content["out_of_fold"])
        return Network.restore(content)


def load_refitted(data: bytes) -> Network | None:
    """The network of a second training, of the same file; None if there was none.

    Raises:
        ArtifactError: as `load_network`.
    """
    with _refusing_others():
        content = torch.load(io.BytesIO(data), weights_only=True)
        is_there = isinstance(content, dict) and "refitted" in content
        return Network.restore(content["refitted"]) if is_there else None


@contextmanager
def _refusing_others() -> Iterator[None]:
    try:
        yield
    except NOT_OURS as error:
        raise ArtifactError(
            f"network.pt: is not what `onward train` writes ({type(error).__name__}). Run"
            " `onward train` again"
        ) from error
