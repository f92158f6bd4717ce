"""Several networks as one."""

import copy
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
    """Several networks as one, whose predictions are averaged.

    Either networks of the same settings, each trained without another fold of the rows, or networks
    of other shapes, which learned from the same rows.

    Source: Breiman 1996, "Bagging Predictors"; folds in place of bootstrap samples as in Parmanto
    et al. 1996, "Improving Committee Diagnosis with Resampling Techniques" (cross-validation
    committees).

    Args:
        networks: whose heads scale targets alike.
        counts: how often each of them counts in the mean; by default once.
        out_of_fold: see `Scoring`.
    """

    def __init__(
        self,
        networks: Sequence[Scoring],
        counts: Sequence[int] | None = None,
        out_of_fold: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.out_of_fold = out_of_fold
        self.networks = nn.ModuleList(networks)
        self.counts = tuple(counts or [1] * len(networks))
        # a copy: it is calibrated on the mean, and the exporter fails where two modules share one
        self.shape, self.head = networks[0].shape, copy.deepcopy(networks[0].head)
        sizes = {network.ensemble_size for network in networks}
        self._size = sizes.pop() if len(sizes) == 1 else None  # of each network, if it is the same

    @property
    def ensemble_size(self) -> int:
        """The members of all networks, each as often as its network counts."""
        return sum(self.counts) * (self._size or 1)

    @property
    def members(self) -> Iterable[Any]:
        """The networks."""
        return self.networks

    def member_scores(
        self, features: Mapping[str, Shaped[Tensor, "rows ..."]]
    ) -> Float[Tensor, "rows members width"]:
        """The scores of all members, each as often as its network counts.

        Networks with different numbers of members are one member each, or the mean would have more
        of the larger ones.
        """
        parts: list[Tensor] = []
        for network, count in zip(self.members, self.counts, strict=True):
            is_even = self._size is not None
            part = network.member_scores(features) if is_even else network.scores(features)[:, None]
            parts += [part] * count
        return torch.cat(parts, 1)

    def content(self) -> dict[str, Any]:
        """The contents of the networks."""
        return {
            "networks": [network.content() for network in self.members],
            "counts": self.counts,
            "head": self.head.state_dict(),
            "out_of_fold": self.out_of_fold,
        }


def load_network(data: bytes) -> Scoring:
    """Restore what `Scoring.dump` wrote, or version 0.1.0, which had no named blocks.

    Raises:
        ArtifactError: if it is anything else; no code in it is executed.
    """
    with _refusing_others():
        content = torch.load(io.BytesIO(data), weights_only=True)
        if isinstance(content, dict) and "networks" in content:
            return _restore(content)
        return Network.restore(content)


def _restore(content: Mapping[str, Any]) -> Bag:
    """The networks of a `Bag.content`; of an earlier version the first head was that of all."""
    networks = [Network.restore(part) for part in content["networks"]]
    bag = Bag(networks, content.get("counts"), content["out_of_fold"])
    bag.head.load_state_dict(content.get("head", networks[0].head.state_dict()))
    return bag


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
