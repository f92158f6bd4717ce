"""The networks of an ensemble, as text."""

from collections.abc import Mapping
from typing import Any


def describe_members(metrics: Mapping[str, Any]) -> dict[str, str]:
    """What each network of an ensemble is, by name; empty for a single network.

    Args:
        metrics: the note ``metrics`` of a model file.

    Example:
        >>> known = {"count": 3, "settings": "mlp, width 64", "validation/loss": 0.25}
        >>> describe_members({"members": [known, {**known, "count": 1}]})["member 1"]
        '75 % of the mean: mlp, width 64; validation loss alone 0.25'
    """
    members = metrics.get("members", [])
    total = sum(member["count"] for member in members)
    return {
        f"member {number}": (
            f"{100 * member['count'] / total:.0f} % of the mean: {member['settings']};"
            f" validation loss alone {member['validation/loss']:.5g}"
        )
        for number, member in enumerate(members, 1)
    }
