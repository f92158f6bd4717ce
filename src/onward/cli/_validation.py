"""Validation of a table, for a terminal or a pipe."""

from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from onward.artifacts.replacing import replacing
from onward.errors import ConfigError, DataError
from onward.quality.plan import Plan
from onward.quality.prepare_settings import PrepareSettings
from onward.quality.validation import (
    Contract,
    Finding,
    Inspection,
    format_example,
    near_duplicates,
    repetitions,
)
from onward.settings.config import section
from onward.table.sources import Source, Table
from onward.wording import format_count


def validate_table(config: Path, path: Path | None, reject: Path | None) -> int:
    """Print the findings, write invalid rows to ``reject`` if given, and return the exit code.

    Raises:
        ConfigError: if ``reject`` is given, but the config does not allow it.
    """
    settings = section(config, "prepare", PrepareSettings)
    contract = Plan(settings).contract
    if reject is not None and contract.rows.invalid != "set_aside":
        raise ConfigError(
            f"{config}: prepare.rows.invalid: --reject needs 'set_aside', not"
            f" {contract.rows.invalid!r}. Change it, or leave --reject out"
        )
    source = settings.source.model_copy(update={"path": path}) if path else settings.source
    table = Source.open(source)
    is_training = path is None or contract.target.name in table.names()
    inspection = Inspection(table, contract, training=is_training)
    findings = inspection.findings()
    rows = table.num_rows()
    _print(table, findings, inspection, rows)
    if is_training:
        _print_repetitions(inspection, contract)
    if reject is not None and findings:
        with replacing(reject) as new:
            inspection.invalid_rows().sink_csv(new)
        typer.echo(f"{reject}: invalid rows written")
    return DataError.exit_code if findings and reject is None else 0


def _print(table: Table, findings: Sequence[Finding], inspection: Inspection, rows: int) -> None:
    console = Console(highlight=False)
    count = len(inspection.rules)
    checked = f"{format_count(rows, 'row')}, {format_count(count, 'rule')}"
    if not findings:
        console.print(f"{escape(str(table.path))}: no broken rule ({checked})")
        return
    grid = Grid(box=None, pad_edge=False)
    for title in ("column", "rows", "share", "have", "first rows", "with"):
        grid.add_column(title, header_style="dim", overflow="fold")
    for finding in findings:
        cells = (
            finding.columns,
            f"{finding.count:,}",
            f"{finding.count / finding.rows:.2%}",
            finding.rule.what,
            ", ".join(map(str, finding.first)),
            "; ".join(dict.fromkeys(map(format_example, finding.examples))),
        )
        grid.add_row(*map(escape, cells))
    console.print(grid)
    position = table.position(findings[0].first[0])
    console.print(
        f"\n{escape(str(table.path))}: {len(findings)} of {format_count(count, 'rule')} broken,"
        f" the first in {position}"
    )
    remedies: dict[str, list[str]] = {}
    for finding in findings:
        remedies.setdefault(finding.rule.remedy, []).append(finding.columns)
    for remedy, columns in remedies.items():
        console.print(f"- {escape(', '.join(dict.fromkeys(columns)))}: {escape(remedy)}")


def _print_repetitions(inspection: Inspection, contract: Contract) -> None:
    names = [column.name for column in contract.columns]
    target = contract.target.name
    counts = repetitions(inspection.rows, names, target)
    near = near_duplicates(inspection.rows, names, target) - counts.duplicates
    is_number = contract.target.task.is_number
    conflicts = counts.conflicts * (not is_number)
    for count, noun, what in (
        (counts.duplicates, "duplicate", "of earlier rows"),
        (near, "duplicate", "except for case, blanks or Unicode forms"),
        (conflicts, "row", "with the same columns as an earlier row, but another class"),
    ):
        if count:
            typer.echo(f"{format_count(count, noun)} {what}")
