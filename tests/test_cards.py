"""The cards are Markdown, filled from the run, and hold whatever is in the data."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from finished_stages import finish
from hypothesis import given
from hypothesis import strategies as st

from onward.report.markdown import plain, table
from onward.stages import evaluate, report

EVIL = "<script>alert(1)</script> | [x](y) *z*"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """One for each kind of target; no test changes them."""
    made = {}
    for task, classes in (("binary", ("no", EVIL)), ("regression", ())):
        folder = tmp_path_factory.mktemp(task)
        finish(folder, task, numbers=("age", EVIL + "1"), classes=classes)
        evaluate.run(evaluate.Settings(), folder)
        report.run(report.Settings(), folder)
        made[task] = folder
    return made


every_task = pytest.mark.parametrize("task", ["binary", "regression"])
every_card = pytest.mark.parametrize("card", ["model_card.md", "data_card.md"])


def text_of(folder: Path, card: str) -> str:
    return (folder / "report" / card).read_text(encoding="utf-8")


@every_task
def test_the_model_card_has_the_sections_of_its_source(
    folders: Mapping[str, Path], task: str
) -> None:
    sections = re.findall(r"^## (.*)$", text_of(folders[task], "model_card.md"), re.MULTILINE)
    assert sections == [
        "Model details",
        "Intended use",
        "Factors",
        "Metrics",
        "Evaluation data",
        "Training data",
        "Quantitative analyses",
        "Ethical considerations",
        "Caveats and recommendations",
    ]


@every_task
def test_the_model_card_has_the_numbers_of_the_evaluation(
    folders: Mapping[str, Path], task: str
) -> None:
    card = text_of(folders[task], "model_card.md")
    metrics = json.loads((folders[task] / "evaluate" / "comparison.json").read_text())
    name, title = {"binary": ("auc", "AUC ↑"), "regression": ("r2", "R² ↑")}[task]
    line = next(line for line in card.splitlines() if line.startswith(f"| {title}"))
    for who in ("model", "constant", "linear", "boosted_trees"):
        value = f"{metrics[who][name]['value']:z.3f}".replace("-", "\u2212")
        assert f"| {value} |" in line


def test_the_measured_coverage_stands_beside_the_nominal_one(
    folders: Mapping[str, Path],
) -> None:
    card = text_of(folders["regression"], "model_card.md")
    assert "| Interval coverage (nominal 90 %)" in card
    assert "the 90 % prediction interval contains the actual value in " in card
    assert "Interval coverage (nominal 90 %)" in text_of(folders["regression"], "report.html")


def test_the_data_card_has_the_counts_of_the_table(folders: Mapping[str, Path]) -> None:
    card = text_of(folders["binary"], "data_card.md")
    for words in ("220 rows", "| test | 60 |", "another spelling", "every row has another value"):
        assert words in card
    assert "the licence" in card


@every_task
@every_card
def test_tables_have_as_many_cells_as_heads(
    folders: Mapping[str, Path], task: str, card: str
) -> None:
    for block in text_of(folders[task], card).split("\n\n"):
        if block.startswith("|"):
            cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
            assert len(cells) == 1, block


@every_task
@every_card
def test_names_in_the_data_are_no_markup(folders: Mapping[str, Path], task: str, card: str) -> None:
    text = text_of(folders[task], card)
    assert not re.search(r"(?<!\\)<script", text)
    assert not re.search(r"(?<!\\)\[x", text)
    assert "alert" in text


@every_card
def test_no_blank_is_left_to_fill(folders: Mapping[str, Path], card: str) -> None:
    assert not re.search(r"TODO|TBD|lorem|N/A|\bNone\b|\bnan\b", text_of(folders["binary"], card))


@given(st.text())
def test_plain_text_stays_in_its_cell(text: str) -> None:
    lines = table(["a"], [[text]]).splitlines()
    assert len(lines) == 3
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", lines[2])) == 2
    assert "\n" not in plain(text)
