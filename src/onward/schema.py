"""What a table looks like to a model: its columns and its target. Standard library only."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from onward.errors import ConfigError, suggestion

Kind = Literal["classes", "number"]
"""What a target is."""
SemanticType = Literal["number", "category", "date", "none"]
"""What a value is, however it travels; none of a value without an order or a name, as an image."""

FORMATS = {"month_first": "%m/%d/%Y", "day_first": "%d/%m/%Y"}
"""Of dates, by the names that the first files have for them."""


@dataclass(frozen=True)
class Field:
    """One column of the table that the model reads."""

    name: str
    type: str
    """Of the family of columns: ``numerical``, ``datetime``, ..."""
    wire: str
    """What callers send: `number`, `text`, or another of `onward.wires`."""
    missing: tuple[str, ...] = ()
    """Texts that mean the value is missing, beside the empty one."""
    settings: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """What else the column type needs to read a value; JSON values."""


@dataclass(frozen=True)
class Target:
    """The column that is predicted."""

    name: str
    kind: Kind
    classes: tuple[str, ...] = ()
    """By their codes; empty where the target is a number."""


@dataclass(frozen=True)
class Schema:
    """The columns in the order of the config, and the target."""

    columns: tuple[Field, ...]
    target: Target

    def dump(self) -> str:
        """As JSON, for files and for the metadata of a model."""
        document = asdict(self)
        for column in document["columns"]:
            if not column["settings"]:  # as of most columns
                del column["settings"]
        return json.dumps(document, ensure_ascii=False, indent=1)

    @classmethod
    def load(cls, text: str) -> "Schema":
        """Read what `dump` made, in this version or an earlier one.

        Example:
            >>> schema = Schema((Field("age", "numerical", "number"),), Target("pay", "number"))
            >>> Schema.load(schema.dump()) == schema
            True
        """
        document = json.loads(text)
        columns = tuple(map(_field, document["columns"]))
        target = document["target"]
        return cls(columns, Target(**{**target, "classes": tuple(target["classes"])}))


def _field(values: Mapping[str, Any]) -> Field:
    values, settings = dict(values), dict(values.get("settings", {}))
    # the first format has the settings of quantities and dates beside the others
    if "order" in values:
        settings["format"] = FORMATS[values.pop("order")]
    if "units" in values:
        settings["units"] = dict(values.pop("units"))
    for name in ("decimal", "thousands", "format"):
        if name in values:
            settings[name] = values.pop(name)
    return Field(**{**values, "missing": tuple(values["missing"]), "settings": settings})


def refuse_unknown(where: str, names: Iterable[str], classes: Sequence[str]) -> None:
    """Look at classes that a setting names.

    Raises:
        ConfigError: if one of them is not a class of the target.
    """
    for name in names:
        if name not in classes:
            raise ConfigError(f"{where}: there is no class {name!r}. {suggestion(name, classes)}")
