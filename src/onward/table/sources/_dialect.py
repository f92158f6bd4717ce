"""How a file of separated values is written."""

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
            f"there is no encoding {name!r}. There are utf-8, utf-16, windows-1252, latin-1, ..."
        ) from error
    return UTF8 if codec.name in (UTF8, "utf-8-sig", "ascii") else name


class Dialect(Settings):
    """What ends a field, what is around one, and how letters become bytes."""

    delimiter: Annotated[str, StringConstraints(pattern=r'^[^"\r\n\x80-\U0010ffff]$')] = ","
    quote: Annotated[str, StringConstraints(pattern=r"^[\"']?$")] = '"'
    """Around fields, and doubled inside them; if it is empty, no character has this meaning."""
    encoding: Annotated[str, AfterValidator(_encoding)] = UTF8
    """As Python names it."""
    names: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()
    """Of the columns of a file that has no header."""

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        if self.delimiter == self.quote:
            raise ValueError(f"delimiter: {self.delimiter!r} is also the quote. Change one of them")
        return self


class Spelling(Dialect, Numerals):
    """How a file of separated values is written, and the numbers in it."""
