"""Check the inputs and uses of derived columns."""

from collections.abc import Mapping, Sequence
from typing import Any

from onward.errors import suggestion
from onward.preprocessing.columns import Column, semantic_type
from onward.preprocessing.derivations._base import Derivation
from onward.schema import Field, SemanticType
from onward.serving.column_settings import is_numeric
from onward.wires import SCALARS, wire_of


def refuse_unreadable(derive: Sequence[Any], columns: Sequence[Any], target: str) -> None:
    """Check the settings of derivations and columns against each other.

    Raises:
        ValueError: naming the derivation and the remedy.
    """
    derivations = {config.name: Derivation.build(config) for config in derive}
    if target in derivations:
        raise ValueError(f"derive: {target!r} is the target. Choose another name")
    raw = {config.name: config for config in columns if config.name not in derivations}
    known = {name: Column.build(config).field for name, config in raw.items()}
    for name, derivation in derivations.items():
        for read, kind in derivation.reads.items():
            where = f"derive: {name!r} reads {read!r}"
            if read not in known:
                raise ValueError(
                    f"{where}, {_unknown(read, name, list(derivations), [*known], target)}"
                )
            _refuse_kind(where, kind, known[read])
            _refuse_telling(where, derivation, read, derivations)
        encoding = "numerical" if derivation.wire == "number" else "categorical"
        known[name] = Field(name, encoding, derivation.wire)
    _refuse_encoding(derivations, columns)
    _refuse_idle(derivations, columns)


def _refuse_telling(
    where: str, derivation: Derivation, read: str, derivations: Mapping[str, Derivation]
) -> None:
    """Fitting on an in-sample target encoding would leak the target of each row."""
    behind = [read]
    while derivation.learns != "nothing" and behind:
        known = derivations.get(behind.pop())
        if known is None:
            continue
        if known.learns == "target":
            raise ValueError(
                f"{where}, which comes from the target by {known.name!r}, and learns from it in"
                " turn. Derive it from other columns"
            )
        behind += [name for name in known.reads if name != known.name]


def _unknown(
    read: str, name: str, derived: Sequence[str], known: Sequence[str], target: str
) -> str:
    if read == target:
        return "the target, which is not known when a prediction is made. Take another column"
    if read == name:
        return "itself. Take another column"
    if read in derived:
        return f"which is derived later. Write {read!r} before {name!r}"
    add = f"Add {read!r} to prepare.columns, with `feature: false` if it is not a feature itself"
    return f"which is neither in prepare.columns nor derived. {suggestion(read, known, add)}"


def _refuse_kind(where: str, kind: SemanticType, field: Field) -> None:
    if field.wire not in SCALARS:
        raise ValueError(
            f"{where}, whose rows are {wire_of(field.wire).words}. Take a column with one value in"
            " a row"
        )
    if kind == "date" and semantic_type(field) != "date":
        raise ValueError(f"{where} as dates, but it has none. Declare it `type: datetime`")
    if kind == "number" and not is_numeric(field):
        raise ValueError(
            f"{where} as numbers, but it is text. Take another column, or declare it numerical"
        )
    if kind == "category" and semantic_type(field) == "date":
        raise ValueError(f"{where} as categories, but it has dates. Derive a `calendar` part first")


def _refuse_encoding(derivations: Mapping[str, Derivation], columns: Sequence[Any]) -> None:
    for config in columns:
        if config.name not in derivations:
            continue
        where, wire = f"columns: {config.name!r}", derivations[config.name].wire
        if Column.build(config).wire != wire:
            fitting = "numerical" if wire == "number" else "categorical"
            raise ValueError(
                f"{where} is derived, as {wire}, which `type: {config.type}` does not read with"
                f" these settings. Declare it `type: {fitting}`"
            )
        if not config.feature or config.missing:
            raise ValueError(
                f"{where} is derived, where `feature` and `missing` are not allowed. Remove them"
            )


def _refuse_idle(derivations: Mapping[str, Derivation], columns: Sequence[Any]) -> None:
    read = {name for derivation in derivations.values() for name in derivation.reads}
    named = {config.name for config in columns}
    for name in derivations:
        if name not in read | named:
            raise ValueError(
                f"derive: no column reads {name!r}. Add an entry with its name to prepare.columns"
            )
    for config in columns:
        if not config.feature and config.name not in read:
            raise ValueError(
                f"columns: {config.name!r} has `feature: false`, but no derived column reads it."
                " Remove the column, or the setting"
            )
    if not any(config.feature for config in columns):
        raise ValueError("columns: all have `feature: false`. Keep at least one as a feature")
