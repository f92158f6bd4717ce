"""Members of the families with sizes that keep the tests fast."""

from collections.abc import Sequence
from typing import Any

import pytest

from onward.blocks import NUMERICAL
from onward.network.embedders import Embedder
from onward.settings.family import Family

SIZES = {"k": 3, "width": 8, "depth": 2, "heads": 2, "head_width": 4, "bins": 6, "frequencies": 3}


def of_numbers() -> list[str]:
    """The embedders of the numerical block."""
    return sorted(name for name, one in Embedder.members.items() if one.reads == NUMERICAL)


def small(family: type[Family], name: str) -> dict[str, Any]:
    """Settings of the member with that name."""
    fields = family.members[name].Config.model_fields
    return {"type": name, **{field: SIZES[field] for field in fields if field in SIZES}}


def diagonal(rows: Sequence[Any], columns: Sequence[Any]) -> list[Any]:
    """All pairs, of which each row has one that is not slow, and so has each column."""
    assert len(rows) >= len(columns)
    return [
        pytest.param(row, column, marks=() if (i - j) % len(columns) == 0 else pytest.mark.slow)
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    ]
