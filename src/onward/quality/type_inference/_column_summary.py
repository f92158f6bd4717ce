"""What there is to see in a column of text or of numbers."""

from dataclasses import dataclass

import polars as pl

# lower case, without blanks around them
TOKENS = ("", "-", ".", "?", "#n/a", "error", "n/a", "na", "nan", "null", "unknown")
SENTINELS = r"^-9{2,5}([.]0)?$"  # numbers that stand for missing, where no other is negative
MOST_ODD = 5  # texts among numbers that count as missing; more are a sign of categories
MOSTLY = 0.8  # share of numbers from which on such texts are the exception
LARGEST = 2.0**53  # the last float64 before whole numbers begin to fall together
SHOWN = 60  # letters of a value in a reason
LEADING_ZERO = r"^[+-]?0\d"


@dataclass(frozen=True)
class Sight:
    """The values of a column, and those that only say that there is none."""

    name: str
    rows: int
    texts: pl.Series
    """Values that are not missing."""
    missing: tuple[str, ...]
    """Texts found that mean the value is missing, beside the empty one."""
    numbers: pl.Series | None
    """The same values, if all of them are numbers."""
    unreadable: pl.Series
    """Those of the values that are no numbers."""
    distinct: int
    decimal: str
    """The decimal mark of the file."""

    @property
    def is_whole(self) -> bool:
        """Whether all values are whole numbers."""
        return self.numbers is not None and bool((self.numbers == self.numbers.floor()).all())

    @property
    def recurring(self) -> float:
        """Share of the rows whose value is in another row too: will new rows bring known values?

        Source: Good 1953, "The population frequencies of species": the share of the species seen
        once estimates how much of the population is still unseen.
        """
        return int(self.texts.is_duplicated().sum()) / max(1, len(self.texts))

    @property
    def words(self) -> float:
        """Words in a value, on average."""
        return int(self.texts.str.count_matches(r"\S+").sum()) / max(1, len(self.texts))

    def ends(self) -> tuple[float, float]:
        """The lowest and the highest number."""
        assert self.numbers is not None
        values = self.numbers.to_numpy()
        return float(values.min()), float(values.max())


def shown(text: str) -> str:
    """The text in quotes, short and on one line."""
    return repr(text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}...")


def look(column: pl.Series, decimal: str = ".") -> Sight:
    """See what there is in a column of a file with this decimal mark."""
    texts = column.cast(pl.String)
    present = texts.filter((texts != "").fill_null(value=False))
    values = present.unique()
    marks = pl.concat([_tokens(values), _sentinels(values), _odd(present)]).unique().sort()
    present = present.filter(~present.is_in(marks.implode()))
    numbers = _as_numbers(present)
    is_number = len(present) > 0 and not numbers.null_count()
    return Sight(
        name=column.name,
        rows=len(column),
        texts=present,
        missing=tuple(marks),
        numbers=numbers if is_number else None,
        unreadable=present.filter(numbers.is_null()),
        distinct=present.n_unique(),
        decimal=decimal,
    )


def _tokens(values: pl.Series) -> pl.Series:
    """Those of the distinct values that usually mean missing."""
    words = values.str.strip_chars()
    tokens = values.filter(words.str.to_lowercase().is_in(TOKENS))
    if len(values) - len(tokens) < 2:  # "-" and "+" are two values
        return values.filter(words == "")
    return tokens


def _sentinels(values: pl.Series) -> pl.Series:
    """A number such as -999, if it is the only one below zero."""
    negative = values.filter(values.str.strip_chars().str.starts_with("-"))
    numbers = _as_numbers(negative).drop_nulls()
    found = negative.filter(negative.str.contains(SENTINELS))
    return found if len(found) == len(numbers) == 1 and len(values) > MOST_ODD else found.clear()


def _odd(present: pl.Series) -> pl.Series:
    """The few words among many numbers, such as ERROR."""
    values = present.unique()
    odd = values.filter(_as_numbers(values).is_null())
    share = int(present.is_in(odd.implode()).sum()) / max(1, len(present))
    has_digits = odd.str.contains(r"\d").any()
    if len(odd) > MOST_ODD or share > 1 - MOSTLY or len(values) - len(odd) < 3 or has_digits:
        return odd.clear()
    return odd


def _as_numbers(texts: pl.Series) -> pl.Series:
    """Null where a text is no number, or would lose something by becoming one."""
    stripped = texts.str.strip_chars()
    numbers = stripped.cast(pl.Float64, strict=False)
    lossy = stripped.str.contains(LEADING_ZERO) | (numbers.abs() > LARGEST) | ~numbers.is_finite()
    return numbers.set(lossy.fill_null(value=False), None)
