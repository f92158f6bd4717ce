"""The rows of a table that are learned from, in a file, and what became of the others."""

from pathlib import Path
from typing import Any

import polars as pl

from onward.artifacts.prepared import CHUNK
from onward.errors import DataError
from onward.quality.validation._contract import Contract
from onward.quality.validation._duplicates import Repetitions, repeated, repetitions
from onward.quality.validation._findings import ROW, Finding, find, refuse_findings, said, shown
from onward.quality.validation._inspection import Inspection
from onward.table.sources import Table

READ, KEPT = "read.parquet", "kept.parquet"  # while `prepare` works
SET_ASIDE = "set_aside.csv"
MARK = "onward/kept"


def accepted(table: Table, contract: Contract, work: Path) -> tuple[pl.LazyFrame, dict[str, Any]]:
    """The rows to learn from, and what there is to say of the others.

    Args:
        table: as it is in the file, whose rows get their numbers as the column `ROW`.
        contract: what each row must keep, and what becomes of one that does not.
        work: a folder for the rows, until `discard`, and for those set aside.

    Raises:
        DataError: if rows break the contract, and are not to be set aside.
    """
    findings = _read(table, contract, work)
    rows = contract.cleaned(_numbered(work))
    height = {"read": findings[0].rows if findings else _height(rows)}
    if findings:
        height["not set aside"] = _height(rows)
    as_read = len(height)
    if contract.rows.without_target == "drop":
        rows = rows.filter(pl.col(contract.target.name).is_not_null())
        height["with a target"] = _height(rows)
    found = _repetitions(rows, contract)
    _refuse_repetitions(table, contract, found)
    if contract.rows.duplicates == "drop" and found.duplicates:
        rows = _without(rows, contract, conflicts=False)
        height["without duplicates"] = _height(rows)
    if contract.rows.conflicts == "drop" and found.conflicts:
        rows = _without(rows, contract, conflicts=True)
        height["without conflicts"] = _height(rows)
    if len(height) > as_read:
        rows.sink_parquet(work / KEPT, compression="lz4", row_group_size=CHUNK)
        rows = pl.scan_parquet(work / KEPT)
    quality = {
        "checks": len(contract.readable(training=True)) + len(contract.rules(training=True)),
        "findings": [_summary(finding) for finding in findings],
        "rows": height,
        "duplicates": found.duplicates,
        "conflicts": found.conflicts,
        "changes": contract.changes(pl.scan_parquet(work / READ)),
    }
    return rows, quality


def discard(work: Path) -> None:
    """Remove the rows, once they have been split."""
    for name in (READ, KEPT):
        (work / name).unlink(missing_ok=True)


def _read(table: Table, contract: Contract, work: Path) -> list[Finding]:
    """Write the rows that keep the contract, and return what the others have broken."""
    if contract.rows.invalid == "refuse":
        table.copy(contract.needed(training=True), work / READ, CHUNK)
        rows = contract.cleaned(pl.scan_parquet(work / READ))
        refuse_findings(str(table.path), find(rows, contract.rules(training=True)), table.place)
        return []
    inspection = Inspection(table, contract, training=True)
    findings = inspection.findings()
    inspection.kept().sink_parquet(work / READ, compression="lz4", row_group_size=CHUNK)
    if findings:
        inspection.set_aside().sink_csv(work / SET_ASIDE)
    if not _height(pl.scan_parquet(work / READ)):
        reasons = "\n".join(f"  {said(finding, table.place)}" for finding in findings)
        raise DataError(f"{table.path}: each row breaks the contract\n{reasons}")
    return findings


def _numbered(work: Path) -> pl.LazyFrame:
    rows = pl.scan_parquet(work / READ)
    # without rows set aside they are all there
    return rows if ROW in rows.collect_schema() else rows.with_row_index(ROW, 1)


def _repetitions(rows: pl.LazyFrame, contract: Contract) -> Repetitions:
    found = repetitions(rows, [column.name for column in contract.columns], contract.target.name)
    # equal rows with different numbers are what an interval is for
    return Repetitions(found.duplicates, 0) if contract.target.task.is_number else found


def _refuse_repetitions(table: Table, contract: Contract, found: Repetitions) -> None:
    remedy = "Remove them, or set prepare.rows to drop or keep them"
    if contract.rows.duplicates == "refuse" and found.duplicates:
        raise DataError(
            f"{table.path}: {found.duplicates} rows are equal to an earlier one. {remedy}"
        )
    if contract.rows.conflicts == "refuse" and found.conflicts:
        raise DataError(
            f"{table.path}: {found.conflicts} rows have another class than an earlier row with"
            f" equal columns. {remedy}"
        )


def _without(rows: pl.LazyFrame, contract: Contract, *, conflicts: bool) -> pl.LazyFrame:
    names = [column.name for column in contract.columns]
    broken = repeated(rows, names, contract.target.name, conflicts=conflicts)
    marked = pl.concat([rows, pl.LazyFrame({MARK: ~broken})], how="horizontal")
    return marked.filter(MARK).drop(MARK)


def _height(rows: pl.LazyFrame) -> int:
    height: int = rows.select(pl.len()).collect(engine="streaming").item()
    return height


def _summary(finding: Finding) -> dict[str, Any]:
    return {
        "columns": finding.rule.columns,
        "what": finding.rule.what,
        "count": finding.count,
        "rows": finding.rows,
        "first": finding.first,
        "examples": [shown(example) for example in finding.examples],
    }
