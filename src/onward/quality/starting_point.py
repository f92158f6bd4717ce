"""The model that a new one starts from: which columns keep their preprocessing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onward.artifacts.prepared import Prepared
from onward.artifacts.publishing import MANIFEST, manifest, refuse_stale, verify
from onward.errors import ConfigError
from onward.preprocessing.columns import Column
from onward.quality.prepare_settings import PrepareSettings
from onward.table.splits import Split

ALWAYS_ADJUSTABLE = {"missing", "nullable", "unique"}
"""Settings of every column that do not change what a feature means."""


@dataclass(frozen=True)
class StartingPoint:
    """The columns of an earlier model."""

    folder: Path
    """Of its artifacts."""
    network: Path
    """The file."""
    states: Mapping[str, Any]
    """What each column has learned that keeps its preprocessing."""
    fitted: Mapping[str, str]
    """The other columns of the new model, with the reason."""
    gone: tuple[str, ...]
    """Columns that the new model does not have."""
    last_trained: str | float | None
    """What the split needs to know of its training rows."""

    @classmethod
    def load(cls, folder: Path, settings: PrepareSettings) -> "StartingPoint":
        """Compare the settings of an earlier model with the new ones.

        Raises:
            ConfigError: if the folder has no model, or the model has another target, another split
                or no column in common.
            ArtifactError: if a file is damaged.
        """
        for stage in ("prepare", "train"):
            if not (folder / stage / MANIFEST).exists():
                raise ConfigError(
                    f"prepare.start_from: {folder} has no folder {stage!r} of a model. Name the"
                    " artifacts of a model that is trained, or remove start_from"
                )
        refuse_stale(folder / "train")
        network = verify(folder / "train" / "network.pt")
        before, now = manifest(folder / "prepare")["settings"], settings.model_dump(mode="json")
        _refuse_other_target(folder, before, now)
        _refuse_other_split(folder, before, now)
        prepared = Prepared(folder / "prepare")
        states = prepared.column_states()
        features = {config.name: config for config in settings.columns if config.feature}
        reasons = {n: _reason_to_fit(config, before, now, states) for n, config in features.items()}
        kept = {name: states[name] for name, reason in reasons.items() if reason is None}
        if not kept:
            raise ConfigError(
                f"prepare.start_from: the model in {folder} has no column in common with this"
                " config. Remove start_from"
            )
        fitted = {name: reason for name, reason in reasons.items() if reason is not None}
        gone = tuple(name for name in states if name not in features)
        last_trained = prepared.profiles().get("last_trained")
        return cls(folder, network, kept, fitted, gone, last_trained)

    def restore(self, column: Column) -> bool:
        """Give a column what it has learned for the earlier model; False if that was nothing."""
        if column.name not in self.states:
            return False
        column.restore(self.states[column.name])
        return True

    def warnings(self, shares: Mapping[str, float]) -> list[str]:
        """Sentences about missing values that have no feature.

        Args:
            shares: of missing values in the training rows, by column.
        """
        return [
            f"The column {name!r} has missing values, which the model to start from never saw: they"
            " get no flag, and cannot be told from others. If they matter, remove start_from"
            for name, state in self.states.items()
            if shares.get(name) and state.get("has_missing") is False
        ]

    def document(self, added: Mapping[str, int]) -> dict[str, Any]:
        """For the data report.

        Args:
            added: the number of new categories, by column.
        """
        return {
            "folder": str(self.folder),
            "kept": list(self.states),
            "fitted": dict(self.fitted),
            "gone": list(self.gone),
            "new_categories": {name: added[name] for name in self.states if added.get(name)},
        }


def _refuse_other_target(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for setting in ("name", "kind", "classes"):
        old, new = before["target"][setting], now["target"][setting]
        if old != new:
            raise ConfigError(
                f"prepare.start_from: prepare.target.{setting} is {new!r}, that of the model in"
                f" {folder} is {old!r}. Remove start_from"
            )


def _refuse_other_split(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse splits that could put training rows of the earlier model into the test set."""
    split = now["split"]
    if not Split.members[split["type"]].keeps_training_rows:
        known = sorted(name for name, member in Split.members.items() if member.keeps_training_rows)
        raise ConfigError(
            f"prepare.start_from: the split {split['type']!r} assigns all rows afresh, so the test"
            f" set could have training rows of the model in {folder}. Use {' or '.join(known)} for"
            " both models"
        )
    for setting, old, new in (
        ("split", before["split"], split),
        ("seed", before["seed"], now["seed"]),
    ):
        if old != new:
            raise ConfigError(
                f"prepare.start_from: prepare.{setting} is {new!r}, that of the model in {folder}"
                f" is {old!r}, so the test set could have training rows of that model. Restore it,"
                " or remove start_from"
            )


def _reason_to_fit(
    config: Any, before: Mapping[str, Any], now: Mapping[str, Any], states: Mapping[str, Any]
) -> str | None:
    """Why a column cannot keep its preprocessing; None if it can."""
    name = config.name
    if name not in before["columns"]:
        return "new"
    derived_before, derived_now = (of["derive"].get(name) for of in (before, now))
    if derived_before != derived_now:
        return "derived in another way"
    member = Column.member(config)
    old, new = before["columns"][name], now["columns"][name]
    for setting, value in new.items():
        is_same = member.has_same_features(setting, old.get(setting), value)
        if setting not in ALWAYS_ADJUSTABLE and not is_same:
            return f"{setting} is {value!r}, was {old.get(setting)!r}"
    return None if name in states else "its type cannot keep what it has learned"
