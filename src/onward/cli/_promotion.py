"""The decision on a promotion, and its record."""

import json
from pathlib import Path

import typer

from onward.artifacts.publishing import sha256
from onward.artifacts.replacing import replacing
from onward.cli._model_pair import read_pair
from onward.errors import ArtifactError
from onward.evaluation.promotion.looks import Looks
from onward.evaluation.promotion.promotion import TITLES, Rules, promotion
from onward.serving.predictor import Predictor

EXIT_CODES = {"promoted": 0, "kept": 4, "undecided": 5}


def decide(
    challenger: Path, champion: Path, table: Path, config: Path | None, rules: Rules, output: Path
) -> int:
    """Verify both files, check the challenger and write the figures.

    Returns:
        The exit code.

    Raises:
        ArtifactError: if a file is damaged, or ``output`` was not written by this command.
        DataError: if the table cannot be used.
        LockedError: if another command is writing ``output``.
    """
    if not output.parent.is_dir():
        raise typer.BadParameter(f"{output}: there is no folder {output.parent}. Create it first")
    models = (Predictor(challenger), Predictor(champion))
    for model in models:
        model.verify()
    paths = (challenger, champion)
    files = {title: sha256(path) for title, path in zip(TITLES, paths, strict=True)}
    table_hash = sha256(table)
    with replacing(output) as new:  # from reading its looks on, or another look would be lost
        looks = _earlier_looks(output, files, table_hash)
        decision = promotion(models, read_pair(models, TITLES, table, config), rules, looks)
        document = decision.document(files, table_hash)
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        new.write_text(f"{text}\n", encoding="utf-8")
    for line in decision.lines():
        typer.echo(line)
    return EXIT_CODES[decision.outcome]


def _earlier_looks(output: Path, files: dict[str, str], table: str) -> Looks:
    if not output.exists():
        return Looks()
    try:
        return Looks.of(json.loads(output.read_text(encoding="utf-8")), files, table)
    except (ValueError, TypeError) as error:
        raise ArtifactError(
            f"{output}: was not written by `onward promote`, or was edited. Restore it, or name"
            " another file with `--output`"
        ) from error
