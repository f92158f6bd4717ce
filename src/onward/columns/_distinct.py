"""Working on the distinct values of a column instead of on all of its rows."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from onward.graph import Graph, session


@dataclass(frozen=True)
class Distinct:
    """The texts of a column, each once."""

    texts: pl.Series
    """Without nulls: "" is missing."""
    codes: np.ndarray
    """For each row the place of its text, ``(rows,)``."""


def distinct(values: pl.Series) -> Distinct:
    """Find the distinct values of a String column."""
    filled = values.fill_null("")
    texts = filled.unique()
    codes = filled.cast(pl.Enum(texts)).to_physical().to_numpy()
    return Distinct(texts, codes)


def run(graph: Graph, name: str, texts: pl.Series) -> list[np.ndarray]:
    """The outputs of a graph whose only input is the text column ``name``."""
    outputs: list[np.ndarray] = session(graph.model()).run(None, {name: wire(texts)})
    return outputs


def wire(texts: pl.Series) -> np.ndarray:
    """As the runtime takes them: an array of objects, ``(rows, 1)``."""
    return texts.to_numpy().astype(object).reshape(-1, 1)
