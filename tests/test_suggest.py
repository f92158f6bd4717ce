"""`onward suggest` finds what was planted, and nothing in noise."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from onward.__main__ import app
from onward.evaluation.suggestions._candidates import Readable, candidates
from onward.preprocessing.derivations import Derivation
from onward.settings.config import section
from onward.stages.prepare import Settings

ROWS = 800
CLASSES = "classes, classes: [x, y, z]"
CONFIG = """\
prepare:
  source: {type: csv, path: t.csv}
  target: {name: y, kind: KIND}
  split: {type: random, validation: 0.3, test: 0.1}
DERIVE  columns:
READ    a: {type: numerical}
    b: {type: numerical}
    city: {type: categorical}
    start: {type: datetime}
    end: {type: datetime}
"""


def table(seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Columns of noise, and the minutes between two of them."""
    draw = np.random.default_rng(seed)
    minutes = draw.integers(1, 120, ROWS)
    first = np.datetime64("2024-01-01T00:00:00")
    start = first + draw.integers(0, 500_000, ROWS).astype("timedelta64[m]")
    end = start + minutes.astype("timedelta64[m]")
    cities = pl.Series(draw.choice([f"c{place}" for place in range(20)], ROWS))
    frame = pl.DataFrame(draw.uniform(1, 9, (ROWS, 2)), ["a", "b"]).with_columns(
        city=cities,
        start=pl.Series(np.datetime_as_string(start)),
        end=pl.Series(np.datetime_as_string(end)),
    )
    return frame, minutes


def suggested(folder: Path, frame: pl.DataFrame, kind: str) -> str:
    frame.write_csv(folder / "t.csv")
    text = CONFIG.replace("KIND", kind).replace("DERIVE", "").replace("READ", "")
    (folder / "c.yaml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = CliRunner().invoke(app, ["suggest", "c.yaml"])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in folder.iterdir()) == ["c.yaml", "t.csv"]
    return done.stdout


def test_finds_the_duration_and_its_lines_are_a_config(tmp_path: Path) -> None:
    frame, minutes = table(0)
    noise = np.random.default_rng(1).normal(size=ROWS)
    said = suggested(tmp_path, frame.with_columns(y=minutes + noise), "number")
    lines = said.splitlines()
    wanted = "    start_to_end: {type: elapsed, start: start, end: end, unit: minutes}"
    assert wanted in lines
    derive, columns = (
        lines.index("  derive:"),
        lines.index("  columns:  # add to the existing columns"),
    )
    derived = "\n".join(lines[derive:columns]) + "\n"
    read = "\n".join(lines[columns + 1 :]) + "\n"
    text = CONFIG.replace("KIND", "number").replace("DERIVE", derived).replace("READ", read)
    (tmp_path / "c.yaml").write_text(text)
    settings = section(tmp_path / "c.yaml", "prepare", Settings)
    assert [each.name for each in settings.derive] == ["start_to_end"]


@pytest.mark.slow
def test_finds_a_ratio_that_tells_classes_apart(tmp_path: Path) -> None:
    frame, _ = table(0)
    said = suggested(
        tmp_path,
        frame.with_columns(
            y=pl.when(pl.col("a") > pl.col("b")).then(pl.lit("high")).otherwise(pl.lit("low"))
        ),
        "classes, classes: [low, high]",
    )
    assert "expression: " in said
    assert "a_minus_b" in said or "a_per_b" in said


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        (CLASSES, 0),
        *(
            pytest.param(kind, seed, marks=pytest.mark.slow)
            for kind in ("number", CLASSES)
            for seed in range(1, 11)
        ),
    ],
)
def test_finds_nothing_in_noise(tmp_path: Path, kind: str, seed: int) -> None:
    frame, _ = table(seed)
    draw = np.random.default_rng(seed + 100)
    target = draw.normal(size=ROWS) if kind == "number" else draw.choice(["x", "y", "z"], ROWS)
    said = suggested(tmp_path, frame.with_columns(y=pl.Series(target)), kind)
    assert said.splitlines()[-1] == "no derived column lowers it significantly"


def test_candidates_have_names_of_their_own_and_read_what_is_there() -> None:
    readable = Readable(["a", "b c"], ["city", CLASSES], {("x", "y"): -90.0}, is_one_number=True)
    found = candidates(readable, reserved=["a plus b c"])
    names = [each.name for each in found]
    others = candidates(readable, reserved=["y_to_x"])
    assert not [part for each in others for part in each.derivations if part.name == "y_to_x"]
    assert len(set(names)) == len(names)
    assert "a plus b c" not in names
    by_name = {each.name: each for each in found}
    assert by_name["a per b c"].description == 'a / "b c"'
    assert by_name["y_to_x"].description == "x - y, in seconds"
    for candidate in found:
        known = {"a", "b c", "city", CLASSES, "x", "y"}
        for part in candidate.derivations:
            assert isinstance(part, Derivation)
            assert known >= set(part.reads)
            known.add(part.name)
