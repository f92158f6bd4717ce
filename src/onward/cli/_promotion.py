"""Deciding a promotion, and remembering it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from onward.artifacts.publishing import replacing, sha256
from onward.cli._model_pair import read_pair
from onward.errors import ArtifactError
from onward.evaluation.promotion.looks import Looks
from onward.evaluation.promotion.promotion import TITLES, Rules, promotion
from onward.serving.predictor import Predictor

EXIT_CODES = {"promoted": 0, "kept": 4, "undecided": 5}


def decide(
    challenger: Path, champion: Path, table: Path, config: Path | None, rules: Rules, output: Path
) -> int:
    """Verify both files, check the challenger, write the figures; the exit code.

    Raises:
        ArtifactError: if a file is damaged, or ``output`` is not what this command writes.
        DataError: if the table does not serve.
    """
    if not output.parent.is_dir():
        raise typer.BadParameter(f"{output}: there is no folder {output.parent}. Make it first")
    models = (Predictor(challenger), Predictor(champion))
    for model in models:
        model.verify()
    paths = (challenger, champion)
    files = {title: sha256(path) for title, path in zip(TITLES, paths, strict=True)}
    of_table = sha256(table)
    looks = Looks.of(_earlier(output), files, of_table)
    found = promotion(models, read_pair(models, TITLES, table, config), rules, looks)
    with replacing(output) as new:
        document = found.document(files, of_table)
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        new.write_text(f"{text}\n", encoding="utf-8")
    for line in found.lines():
        typer.echo(line)
    return EXIT_CODES[found.outcome]


def _earlier(output: Path) -> Mapping[str, Any]:
    if not output.exists():
        return {}
    try:
        document = json.loads(output.read_text(encoding="utf-8"))
        if {"files", "looks"} <= document.keys():
            return dict(document)
    except (ValueError, AttributeError):
        pass
    raise ArtifactError(
        f"{output}: is not a file that `onward promote` wrote. Name another with `--output`"
    )
