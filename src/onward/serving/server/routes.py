"""Paths and their handlers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from onward.serving.server.batches import Pending
from onward.serving.server.messages import Request, Response

Handler = Callable[[Request], Response | Pending]
REMEMBERED = 1_024  # paths; a bound, since callers make them up


@dataclass(frozen=True)
class Route:
    """The handlers of a path template, by method."""

    template: str
    """As in OpenAPI: ``/models/{name}``."""
    handlers: Mapping[str, Handler]
    is_open: bool = False
    """Whether it is answered without a token."""


@dataclass(frozen=True)
class Match:
    """The route of a path, and the values of the template's names."""

    route: Route
    names: Mapping[str, str]


class Routes:
    """Finds the route of a path."""

    def __init__(self, routes: list[Route]) -> None:
        self._patterns = [(_pattern(route.template), route) for route in routes]
        self.find = lru_cache(REMEMBERED)(self._find)

    def _find(self, path: str) -> Match | None:
        for pattern, route in self._patterns:
            if match := pattern.fullmatch(path):
                return Match(route, match.groupdict())
        return None


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
    return re.compile(parts)
