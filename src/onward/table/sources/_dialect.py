"""The dialect of a file of separated values."""

import codecs
from typing import Annotated, Self

from pydantic import AfterValidator, StringConstraints, model_validator

from onward.settings.family import Settings
from onward.table.sources._number_format import Numerals

UTF8 = "utf-8"


def _encoding(name: str) -> str:
    try:
        codec = codecs.lookup(name)
        "a".encode(name)
    except LookupError as error:
        raise ValueError(
            f"there is no encoding {name!r}. Use utf-8, utf-16, windows-1252, latin-1, ..."
        ) from error
    return UTF8 if codec.name in (UTF8, "utf-8-sig", "ascii") else name


class Dialect(Settings):
    """Delimiter, quote and encoding."""

    delimiter: Annotated[str, StringConstraints(pattern=r'^[^"\r\n\x80-\U0010ffff]$')] = ","
    quote: Annotated[str, StringConstraints(pattern=r"^[\"']?$")] = '"'
    """The quote around fields, doubled inside them; empty if the file has none."""
    encoding: Annotated[str, AfterValidator(_encoding)] = UTF8
    """Encoding, by its name in Python."""
    names: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()
    """Column names of a file without a header."""

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.delimiter == self.quote:
            raise ValueError(f"delimiter: {self.delimiter!r} is also the quote. Change one of them")
        return self


class Spelling(Dialect, Numerals):
    """The dialect of a file of separated values, and its number format."""
