"""What a table looks like to a model: its columns and its target. Standard library only."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

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
    units: tuple[tuple[str, float], ...] = ()
    """Of numbers in text, and what a number with each is multiplied by."""
    decimal: str = "."
    """Before their fractions."""
    thousands: str = ""
    """What may be between groups of three of their digits."""
    format: str = "iso"
    """Of dates: ISO-8601, or as strptime has it."""

    @property
    def is_numeric(self) -> bool:
        """Whether there is a number for each value, be it the name of a category."""
        return self.wire == "number" or bool(self.units)

    @property
    def unit(self) -> str:
        """Of the converted numbers; empty where they have none, or it has no name."""
        return next((unit for unit, factor in self.units if factor == 1), "")


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
            if not column["units"]:  # as of most columns
                for name in ("units", "decimal", "thousands"):
                    del column[name]
            if column["format"] == "iso":
                del column["format"]
        return json.dumps(document, ensure_ascii=False, indent=1)

    @classmethod
    def load(cls, text: str) -> "Schema":
        """Read what `dump` made.

        Example:
            >>> schema = Schema((Field("age", "numerical", "number"),), Target("pay", "number"))
            >>> Schema.load(schema.dump()) == schema
            True
        """
        document = json.loads(text)
        for column in document["columns"]:
            if "order" in column:
                column["format"] = FORMATS[column.pop("order")]
        columns = tuple(
            Field(
                **{
                    **column,
                    "missing": tuple(column["missing"]),
                    "units": tuple((unit, factor) for unit, factor in column.get("units", ())),
                }
            )
            for column in document["columns"]
        )
        target = document["target"]
        return cls(columns, Target(**{**target, "classes": tuple(target["classes"])}))


def refuse_unknown(where: str, names: Iterable[str], classes: Sequence[str]) -> None:
    """Look at classes that a setting names.

    Raises:
        ConfigError: if one of them is none of the target's.
    """
    for name in names:
        if name not in classes:
            raise ConfigError(f"{where}: there is no class {name!r}. {suggestion(name, classes)}")
