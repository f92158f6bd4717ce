"""Number formats such as 1.234,5, 1,234.5 and 1 234,5."""

import re
from typing import Literal, Self

import polars as pl
from pydantic import model_validator

from onward.settings.family import Settings

GROUP_MARKS = {" ": "[ \u00a0\u2009\u202f]", "'": "['\u2019]"}
"""Interchangeable marks: ordinary and non-breaking blanks, straight and curly apostrophes."""
MINUS = "\u2212"  # the typographic minus
LEADING_ZERO = r"^[+-]?0[0-9]"  # as in codes
DIGITS = "^[+-]?[0-9]+$"
EXACT_BELOW = 2.0**53  # from here on float64 cannot represent all whole numbers
MIN_NUMBER_SHARE = 0.8  # of texts with digits in a column of numbers; others are exceptions


class Numerals(Settings):
    """Decimal and thousands marks."""

    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    """Optional mark between groups of three digits."""

    @model_validator(mode="after")
    def _points_differ(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(f"thousands: {self.thousands!r} is also `decimal`. Change one of them")
        return self

    @property
    def is_plain(self) -> bool:
        """Whether this is the plain format of programs."""
        return self.decimal == "." and not self.thousands

    def plain(self, text: pl.Expr) -> pl.Expr:
        """The number in plain format; null if ``text`` has digits but is not a number.

        Texts without digits stay unchanged: "nan", "inf", "n/a".
        """
        text = with_sign(text)
        if self.is_plain:
            return text
        plain = text.str.replace_all(self._group, "") if self.thousands else text
        if self.decimal != ".":
            plain = plain.str.replace(self.decimal, ".", literal=True)
        has_digits = text.str.contains("[0-9]")
        return pl.when(text.str.contains(self.pattern)).then(plain).when(~has_digits).then(text)

    def counts(self, texts: pl.DataFrame, least: float = MIN_NUMBER_SHARE) -> list[int]:
        """The number of values in this format by column; 0 for columns of another type.

        Args:
            texts: the columns.
            least: share of numbers in a column of numbers; the others may be marks for missing.
        """
        signed = with_sign(pl.col("value").str.strip_chars())
        flags = texts.unpivot().select(  # one column: an expression for each takes minutes if wide
            present=signed != "",
            digits=signed.str.contains("[0-9]"),
            numbers=signed.str.contains(self.pattern),
        )
        present, digits, numbers = (
            flag.fill_null(False).to_numpy().reshape(texts.shape[::-1]).sum(axis=1).tolist()
            for flag in flags
        )
        return [
            number if number >= max(MIN_NUMBER_SHARE * digit, least * values) else 0
            for number, digit, values in zip(numbers, digits, present, strict=True)
        ]

    def to_plain_column(self, texts: pl.Series) -> pl.Series:
        """A column of numbers in plain format; other columns unchanged."""
        if self.is_plain or not any(self.counts(texts.to_frame())):
            return texts
        name, stripped = pl.col(texts.name), pl.col(texts.name).str.strip_chars()
        frame = texts.to_frame().with_columns(pl.coalesce(self.plain(stripped), name))
        return frame.to_series()

    @property
    def pattern(self) -> str:
        """A pattern for numbers, without surrounding blanks."""
        point = re.escape(self.decimal)
        whole = "[0-9]+"
        if self.thousands:
            groups = f"[0-9]{{1,3}}(?:{self._group}[0-9]{{3}})+"
            if self.thousands == ",":  # also Indian grouping
                groups += "|[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}"
            whole = f"(?:[0-9]+|{groups})"
        return f"^[+-]?(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?$"

    @property
    def _group(self) -> str:
        return GROUP_MARKS.get(self.thousands, re.escape(self.thousands))


PLAIN = Numerals()


def with_sign(text: pl.Expr) -> pl.Expr:
    """Convert negative numbers in accounting notation to plain format.

    Example:
        >>> texts = pl.DataFrame({"x": ["(57)", "57-", "\u22121.5", "-3"]})
        >>> texts.select(with_sign(pl.col("x"))).to_series().to_list()
        ['-57', '-57', '-1.5', '-3']
    """
    is_odd = (
        text.str.ends_with(")")
        | text.str.ends_with("-")
        | text.str.starts_with(MINUS)
        | text.str.ends_with(MINUS)
    )
    # few texts reach the patterns, so they are cheap
    odd: pl.Expr = pl.when(is_odd).then(text)
    for pattern in (rf"^{MINUS}([0-9].*)$", r"^\(([0-9][^()]*)\)$", rf"^([0-9].*)[-{MINUS}]$"):
        odd = odd.str.replace(pattern, "-${1}")
    return pl.coalesce(odd, text)


def numbers_in(texts: pl.Series) -> pl.Series:
    """Float64; null for texts that are not numbers or would lose digits."""
    text = pl.col(texts.name).str.strip_chars()
    written = with_sign(text)
    number = written.cast(pl.Float64, strict=False)
    is_rounded = pl.when(number.abs() >= EXACT_BELOW).then(written).str.contains(DIGITS)
    is_lossy = text.str.contains(LEADING_ZERO) | is_rounded | ~number.is_finite()
    exact = pl.when(~is_lossy.fill_null(value=False)).then(number)
    return texts.to_frame().select(exact.alias(texts.name)).to_series()
