"""Tables in all dialects that people export: none crashes, and no value changes in silence."""

import sys
from pathlib import Path

import pytest
from fuzz_tables import DATES, ENCODINGS, MARKS, NUMBERS, violations

FAST, SLOW = 100, 2_000  # tables


def test_the_grammar_has_what_people_export() -> None:
    assert len(DATES) >= 40
    assert len(NUMBERS) >= 30
    assert len(MARKS) >= 30
    assert len(ENCODINGS) >= 15


@pytest.mark.parametrize("part", range(4))
def test_tables_are_called_what_they_are_and_no_value_changes(part: int, tmp_path: Path) -> None:
    assert _wrong(range(part * FAST // 4, (part + 1) * FAST // 4), tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_2_000_tables_are_called_what_they_are(part: int, tmp_path: Path) -> None:
    seeds = range(FAST + part * SLOW // 10, FAST + (part + 1) * SLOW // 10)
    wrong = _wrong(seeds, tmp_path)
    sys.stdout.write(f"seeds {seeds[0]} to {seeds[-1]}: {len(wrong)} violations\n")
    assert wrong == []


def _wrong(seeds: range, folder: Path) -> list[str]:
    return [f"seed {seed}: {what}" for seed in seeds for what in violations(seed, folder)]
