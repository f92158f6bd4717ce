"""`onward schema`."""

from pathlib import Path
from typing import Annotated

import typer


def schema(
    config: Annotated[
        Path | None,
        typer.Argument(help="A config whose plugins are included.", show_default=False),
    ] = None,
) -> None:
    """Print the JSON Schema of configs, for checks and completion in editors.

    `onward init` writes it to configs/schema.json.
    """
    from onward.cli._json_schema import json_schema

    if config is not None:
        from onward.settings.config import import_plugins

        import_plugins(config)
    typer.echo(json_schema(), nl=False)
