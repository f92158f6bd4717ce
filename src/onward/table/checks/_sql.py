"""The subset of SQL for conditions on one row."""

import re
from collections.abc import Iterator
from itertools import pairwise

from onward.errors import suggestion

MAX_CHARACTERS = 1_000  # characters
MAX_DEPTH = 20  # nested parentheses and CASEs

TOKEN = re.compile(
    r"""
    (?P<space> \s+)
  | (?P<text> '(?:[^']|'')*')
  | (?P<name> "(?:[^"]|"")*" | `[^`]*`)
  | (?P<number> (?:\d+\.?\d*|\.\d+) (?:[eE][+-]?\d+)? (?![\w.]))
  | (?P<word> [^\W\d]\w*)
  | (?P<sign> <=> | <= | >= | <> | != | == | \|\| | -(?!-) | /(?![/*]) | [+*%=<>(),])
    """,
    re.VERBOSE,
)
SURROGATE = re.compile(r"[\ud800-\udfff]")  # half of a character, which UTF-8 does not have
FRACTION = re.compile(r"\d+\.\d*|\.\d+")

WORDS = re.compile(r"\w+")
KEYWORDS = frozenset(
    WORDS.findall("""
    AND OR NOT IS NULL TRUE FALSE DISTINCT FROM IN BETWEEN LIKE ILIKE RLIKE REGEXP
    CASE WHEN THEN ELSE END AS
    """)
)
TYPES = frozenset(WORDS.findall("DOUBLE FLOAT INTEGER INT BIGINT VARCHAR TEXT BOOLEAN"))
FUNCTIONS = frozenset(
    WORDS.findall("""
    ABS CEIL CEILING FLOOR ROUND SIGN SQRT CBRT EXP LN LOG2 LOG10 LOG1P POW POWER MOD SIN COS TAN
    GREATEST LEAST COALESCE NULLIF IFNULL IF CAST TRY_CAST
    LOWER UPPER INITCAP REVERSE LENGTH CHAR_LENGTH CHARACTER_LENGTH OCTET_LENGTH LEFT RIGHT
    SUBSTR SUBSTRING TRIM LTRIM RTRIM STARTS_WITH ENDS_WITH STRPOS CONCAT CONCAT_WS REGEXP_LIKE
    """)
)
"""Functions of polars on one row; none returns a text longer than all its arguments.

REPLACE, REPEAT and LPAD are excluded: nested calls could fill the memory.
"""


def plain_sql(text: str) -> str:
    r"""A safe version of the condition, which can only compute a value.

    Each word is a keyword or a function of the lists above, or becomes the quoted name of a
    column. So SELECT and FROM reach polars only as quoted names.

    Raises:
        ValueError: with the part of the condition that is not allowed.

    Example:
        >>> plain_sql("ended >= started AND lower(city) <> 'x' AND km < .5")
        '"ended" >= "started" AND LOWER ( "city" ) <> \'x\' AND "km" < .5e0'
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(
            f"the condition has {len(text)} characters. Use at most {MAX_CHARACTERS}, or two checks"
        )
    if half := SURROGATE.search(text):
        raise ValueError(
            f"the condition has half a character, at character {half.start() + 1}. Remove it"
        )
    tokens = list(_tokens(text))
    _refuse_deep(tokens)
    words = [*tokens, ("end", "")]
    plain = [
        _translate(kind, token, before=words[index - 1][1], after=words[index + 1][1])
        for index, (kind, token) in enumerate(tokens)
    ]
    _refuse_neighbors(tokens)
    return " ".join(plain)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    start = 0
    while start < len(text):
        match = TOKEN.match(text, start)
        if match is None:
            raise ValueError(
                f"{text[start : start + 20]!r}, at character {start + 1}, is invalid. A"
                " condition has names, numbers, texts in single quotes, operators and functions"
            )
        start, kind = match.end(), str(match.lastgroup)
        if kind != "space":
            yield kind, match[0]


def _refuse_deep(tokens: list[tuple[str, str]]) -> None:
    depth = 0
    for kind, token in tokens:
        opens = token == "(" or (kind == "word" and token.upper() in ("CASE", "NOT"))
        closes = token == ")" or (kind == "word" and token.upper() == "END")
        depth += opens - closes
        if depth > MAX_DEPTH:
            raise ValueError(
                f"parentheses are nested more than {MAX_DEPTH} deep. Use several checks"
            )


def _refuse_neighbors(tokens: list[tuple[str, str]]) -> None:
    """Refuse adjacent values: SQL would read the second as an alias of the first."""
    for first, second in pairwise(tokens):
        if _is_value(*first) and _is_value(*second):
            raise ValueError(f"the operator between {first[1]} and {second[1]} is missing")


def _is_value(kind: str, token: str) -> bool:
    is_name = kind == "word" and token.upper() not in KEYWORDS
    return is_name or kind in ("name", "text", "number")


def _translate(kind: str, token: str, before: str, after: str) -> str:
    if kind == "name":
        inside = token[1:-1].replace('""', '"') if token[0] == '"' else token[1:-1]
        return _quote(inside)
    if kind == "number" and FRACTION.fullmatch(token):
        return f"{token}e0"  # without an exponent, a fraction is a decimal number, compared as text
    if kind != "word":
        return token
    word = token.upper()
    if before.upper() == "AS":
        return _listed_word(word, TYPES, "type")
    if word == "FROM":
        return _from(token, before)
    if word in KEYWORDS:
        return word
    return _function(word) if after == "(" else _quote(token)


def _function(word: str) -> str:
    name = _listed_word(word, FUNCTIONS, "function")
    return "TRY_CAST" if name == "CAST" else name  # an invalid number becomes null, not an error


def _from(token: str, before: str) -> str:
    if before.upper() != "DISTINCT":  # of IS DISTINCT FROM
        raise ValueError(f"{token!r} is not allowed: a condition reads one row, not a table")
    return "FROM"


def _listed_word(word: str, words: frozenset[str], what: str) -> str:
    if word not in words:
        raise ValueError(f"there is no {what} {word}. {suggestion(word, sorted(words))}")
    return word


def _quote(name: str) -> str:
    doubled = name.replace('"', '""')
    return f'"{doubled}"'
