"""The best settings of a search, written into a config."""

import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dvc.utils.serialize import modify_yaml
from ruamel.yaml import YAML

from onward.artifacts.publishing import verify
from onward.artifacts.replacing import replacing
from onward.settings.read_yaml import read_yaml
from onward.settings.yaml import setting

LENGTH = ("max_epochs", "patience")  # of a training, which a search may make shorter


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

    Other settings and comments stay, but for the members of an earlier ensemble. The file is
    replaced as a whole.

    Raises:
        ArtifactError: if ``best.yaml`` has changed since it was written.
    """
    section = settings_of(best)
    earlier = _members(config)
    if not section and not earlier:
        return f"{config}: no change: the search confirmed no better settings"
    target = config.resolve()  # a link stays
    with replacing(target) as new:
        shutil.copy(target, new)  # DVC rewrites a file in place
        with modify_yaml(str(new)) as document:
            train = document["train"] = document.get("train") or {}
            changes = _new_lengths(train, section.get("learner", {}))
            train.pop("members", None)
            _merge(train, section)
    said = _surprises(changes, section, has_lost_members=bool(earlier))
    if {"folds", "members"} & section.keys() and (read_yaml(config).get("export") or {}).get("k"):
        said += ". Remove export.k, which is for one network"
    return f"{config}: the section train has the settings of {best}{said}. Run `dvc repro`"


def _surprises(
    changes: Sequence[str], section: Mapping[str, Any], *, has_lost_members: bool
) -> str:
    """What the message says of changes that nobody expects."""
    said = f", and {' and '.join(changes)}" if changes else ""
    networks = {"members": len(section.get("members", ())), "folds": section.get("folds", 1)}
    several = [f"{name}: {count} networks" for name, count in networks.items() if count > 1]
    if several:
        said += f", and {several[0]} are trained, and averaged in one file"
    if has_lost_members and not section.get("members"):
        said += ", without the members that it had"
    if has_lost_members and not several:
        said += ": one network is trained"
    return said


def _new_lengths(train: Mapping[str, Any], learner: Mapping[str, Any]) -> list[str]:
    """The changes of max_epochs and patience, in words."""
    known = train.get("learner")
    before = known if isinstance(known, Mapping) else {}
    return [
        f"{name} {learner[name]} in place of {before.get(name, 'auto')}"
        for name in LENGTH
        if name in learner and learner[name] != before.get(name, "auto")
    ]


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
