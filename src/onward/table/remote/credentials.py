"""User names, passwords and tokens: configs name environment variables, which hold them."""

import os
import re
from collections.abc import Collection
from typing import Annotated
from urllib.parse import quote, quote_plus, unquote_plus

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from onward.errors import ConfigError

PREFIX = "ONWARD_"
VARIABLE = re.compile(rf"{PREFIX}[A-Z0-9_]+")
MARKS = re.compile(
    r"^(user.*|sig|key|auth|code)$|passw|passphrase|pwd|token|secret|credential|signature|bearer"
    r"|authorization|(api|access|account|functions|shared|subscription)[-_]?key",
    re.IGNORECASE,
)
LOGIN = re.compile(
    r"(?!abfss?://[^:?@]*@[^@]*$)"  # Azure has `container@account`
    r"[a-z0-9+.-]+://.*@",  # a password may have any character, also ? and /
    re.IGNORECASE | re.DOTALL,
)


def refusal(message: str) -> PydanticCustomError:
    """An error about a setting whose value is not repeated, since it may have a secret."""
    return PydanticCustomError("secret", message)


def parameters_of(address: str) -> list[tuple[str, str]]:
    """The parameters of an address as the drivers of databases find them.

    They know no ``#``, and those of MongoDB also divide at ``;``.

    Example:
        >>> parameters_of("mongodb://host/shop#?tls=true;appName=a%20b")
        [('tls', 'true'), ('appName', 'a b')]
    """
    pairs = (text.partition("=") for text in re.split("[&;]", address.partition("?")[2]))
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in pairs if name or value]


def refuse_others(address: str, allowed: Collection[str]) -> None:
    """Refuse an address with parameters that are not allowed; others can read files, or worse.

    Raises:
        PydanticCustomError: naming the parameter.
    """
    for name, _ in parameters_of(address):
        if name not in allowed:
            raise refusal(f"parameter {name!r} is not allowed. Use {', '.join(sorted(allowed))}")


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
    names = map(unquote_plus, re.findall(r"[?&;#]([^=?&;#]*)", address))
    if LOGIN.match(address) or any(map(MARKS.search, names)):
        raise refusal(
            "names, passwords and tokens are not written here, since configs are shared. Name"
            " environment variables that hold them: see docs/sources.md. Write another @ as %40"
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
