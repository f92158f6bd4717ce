"""What the settings in a schema say: units of quantities, formats of dates."""

from collections.abc import Mapping

from onward.schema import Field

ISO = "iso"


def units_of(field: Field) -> Mapping[str, float]:
    """Units of numbers in text, and the factor of each; empty if the column is no quantity."""
    units: Mapping[str, float] = field.settings.get("units", {})
    return units


def unit_of(field: Field) -> str:
    """Unit of the converted numbers; empty if they have none, or it has no name."""
    return next((unit for unit, factor in units_of(field).items() if factor == 1), "")


def decimal_of(field: Field) -> str:
    """The mark before a fraction."""
    decimal: str = field.settings.get("decimal", ".")
    return decimal


def date_format_of(field: Field) -> str:
    """The format of dates: ISO-8601, or as strptime has it."""
    date_format: str = field.settings.get("format", ISO)
    return date_format


def is_numeric(field: Field) -> bool:
    """Whether there is a number for each value, be it the name of a category."""
    return field.wire == "number" or bool(units_of(field))
