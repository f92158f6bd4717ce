"""Selection of the valid rows of a table, and a report of the others."""

from pathlib import Path
from typing import Any

import polars as pl

from onward.artifacts.prepared import CHUNK
from onward.errors import DataError
from onward.quality.validation._contract import Contract
from onward.quality.validation._duplicates import Repetitions, duplicate_mask, repetitions
from onward.quality.validation._findings import (
    ROW,
    Finding,
    find,
    format_example,
    format_finding,
    refuse_findings,
)
from onward.quality.validation._inspection import Inspection
from onward.table.sources import Table
from onward.wording import format_count

VALID_FILE, ACCEPTED_FILE = "read.parquet", "kept.parquet"  # temporary files of `prepare`
SET_ASIDE_FILE = "set_aside.csv"
IS_KEPT = "onward/kept"


def accept_rows(
    table: Table, contract: Contract, work: Path
) -> tuple[pl.LazyFrame, dict[str, Any]]:
    """The rows to use, and a report of the data quality.

    Args:
        table: the source; its row numbers become the column `ROW`.
        contract: the rules for rows, and the handling of invalid ones.
        work: a folder for temporary files, which `discard` removes, and for rows set aside.

    Raises:
        DataError: if rows break the contract and the settings refuse them.
    """
    findings = _read(table, contract, work)
    rows = contract.canonical(_with_row_numbers(work))
    height = {"read": findings[0].rows if findings else _height(rows)}
    if findings:
        height["not set aside"] = _height(rows)
    num_before = len(height)
    if contract.rows.without_target == "drop":
        rows = rows.filter(pl.col(contract.target.name).is_not_null())
        height["with a target"] = _height(rows)
    repeats = _repetitions(rows, contract)
    _refuse_repetitions(table, contract, repeats)
    if contract.rows.duplicates == "drop" and repeats.duplicates:
        rows = _drop(rows, contract, conflicts=False)
        height["without duplicates"] = _height(rows)
    if contract.rows.conflicts == "drop" and repeats.conflicts:
        rows = _drop(rows, contract, conflicts=True)
        height["without conflicts"] = _height(rows)
    if len(height) > num_before:
        rows = _rewrite(rows, work)
    return rows, {
        "checks": len(contract.readable(training=True)) + len(contract.rules(training=True)),
        "findings": [_summary(finding) for finding in findings],
        "rows": height,
        "duplicates": repeats.duplicates,
        "conflicts": repeats.conflicts,
        "changes": contract.changes(pl.scan_parquet(work / VALID_FILE)),
    }


def _rewrite(rows: pl.LazyFrame, work: Path) -> pl.LazyFrame:
    rows.sink_parquet(work / ACCEPTED_FILE, compression="lz4", row_group_size=CHUNK)
    return pl.scan_parquet(work / ACCEPTED_FILE)


def discard(work: Path) -> None:
    """Remove the temporary files, once the rows have been split."""
    for name in (VALID_FILE, ACCEPTED_FILE):
        (work / name).unlink(missing_ok=True)


def _read(table: Table, contract: Contract, work: Path) -> list[Finding]:
    """Write the valid rows, and return the findings in the others."""
    if contract.rows.invalid == "refuse":
        table.copy(contract.required_fields(training=True), work / VALID_FILE, CHUNK)
        rows = contract.canonical(pl.scan_parquet(work / VALID_FILE))
        refuse_findings(str(table.path), find(rows, contract.rules(training=True)), table.position)
        return []
    inspection = Inspection(table, contract, training=True)
    findings = inspection.findings()
    inspection.valid_rows().sink_parquet(work / VALID_FILE, compression="lz4", row_group_size=CHUNK)
    if findings:
        inspection.invalid_rows().sink_csv(work / SET_ASIDE_FILE)
    if not _height(pl.scan_parquet(work / VALID_FILE)):
        reasons = "\n".join(f"  {format_finding(finding, table.position)}" for finding in findings)
        raise DataError(
            f"{table.path}: all rows are invalid. Correct the table or the config\n{reasons}"
        )
    return findings


def _with_row_numbers(work: Path) -> pl.LazyFrame:
    rows = pl.scan_parquet(work / VALID_FILE)
    # if no rows were set aside, their numbers are consecutive
    return rows if ROW in rows.collect_schema() else rows.with_row_index(ROW, 1)


def _repetitions(rows: pl.LazyFrame, contract: Contract) -> Repetitions:
    counts = repetitions(rows, [column.name for column in contract.columns], contract.target.name)
    # equal rows with different numerical targets are noise, not conflicts
    return Repetitions(counts.duplicates, 0) if contract.target.task.is_number else counts


def _refuse_repetitions(table: Table, contract: Contract, counts: Repetitions) -> None:
    remedy = "Remove them, or set prepare.rows to drop or keep them"
    if contract.rows.duplicates == "refuse" and counts.duplicates:
        raise DataError(
            f"{table.path}: {format_count(counts.duplicates, 'duplicate')} of earlier rows."
            f" {remedy}"
        )
    if contract.rows.conflicts == "refuse" and counts.conflicts:
        raise DataError(
            f"{table.path}: {format_count(counts.conflicts, 'row')} with the same columns as an"
            f" earlier row, but another class. {remedy}"
        )


def _drop(rows: pl.LazyFrame, contract: Contract, *, conflicts: bool) -> pl.LazyFrame:
    names = [column.name for column in contract.columns]
    broken = duplicate_mask(rows, names, contract.target.name, conflicts=conflicts)
    marked = pl.concat([rows, pl.LazyFrame({IS_KEPT: ~broken})], how="horizontal")
    return marked.filter(IS_KEPT).drop(IS_KEPT)


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
        "examples": [format_example(example) for example in finding.examples],
    }
