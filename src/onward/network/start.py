"""A network that starts from the weights of another one."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from jaxtyping import Shaped
from torch import Tensor

from onward.blocks import Block
from onward.network.network import Network, Shape


@dataclass(frozen=True)
class Start:
    """A trained network, and the columns that mean the same in a new one."""

    network: Network
    columns: Collection[str]

    def fit(
        self,
        config: Network.Config,
        shape: Shape,
        features: Mapping[str, Shaped[Tensor, "rows ..."]],
    ) -> Network:
        """A network with the weights of the trained one; new features have no effect at first.

        Args:
            config: embedders and model as those of the trained network.
            shape: blocks and outputs of the new network.
            features: of the training rows, for new features.

        The head is not fitted.

        Raises:
            ConfigError: if a type of embedder or model cannot start with other features.
        """
        fresh = Network.fit(config, shape, features)
        embedders, sources = {}, list[int | None]()
        starts = self._first_inputs()
        for name, block in shape.blocks.items():
            embedder = embedders[name] = fresh.embedder_of(name)
            inputs = self._sources(block)
            adopted: Sequence[int | None] = [None] * len(embedder.widths)
            if any(source is not None for source in inputs):
                known = embedder.adopt(self.network.embedder_of(name), inputs)
                embedders[name], adopted = known.embedder, known.sources
            for width, source in zip(embedders[name].widths, adopted, strict=True):
                first = None if source is None else starts[name][source]
                sources += [None if first is None else first + offset for offset in range(width)]
        network = Network(config, shape, embedders)
        network.model.start_from(self.network.model, sources)
        return network

    def _first_inputs(self) -> dict[str, list[int]]:
        """By block, the first input of each of its embedded features."""
        inputs, start = {}, 0
        for name in self.network.shape.blocks:
            widths = self.network.embedder_of(name).widths
            inputs[name] = [start + before for before in accumulate(widths, initial=0)][:-1]
            start += sum(widths)
        return inputs

    def _sources(self, block: Block) -> list[int | None]:
        """For each feature its index in the trained network."""
        trained = self.network.shape.blocks.get(block.name)
        if trained is None:
            return [None] * len(block.owners)
        known = {key: index for index, key in enumerate(_features(trained))}
        return [known.get(key) if key[0] in self.columns else None for key in _features(block)]


def _features(block: Block) -> Iterator[tuple[str, str]]:
    """Column and name of each feature."""
    return zip(block.owners, block.names, strict=True)
