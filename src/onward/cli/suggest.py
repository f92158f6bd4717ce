"""`onward suggest`."""

from pathlib import Path
from typing import Annotated

import typer


def suggest(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
) -> None:
    """Search for useful derived columns, and print the lines to add to the config.

    Tests durations, sums, differences, products, ratios, frequencies, group
    means and target means. A column is suggested if it significantly improves
    boosted trees on validation rows; test rows are not used. Takes up to a few
    minutes; writes no files.
    """
    from onward.settings.config import import_plugins

    import_plugins(config)  # before the modules whose settings choose from their classes

    from onward.cli._suggestions import print_suggestions

    print_suggestions(config)
