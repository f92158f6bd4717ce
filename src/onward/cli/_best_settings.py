"""The best settings of a search, written into a config."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dvc.utils.serialize import modify_yaml
from ruamel.yaml import YAML

from onward.artifacts.publishing import verify
from onward.settings.read_yaml import read_yaml
from onward.settings.yaml import setting


def settings_of(best: Path) -> dict[str, Any]:
    """The section ``train`` of ``best.yaml``; empty if the settings of the config stay.

    Raises:
        ArtifactError: if the file has changed since it was written.
    """
    section: dict[str, Any] = read_yaml(verify(best))["train"]
    return section


def hint(best: Path, config: Path) -> str:
    """What `--write` would do; empty if nothing.

    Raises:
        ArtifactError: if ``best.yaml`` has changed since it was written.
    """
    if settings_of(best):
        return f"to use the settings of {best}: onward tune {config} --write"
    if _members(config):
        return (
            f"to remove train.members of {config}, which the search did not confirm:"
            f" onward tune {config} --write"
        )
    return ""


def _members(config: Path) -> Any:
    """Those of an earlier search."""
    return (read_yaml(config).get("train") or {}).get("members")


def write_best_settings(best: Path, config: Path) -> str:
    """Write the settings of ``best.yaml`` into the section ``train``, and return a message.

    Other settings and comments stay, but for the members of an earlier ensemble.

    Raises:
        ArtifactError: if ``best.yaml`` has changed since it was written.
    """
    section = settings_of(best)
    earlier = _members(config)
    if not section and not earlier:
        return f"{config}: no change: the search confirmed no better settings"
    with modify_yaml(str(config)) as document:
        train = document["train"] = document.get("train") or {}
        before = _max_epochs(train)
        train.pop("members", None)
        _merge(train, section)
    said = _surprises(before, section, has_lost_members=bool(earlier))
    return f"{config}: the section train has the settings of {best}{said}"


def _surprises(before: Any, section: Mapping[str, Any], *, has_lost_members: bool) -> str:
    """The end of the message."""
    now, members = _max_epochs(section), section.get("members", [])
    is_new = "learner" in section and now != before
    said = f", and max_epochs {now} in place of {before}" if is_new else ""
    if members:
        said += f", and members: {len(members)} networks are trained, and averaged in one file"
    elif has_lost_members:
        said += ", without the members that it had: one network is trained"
    return f"{said}. Run `dvc repro`"


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
            known[name] = _as_written(name, value)


def _as_written(name: str, value: Any) -> Any:
    """A value in the form that ``best.yaml`` has it in."""
    return YAML().load(io.StringIO("\n".join(setting(name, value))))[name]
