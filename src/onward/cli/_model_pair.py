"""Two model files and a table, for the commands that compare them."""

from pathlib import Path

from pydantic import ConfigDict

from onward.cli._source import open_like
from onward.evaluation.promotion.pair import Pair, predict_pair
from onward.serving.predictor import Predictor
from onward.settings.config import section
from onward.settings.family import Settings
from onward.table.sources import Source
from onward.table.target import TargetSettings


class Prepare(Settings):
    """What matters here of the section `prepare`, beside the source."""

    model_config = ConfigDict(extra="ignore")
    target: TargetSettings


def read_pair(
    models: tuple[Predictor, Predictor],
    titles: tuple[str, str],
    table: Path,
    config: Path | None,
) -> Pair:
    """Predict the table with both.

    Args:
        models: of the same target.
        titles: for messages.
        table: with the target.
        config: whose source and target settings the table is read with, if any.
    """
    if config is None:
        return predict_pair(models, titles, Source.for_path(table))
    source = open_like(config, table)  # first: it imports plugins
    return predict_pair(models, titles, source, section(config, "prepare", Prepare).target)
