"""The contract that every type of derivation keeps. A new type is tested as its file exists."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.preprocessing.columns import Column
from onward.preprocessing.derivations import Derivation, model_of
from onward.preprocessing.graph import session
from onward.preprocessing.out_of_fold import Deriving
from onward.schema import SemanticType, Target

every_type = pytest.mark.parametrize("name", sorted(Derivation.members))
NUMBER = Target("y", "number")
DATE = "2024-02-29"


def built(type_: str, **changes: Any) -> Derivation:
    member = Derivation.members[type_]
    config = {"name": "x", **member.example_settings, **changes}
    made: Derivation = member(member.Config(**config))
    return made


def raw_columns(derivation: Derivation, values: Sequence[Sequence[Any]]) -> list[Column]:
    """Columns of the types that fit what it reads them as, and the values that it has."""
    columns: list[Column] = []
    for (name, kind), row in zip(derivation.reads.items(), zip(*values, strict=True), strict=True):
        is_text = kind != "number" and any(isinstance(value, str) for value in row)
        text = "datetime" if kind == "date" else "categorical"
        member = Column.members[text if is_text else "numerical"]
        columns.append(member(member.Config(name=name)))
    return columns


def table(columns: Sequence[Column], values: Sequence[Sequence[Any]]) -> pl.LazyFrame:
    parts = list(zip(*values, strict=True)) or [()] * len(columns)
    return pl.LazyFrame(
        [
            pl.Series(c.name, part, pl.Float64 if c.wire == "number" else pl.String, strict=False)
            for c, part in zip(columns, parts, strict=True)
        ]
    )


class Example:
    """A derivation that has learned from its examples, as a graph."""

    def __init__(self, *derivations: Derivation) -> None:
        self.derivations = derivations
        examples = list(derivations[0].examples)
        self.columns = raw_columns(derivations[0], examples)
        deriving = Deriving(self.columns, derivations, 0)
        rows = table(self.columns, examples)
        deriving.fit(rows, np.arange(1.0, len(examples) + 1), NUMBER)
        wanted: dict[str, SemanticType] = {
            each.name: "number" if each.wire == "number" else "category" for each in derivations
        }
        self.session = session(model_of(self.columns, derivations, wanted))

    def __call__(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """The values of the first derivation, None for missing."""
        parts = list(zip(*rows, strict=True)) or [()] * len(self.columns)
        feed = {}
        for column, part in zip(self.columns, parts, strict=True):
            missing, dtype = (math.nan, np.float64) if column.wire == "number" else ("", object)
            values = [missing if value is None else value for value in part]
            feed[column.name] = np.array(values, dtype).reshape(-1, 1)
        first, *others = self.session.run(None, feed)
        for other in others:
            np.testing.assert_array_equal(first, other)
        assert first.shape == (len(rows), 1)
        return [None if value in ("", None) or value != value else value for value in first[:, 0]]


def hostile(kind: str) -> st.SearchStrategy[Any]:
    dates = st.sampled_from([DATE, "2023-02-29", "0001-01-01", "9999-12-31T23:59:59+23:59"])
    numbers = st.floats() | st.sampled_from([2.0**53 + 2, 1e308, -1e308, 5e-324, -0.0])
    texts = st.text() | st.sampled_from(["Köln", " & ", "日本語", "a" * 10_000])
    return st.none() | {"number": numbers, "category": texts, "date": dates | st.text()}[kind]


@every_type
def test_type_is_the_name_of_the_file(name: str) -> None:
    assert Derivation.members[name].__module__ == f"onward.preprocessing.derivations.{name}"


@every_type
def test_examples_become_their_values(name: str) -> None:
    derivation = built(name)
    got = Example(derivation)(list(derivation.examples))
    want = list(derivation.examples.values())
    if derivation.wire == "text":
        assert got == want
    else:
        np.testing.assert_allclose(np.array(got, float), np.array(want, float), 1e-7, 1e-7)


@every_type
def test_alike_derivations_do_not_mix(name: str) -> None:
    both = Example(built(name), built(name, name="again"))  # compares them at each call
    both(list(both.derivations[0].examples))


@every_type
@settings(max_examples=30)
@given(st.data())
def test_values_are_finite_and_no_row_depends_on_another(name: str, data: st.DataObject) -> None:
    derivation = built(name)
    example = EXAMPLES.setdefault(name, Example(derivation))
    kinds = [
        "number" if column.wire == "number" else kind
        for kind, column in zip(derivation.reads.values(), example.columns, strict=True)
    ]
    unseen = st.tuples(*map(hostile, kinds))
    rows = data.draw(st.lists(st.sampled_from(list(derivation.examples)) | unseen))

    together = example(rows)

    assert not any(value in (math.inf, -math.inf) for value in together)
    assert [example([row])[0] for row in rows] == together


EXAMPLES: dict[str, Example] = {}


@every_type
def test_ten_thousand_hostile_rows_do_no_harm(name: str) -> None:
    derivation, draw = built(name), np.random.default_rng(0)
    example = Example(derivation)
    floats = np.frombuffer(draw.bytes(80_000)).tolist()  # all exponents, NaN with payloads
    letters = list("aB09 .:-TZé日\u0301\U0001f600\t\n\0")
    texts = ["".join(draw.choice(letters, draw.integers(0, 12))) for _ in range(10_000)]
    columns = [floats if column.wire == "number" else texts for column in example.columns]
    rows = [*zip(*columns, strict=True), *list(derivation.examples) * 10]

    together = example(rows)

    assert not any(value in (math.inf, -math.inf) for value in together)
    assert example(rows[::-1])[::-1] == together
    assert [example([row])[0] for row in rows[::499]] == together[::499]
