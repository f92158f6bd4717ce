"""Columns, derivations, contract and split, built once from the settings of ``prepare``."""

from onward.errors import ConfigError
from onward.preprocessing.columns import Column
from onward.preprocessing.derivations import Derivation
from onward.preprocessing.graph import PREFIX
from onward.quality.prepare_settings import PrepareSettings
from onward.quality.validation import Contract
from onward.schema import Schema
from onward.table.checks import Check
from onward.table.splits import Part, Split
from onward.wires import SCALARS, wire_of


class Plan:
    """The steps of ``prepare``: columns, derivations, the contract of the table, and the split.

    Args:
        settings: of ``prepare``.

    Raises:
        ConfigError: if a column has a reserved name, or rows of several values are to group rows.
    """

    def __init__(self, settings: PrepareSettings) -> None:
        self.settings = settings
        self.columns = [Column.build(config) for config in settings.columns]
        self.derivations = [Derivation.build(config) for config in settings.derive]
        derived = {derivation.name for derivation in self.derivations}
        self.raw_columns = [column for column in self.columns if column.name not in derived]
        self.derived_columns = [column for column in self.columns if column.name in derived]
        self.split = Split.build(settings.split)
        self.contract = Contract(
            self.raw_columns,
            settings.target,
            [Check.build(config) for config in settings.checks],
            settings.rows,
            [*settings.leaks.columns, *([self.split.column] if self.split.column else [])],
            settings.weights,
        )
        self.schema = Schema(self.contract.fields, settings.target.target())
        _refuse_reserved(self.contract)
        _refuse_several_values(self.contract)

    @property
    def is_whole(self) -> bool:
        """Whether all rows of the table are used, not a fold or a share of them."""
        return self.settings.part == Part()


def _refuse_several_values(contract: Contract) -> None:
    for field in contract.fields:
        if field.name in contract.others and field.wire not in SCALARS:
            raise ConfigError(
                f"prepare: {field.name!r}: rows of {wire_of(field.wire).words} are no groups and no"
                " times. Name another column in prepare.split and prepare.leaks"
            )


def _refuse_reserved(contract: Contract) -> None:
    for field in contract.required_fields(training=True):
        if field.name.startswith(PREFIX):
            raise ConfigError(
                f"prepare: {field.name!r}: column names must not start with {PREFIX!r}, which is"
                " reserved. Rename the column"
            )
