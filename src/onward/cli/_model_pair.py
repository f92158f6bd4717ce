"""Two model files and a table, for the commands that compare them."""

from pathlib import Path

import typer
from pydantic import ConfigDict

from onward.artifacts.publishing import sha256
from onward.cli._source import open_like
from onward.evaluation.promotion.pair import Pair, predict_pair
from onward.serving.model_file import IDENTITY
from onward.serving.predictor import Predictor
from onward.settings.config import section
from onward.settings.family import Settings
from onward.table.sources import Source
from onward.table.target import TargetSettings


class Prepare(Settings):
    """The part of the section `prepare` that matters here, besides the source."""

    model_config = ConfigDict(extra="ignore")
    target: TargetSettings


def read_pair(
    models: tuple[Predictor, Predictor],
    titles: tuple[str, str],
    table: Path,
    config: Path | None,
) -> Pair:
    """Predict a table with two models.

    Args:
        models: of the same target.
        titles: names of the models in messages.
        table: with the target.
        config: source and target settings to read the table with, if any.

    Raises:
        typer.BadParameter: if both are the same file.
    """
    _refuse_one_file(*(model.path for model in models))
    if config is None:
        return predict_pair(models, titles, Source.for_path(table))
    source = open_like(config, table)  # first: it imports plugins
    return predict_pair(models, titles, source, section(config, "prepare", Prepare).target)


def _refuse_one_file(first: Path, second: Path) -> None:
    """Refuse equal contents: that a model is like itself says nothing."""
    content = sha256(first)
    if content == sha256(second):
        raise typer.BadParameter(
            f"{first} and {second}: both are the same file (version {content[:IDENTITY]})."
            " Name two models"
        )
