"""Schemas of pandera are rules like all others: rows, values, reasons."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onward.errors import ConfigError
from onward.quality.validation._findings import find
from onward.rules import Rule
from onward.table.checks import Check

pandera = pytest.importorskip("pandera.polars")


class Orders(pandera.DataFrameModel):  # type: ignore[misc, name-defined]
    price: float = pandera.Field(gt=0, nullable=True)
    town: str = pandera.Field(isin=["a", "b"])
    n: float = pandera.Field(unique=True)

    @pandera.dataframe_check  # type: ignore[untyped-decorator]
    def cheap(cls, data: Any) -> Any:  # noqa: N805
        return data.lazyframe.select(pl.col("price") < 10 * pl.col("n"))

    @pandera.dataframe_check  # type: ignore[untyped-decorator]
    def few(cls, data: Any) -> Any:  # noqa: N805
        return data.lazyframe.select(pl.col("price").sum() < 1000)


FRAME = pl.DataFrame(
    {
        "n": [1.0, 2.0, 3.0, 1.0, 5.0],
        "price": [2.0, -3.0, None, 9.0, 400.0],
        "town": ["a", None, "c", "b", "a"],
    }
)
SCRIPT = """
import pandera.polars as pandera

class Rides(pandera.DataFrameModel):
    age: float = pandera.Field(lt=60)
    city: str = pandera.Field(str_length={"min_value": 3})
"""
CONFIG = """\
plugins: [mine]
prepare:
  source: {type: csv, path: t.csv}
  target: {name: pay, kind: number}
  split: {type: random, validation: 0.2, test: 0.2}
  rows: {invalid: INVALID}
  checks: [{type: pandera, model: Rides}]
  columns: {age: {type: numerical}}
"""


def rule(model: str = "Orders") -> Rule:
    member = Check.members["pandera"]
    built: Check = member(member.Config(model=model))
    return built.rule()


def found(frame: pl.DataFrame) -> dict[str, tuple[int, ...]]:
    """For each broken rule the rows."""
    return {f"{each.columns} {each.rule.what}": each.first for each in find(frame.lazy(), [rule()])}


def test_rows_that_a_schema_refuses_are_found_by_check() -> None:
    assert found(FRAME) == {
        "'price' values that violate `greater_than` of Orders": (2,),
        "'town' no value, which violates Orders": (2,),
        "'town' values that violate `isin` of Orders": (3,),
        "'n' a duplicate value, which violates Orders": (1, 4),
        "'price', 'town', 'n' values that violate `cheap` of Orders": (5,),
    }


def test_what_is_said_of_the_whole_table_is_broken_by_each_row() -> None:
    many = FRAME.with_columns(price=pl.lit(900.0), n=pl.int_range(5) + 1000.0, town=pl.lit("a"))
    assert found(many) == {
        "'price', 'town', 'n' values that violate `few` of Orders": (1, 2, 3, 4, 5)
    }


@given(st.lists(st.sampled_from([1.0, 2.0, -1.0, None]), min_size=1, max_size=12))
def test_the_rows_are_those_that_break_the_condition(values: list[float | None]) -> None:
    rows = range(1, len(values) + 1)
    frame = pl.DataFrame(
        {"n": [row + 10.0 for row in rows], "price": values, "town": "b"},
        schema={"n": pl.Float64, "price": pl.Float64, "town": pl.String},
    )
    wrong = [row for row, value in zip(rows, values, strict=True) if value == -1.0]
    expected = {"'price' values that violate `greater_than` of Orders": tuple(wrong[:5])}
    assert found(frame) == (expected if wrong else {})


def test_a_schema_of_other_types_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"Orders does not fit the table.*'town'.*Float64"):
        found(FRAME.with_columns(town=pl.lit(1.0)))


def test_a_class_that_no_plugin_defines_is_no_model() -> None:
    with pytest.raises(ValueError, match=r"0 classes are named 'Order'.*plugins: .*Orders"):
        rule("Order")


@pytest.mark.parametrize("invalid", ["refuse", "set_aside"])
def test_validate_and_prepare_ask_the_schema(invalid: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SCRIPT)
    rows = [f"{21 + row % 30},{'Köln' if row % 3 else 'Rom'},{row}" for row in range(60)]
    rows += ["70,Rom,1", "71,X,2", "12345678901234567890,Rom,3"]
    (tmp_path / "t.csv").write_text("\n".join(["age,city,pay", *rows]))
    (tmp_path / "c.yaml").write_text(CONFIG.replace("INVALID", invalid))

    def onward(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "onward", *words]
        environment = {
            "COLUMNS": "150",
            "PYTHONPATH": f"{Path(__file__).parents[1]}/src:{tmp_path}",
        }
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr

    code, said = onward("validate", "c.yaml")
    assert code == 65
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert "'city' 1 1.59% values that violate `str_length` of Rides 62 'X'" in lines
    assert "'age' 2 3.17% values that violate `less_than` of Rides 61, 62 '70'; '71'" in lines
    code, said = onward("prepare", "c.yaml")
    if invalid == "refuse":
        assert code == 65
    else:
        assert code == 0, said
        aside = (tmp_path / "artifacts/c/prepare/set_aside.csv").read_text()
        assert ",71,2,X\n" in aside
        assert aside.count("\n") == 4
