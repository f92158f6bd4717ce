"""A condition of a config can compute, and can do nothing else."""

import random
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from onward.table.checks._sql import (
    FUNCTIONS,
    KEYWORDS,
    MAX_CHARACTERS,
    MAX_DEPTH,
    TYPES,
    plain_sql,
)
from onward.table.checks.expression import Expression

TABLE = pl.DataFrame(
    {"a": [1.5, None, -2.0, 1e300], "b": [0.0, 1.0, 2.5, None], "s": ["abc", "", "it's", None]}
)
COMPUTED = {
    "a >= b": [True, None, False, None],
    "a IS NOT NULL AND (b < 2 OR b IS NULL)": [True, False, False, True],
    "a BETWEEN -2 AND .5": [False, None, True, False],
    "a + 1 > b * 2 - 1 / 2": [True, None, False, None],
    "a IS DISTINCT FROM b": [True, True, True, True],
    '"a" <> `b`': [True, None, True, None],
    "lower(s) IN ('abc', 'it''s')": [True, False, True, None],
    "s LIKE '%b%' OR length(s) = 4": [True, False, True, None],
    "s REGEXP '^[a-c]+$'": [True, False, False, None],
    "CASE WHEN a > 1 THEN b ELSE 1 END < 1": [True, False, False, None],
    "COALESCE(CAST(s AS DOUBLE), a) > 1": [True, None, False, True],
    "round(abs(a), 1) = 1.5": [True, None, False, False],
    "s || 'x' = 'x'": [False, True, False, None],
    "a - -1 > 0": [True, None, False, True],
}
REFUSED = {
    "a IN (SELECT a FROM read_csv('/etc/passwd'))": "'FROM' is not allowed",
    "(TABLE t) > a": "the operator between TABLE and t is missing",
    "EXISTS (a)": "there is no function EXISTS",
    "a = (SELECT 1)": "the operator between SELECT and 1 is missing",
    "a IS DISTINCT FROM read_csv('t.csv')": "there is no function READ_CSV",
    "a = read_parquet('http://127.0.0.1/x')": "there is no function READ_PARQUET",
    "LPAD(s, 2000000000, 'x') = 'x'": "there is no function LPAD",
    "REPLACE(s, 'a', 'aa') = 'x'": "there is no function REPLACE",
    "LOWR(s) = 'x'": r"Did you mean 'LOWER'\?",
    "SUM(a) OVER (PARTITION BY s) > 1": "there is no function SUM",
    "CAST(a AS BLOB) = 1": "there is no type BLOB",
    "a = 1 -- b": "'-- b', at character 7, is invalid",
    "a /* b */ = 1": "is invalid",
    "a = 1; DELETE FROM t": "';",
    "s = 'x": "is invalid",
    "s = $$x$$": "is invalid",
    "s = E'\\x41'": "the operator between E and '",
    "a[1] = 1": "is invalid",
    "a > 1" + " AND a > 1" * 2_000: f"Use at most {MAX_CHARACTERS}",
    "(" * 30 + "a" + ")" * 30: f"more than {MAX_DEPTH} deep",
    "a = " + "- " * 400 + "1": "unable to parse",
    "s = '\ud800'": "half a character, at character 6",
    "s = E'\ud800'": "half a character, at character 7",  # the message would repeat it
}
MARKS = (
    "SELECT FROM a b s read_csv WITH UNION TABLE VALUES EXISTS LATERAL JOIN INTO COPY ATTACH OVER"
    " LPAD REPEAT ABS LENGTH CAST AS DOUBLE AND OR NOT IN IS NULL CASE WHEN THEN ELSE END DISTINCT"
    " LIKE BETWEEN ANY ALL UNNEST STRUCT INTERVAL PIVOT EXCEPT REPLACE '/etc/passwd' 'x' \"a\""
    " ' \" ` ( ) ( ) , . ; * + - / % = < > || :: [ ] { } $$ \\ 1 .5 1e9 1e999 \x00 \ud800 é # @ ?"
)


WORDS = MARKS.split(" ")


def condition(text: str) -> Expression:
    return Expression(Expression.Config(type="expression", holds=text))


def hostile(count: int) -> list[str]:
    """Texts of words that mean something to some database."""
    draw = random.Random(0)
    return [
        draw.choice(["a = ", "a IN (", "", "s = "])
        + draw.choice([" ", "", "\n"]).join(draw.choices(WORDS, k=draw.randrange(1, 40)))
        + draw.choice(["", ")", " > 1", "'"])
        for _ in range(count)
    ]


@pytest.mark.parametrize("text", COMPUTED)
def test_conditions_are_computed_as_in_sql(text: str) -> None:
    holds = TABLE.select(holds=~condition(text).rule().broken)["holds"]
    assert holds.to_list() == COMPUTED[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_does_more_than_compute_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=REFUSED[text]):
        condition(text)


def test_every_function_of_the_list_is_one_of_polars() -> None:
    one, two = "ABS(a)", "POW(a, 2)"
    forms = [one, two, "LOWER(s)", "STARTS_WITH(s, 'a')", "CONCAT_WS('-', s, s)", "IF(a > 1, a, b)"]
    casts = ["CAST(a AS DOUBLE)", "SUBSTR(s, 1, 2)", "NULLIF(a, b)", "LEFT(s, 1)"]
    for name in sorted(FUNCTIONS):
        wording = [re.sub(r"^\w+", name, form) for form in (*forms, *casts)]
        assert any(_is_computed(f"{text} IS NULL") for text in wording), name


def _is_computed(text: str) -> bool:
    try:
        TABLE.select(condition(text).rule().broken)
    except (ValidationError, pl.exceptions.PolarsError):
        return False
    return True


def _words_of(sql: str) -> set[str]:
    bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", " ", sql)
    return {word for word in re.findall(r"\w+", bare) if not word[0].isdigit()}


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join)))
def test_polars_sees_no_word_that_is_not_on_the_lists(text: str) -> None:
    try:
        sql = plain_sql(text)
    except ValueError:
        return
    assert _words_of(sql) <= KEYWORDS | FUNCTIONS | TYPES
    assert not re.search(r"--|/\*|;", re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", "", sql))


def _refused_or_computed(text: str) -> None:
    try:
        broken = condition(text).rule().broken
    except ValidationError:
        return
    try:
        TABLE.lazy().select(broken).collect(engine="streaming")
    except pl.exceptions.PolarsError:  # the contract tries it on odd values, and refuses it then
        return


def test_some_hostile_conditions_are_refused_or_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in hostile(200):
        _refused_or_computed(text)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_many_hostile_conditions_are_refused_or_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in hostile(20_000):
        _refused_or_computed(text)
    assert not list(tmp_path.iterdir())
