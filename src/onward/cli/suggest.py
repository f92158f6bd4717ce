"""`onward suggest`."""

from pathlib import Path
from typing import Annotated

import typer


def suggest(
    config: Annotated[Path, typer.Argument(help="A file in configs/.", show_default=False)],
) -> None:
    """Look for derived columns that help, and print the lines for the config.

    Tries durations, sums, differences, products, ratios, frequencies, means
    of groups and of the target. What boosted trees gain from each on
    validation rows is measured; what may be chance is left out. Test rows
    are not looked at. Takes up to some minutes, and writes nothing.
    """
    from onward.cli._suggestions import print_suggestions

    print_suggestions(config)
