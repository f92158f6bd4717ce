"""User names, passwords and tokens: configs name environment variables, which hold them."""

import os
import re
from typing import Annotated
from urllib.parse import parse_qsl, quote, quote_plus

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from onward.errors import ConfigError

PREFIX = "ONWARD_"
VARIABLE = re.compile(rf"{PREFIX}[A-Z0-9_]+")
MARKS = re.compile(
    r"^user|passw|passphrase|pwd|token|secret|api_?key|access_?key|credential|signature", re.I
)

LOGIN = re.compile("(?!abfss?:)[a-z0-9+]+://.*@")  # Azure has `container@account`


def _variable(name: str) -> str:
    if not VARIABLE.fullmatch(name):
        # the name is not repeated: it may be the secret itself
        raise PydanticCustomError(
            "secret",
            "this is the name of an environment variable that begins with {prefix}, such as"
            " {prefix}SHOP, and not its value",
            {"prefix": PREFIX},
        )
    return name


def _without_secrets(address: str) -> str:
    start, _, parameters = address.partition("?")
    names = [name for name, _ in parse_qsl(parameters, keep_blank_values=True)]
    if LOGIN.match(start) or any(map(MARKS.search, names)):
        raise PydanticCustomError(
            "secret",
            "names, passwords and tokens are not written here, since configs are shared. Name"
            " environment variables that hold them: see docs/sources.md",
        )
    return address


Variable = Annotated[str, AfterValidator(_variable)]
"""The name of an environment variable.

The prefix keeps the config of a stranger from sending other variables to an address in it.
"""
Public = Annotated[str, AfterValidator(_without_secrets)]
"""An address without names, passwords or tokens."""
PublicName = Annotated[str, AfterValidator(lambda name: _without_secrets(f"?{name}=") and name)]
"""The name of a parameter that is no secret."""


def value_of(variable: str | None) -> str | None:
    """The value of an environment variable; None without a variable.

    Raises:
        ConfigError: if it is not set, or is nothing that a server would take.
    """
    if variable is None:
        return None
    value = os.environ.get(variable)
    if not value:
        raise ConfigError(
            f"the environment variable {variable} is not set. The config names it: export it"
            " before the command"
        )
    if not value.isprintable():
        raise ConfigError(
            f"the environment variable {variable} has a line break or another character that"
            " cannot be printed. Correct it"
        )
    return value


def hidden(text: str, *secrets: str | None) -> str:
    """The text with ``***`` in place of secrets.

    Example:
        >>> hidden("no access for me with p%40ss", "p@ss", None)
        'no access for me with ***'
    """
    for secret in filter(None, secrets):
        for spelling in {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}:
            text = text.replace(spelling, "***")
    return text
