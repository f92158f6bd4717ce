"""The interface for plug-ins: the base class of each family, and what members need.

Everything else in the package is private and may move. Names are loaded when they are first asked
for, so that a plug-in with a column does not make `prepare` wait for torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onward.blocks import Block as Block
    from onward.blocks import categorical as categorical
    from onward.blocks import numerical as numerical
    from onward.network.embedders import Embedder as Embedder
    from onward.network.heads import Head as Head
    from onward.network.models import Model as Model
    from onward.preprocessing.columns import Column as Column
    from onward.preprocessing.columns import Encoded as Encoded
    from onward.preprocessing.derivations import Derivation as Derivation
    from onward.preprocessing.graph import Graph as Graph
    from onward.preprocessing.graph import Value as Value
    from onward.rules import Rule as Rule
    from onward.table.checks import Check as Check
    from onward.table.sources import Source as Source
    from onward.table.splits import Split as Split
    from onward.tasks import Card as Card
    from onward.tasks import Chart as Chart
    from onward.tasks import ClassTask as ClassTask
    from onward.tasks import Metric as Metric
    from onward.tasks import NumberTask as NumberTask
    from onward.tasks import Task as Task
    from onward.training.observer import Observer as Observer

_MODULES = {
    "Block": "onward.blocks",
    "Card": "onward.tasks",
    "Chart": "onward.tasks",
    "Check": "onward.table.checks",
    "ClassTask": "onward.tasks",
    "Column": "onward.preprocessing.columns",
    "Derivation": "onward.preprocessing.derivations",
    "Embedder": "onward.network.embedders",
    "Encoded": "onward.preprocessing.columns",
    "Graph": "onward.preprocessing.graph",
    "Head": "onward.network.heads",
    "Metric": "onward.tasks",
    "Model": "onward.network.models",
    "NumberTask": "onward.tasks",
    "Observer": "onward.training.observer",
    "Rule": "onward.rules",
    "Source": "onward.table.sources",
    "Split": "onward.table.splits",
    "Task": "onward.tasks",
    "Value": "onward.preprocessing.graph",
    "categorical": "onward.blocks",
    "numerical": "onward.blocks",
}

__all__ = tuple(sorted(_MODULES))


def __getattr__(name: str) -> Any:
    """The class or function of that name, from the module that defines it."""
    if name not in _MODULES:
        raise AttributeError(f"module 'onward.extend' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
