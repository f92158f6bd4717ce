"""Choose and check the embedder of each block."""

from collections.abc import Mapping
from typing import Any

from onward.blocks import CATEGORICAL, NUMERICAL
from onward.errors import ConfigError
from onward.network.embedders._base import Embedder

DEFAULTS = {CATEGORICAL: "category_embedding"}


def default_embedder(block: str) -> Any:
    """The default embedder of a block, as settings.

    Raises:
        ConfigError: if no type reads the block, or several do without a default.
    """
    types = sorted(name for name, member in Embedder.members.items() if member.reads == block)
    if block in DEFAULTS:
        types = [DEFAULTS[block]]
    if len(types) != 1:
        known = f"Choose from {', '.join(types)}" if types else "Load the plug-in that has one"
        raise ConfigError(
            f"train.network.embedders: the block {block!r} needs an embedder. {known}, and add"
            f" `{block}: {{type: ...}}`"
        )
    return Embedder.members[types[0]].Config()


def refuse_other_blocks(embedder: Any, embedders: Mapping[str, Any]) -> None:
    """Refuse embedders that read another block than the one they are configured for.

    Args:
        embedder: settings for the numerical block, or None.
        embedders: settings for other blocks, by name.

    Raises:
        ValueError: naming the block.
    """
    if NUMERICAL in embedders:
        raise ValueError(f"name the embedder of the block {NUMERICAL!r} in `embedder`")
    chosen = embedders if embedder is None else {NUMERICAL: embedder, **embedders}
    for block, config in chosen.items():
        reads = Embedder.member(config).reads
        if reads != block:
            raise ValueError(f"{config.type} reads the block {reads!r}, not {block!r}")
