"""The config of a new project, each line with its reason."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onward.cli._project import HELD_OUT, Project
from onward.quality.type_inference import Guess, TargetGuess
from onward.settings.yaml import comment, one_line, setting
from onward.table.spellings import meaning_of
from onward.wording import format_count

SCHEMA = Path("configs/schema.json")  # for editors
NETWORK = ("embedder", "model")
LEARNER = ("learning_rate", "weight_decay", "batch_size", "max_epochs", "patience")
"""Settings that users change first, written as `auto` so that ``dvc exp run -S`` finds them."""
FEW_ROWS, FOLDS = 1_500, 5
"""Several networks learn more than one of so few rows, see ``benchmarks/README.md``."""


def config(project: Project) -> str:
    """The text of ``configs/NAME.yaml``, in the format of DVC's own writer."""
    lines = [
        f"# yaml-language-server: $schema={SCHEMA.name}",
        *comment(
            f"Inferred by `onward init` from {one_line(project.path.name)},"
            f" {format_count(project.rows, 'row')}, with reasons. Correct what is wrong."
        ),
        *_prepare(project),
        *comment("auto is chosen from the table; `onward train` prints the values."),
        *_train(project),
        *("export: {}", "evaluate: {}", "report: {}"),
    ]
    return "\n".join(lines) + "\n"


def _prepare(project: Project) -> list[str]:
    target = project.target
    left_out = [guess for guess in project.columns if not guess.type]
    return [
        "prepare:",
        "  seed: 0",
        *setting("source", _source(project.source.config), project.source.reasons, 2),
        *setting("target", _target(target), _target_reasons(target), 2),
        *_target_with_spellings(target),
        *setting("split", _split(project), indent=2),
        "  columns:",
        *(line for guess in left_out for line in comment(_reason_left_out(guess), 4)),
        *(line for guess in project.columns if guess.type for line in _column(guess)),
    ]


def _train(project: Project) -> list[str]:
    target = project.target
    head = {"type": target.head, "logarithm": True} if target.logarithm else "auto"
    return [
        "train:",
        "  seed: 0",
        *(_folds(project) if project.rows < FEW_ROWS else ()),
        "  network:",
        *(f"    {name}: auto" for name in NETWORK),
        *(_logarithm() if target.may_be_logarithm else ()),
        *setting("head", head, indent=4),
        "  learner:",
        *(f"    {name}: auto" for name in LEARNER),
    ]


def _logarithm() -> list[str]:
    return [
        *comment("positive and skewed to the right: its logarithm may be easier to predict:", 4),
        *_as_comment("head", {"type": "regression", "logarithm": True}, 4),
    ]


def _folds(project: Project) -> list[str]:
    reasons = [f"of fewer than {FEW_ROWS:,} rows, {FOLDS} networks learn more than one"]
    if project.split is not None:
        reasons.append("if the split keeps groups or times apart, remove this")
    return setting("folds", FOLDS, reasons, 2)


def _source(config: Any) -> dict[str, Any]:
    settings = config.model_dump(mode="json", exclude_defaults=True, exclude={"path"})
    return {"type": config.type, **settings, "path": f"data/{config.path.name}"}


def _target_reasons(target: TargetGuess) -> list[str]:
    reasons = [target.reason, *([target.warning] if target.warning else [])]
    if target.merged:
        reasons.append("texts that differ only in blanks are merged by `spellings`")
    if target.missing:
        reasons += [
            f"{format_count(target.missing, 'row')} without a target, which `prepare` refuses. To"
            " drop them:",
            "rows: {without_target: drop}",
        ]
    return reasons


def _target(guess: TargetGuess) -> dict[str, Any]:
    classes = {"classes": guess.target.classes} if guess.target.classes else {}
    missing = {"missing": guess.tokens} if guess.tokens else {}
    spellings = {"spellings": guess.merged} if guess.merged else {}
    named = {"name": guess.target.name, "kind": guess.target.kind}
    return {**named, **classes, **missing, **spellings}


def _target_with_spellings(guess: TargetGuess) -> list[str]:
    """The target with merged spellings, as a comment for the user to accept."""
    if not guess.similar_classes:
        return []
    meanings = meaning_of(guess.spellings)
    classes = tuple(dict.fromkeys(meanings.get(name, name) for name in guess.target.classes))
    target = _target(guess) | {"classes": classes, "spellings": guess.spellings}
    return [
        *comment("or, if some classes are spellings of the same class:", 2),
        *_as_comment("target", target, 2),
    ]


def _split(project: Project) -> dict[str, Any]:
    if project.split is not None:
        return {"type": "column", "name": project.split}
    way = "stratified" if project.target.target.classes else "random"
    return {"type": way, "validation": HELD_OUT, "test": HELD_OUT}


def _reason_left_out(guess: Guess) -> str:
    return f"{one_line(guess.name)} is left out: {guess.reason}"


def _column(guess: Guess) -> list[str]:
    missing = {"missing": guess.missing} if guess.missing else {}
    settings = {"type": guess.type, **guess.settings, **missing}
    lines = setting(guess.name, settings, [guess.reason], 4)
    if not guess.spellings:
        return lines
    return [
        *comment(f"if these values are the same, add to {one_line(guess.name)}:", 4),
        *_as_comment("spellings", guess.spellings, 4),
        *lines,
    ]


def _as_comment(name: str, value: Mapping[str, Any], indent: int) -> list[str]:
    """A setting as a comment."""
    return [f"{' ' * indent}# {line}" for line in setting(name, value)]
