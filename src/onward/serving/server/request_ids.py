"""Ids of requests that callers give."""

import re
from collections.abc import Mapping

SAFE = re.compile(r"[\w.:/+=-]{1,64}", re.ASCII)  # logs repeat it


def safe_id(text: str) -> str:
    """The id if it is safe to log, otherwise an empty text."""
    return text if SAFE.fullmatch(text) else ""


def header_id(headers: Mapping[bytes, bytes]) -> str:
    """The id in the header, if there is one that is safe to log."""
    return safe_id(headers.get(b"x-request-id", b"").decode("latin-1"))
