"""The group of all commands."""

from typing import Any

import typer
from typer.core import TyperGroup


class Commands(TyperGroup):
    """Says what is wrong with an option without the words of the library that checks it."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise
