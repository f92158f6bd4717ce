"""The best settings of a search, written into a config."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dvc.utils.serialize import modify_yaml
from ruamel.yaml import YAML

from onward.artifacts.publishing import verify
from onward.settings.read_yaml import read_yaml
from onward.settings.yaml import one_line


def write_best_settings(best: Path, config: Path) -> str:
    """Write the settings of ``best.yaml`` into the section ``train``, and return a message.

    Other settings and comments stay.

    Raises:
        ArtifactError: if ``best.yaml`` has changed since it was written.
    """
    section = read_yaml(verify(best))["train"]
    if not section:
        return f"{config}: no change: no trial was better than its settings"
    with modify_yaml(str(config)) as document:
        train = document["train"] = document.get("train") or {}
        before = _max_epochs(train)
        _merge(train, section)
    now = _max_epochs(section)
    epochs = f", and max_epochs {now} in place of {before}" if now != before else ""
    return f"{config}: the section train has the settings of {best}{epochs}. Run `dvc repro`"


def _max_epochs(train: Mapping[str, Any]) -> Any:
    learner = train.get("learner")
    return learner.get("max_epochs", "auto") if isinstance(learner, Mapping) else "auto"


def _merge(known: dict[str, Any], new: Mapping[str, Any]) -> None:
    for name, value in new.items():
        if isinstance(value, Mapping) and "type" not in value:
            if not isinstance(known.get(name), dict):
                known[name] = {}
            _merge(known[name], value)
        else:
            known[name] = _on_one_line(value)


def _on_one_line(value: Any) -> Any:
    """A value that is written on one line, as `onward init` does."""
    return YAML().load(io.StringIO(one_line(value)))
