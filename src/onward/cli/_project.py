"""The files of a new project."""

import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import polars as pl

from onward.cli._plots import plots
from onward.errors import ConfigError, DataError
from onward.quality.type_inference import Guess, TargetGuess, infer, infer_target
from onward.settings.yaml import one_line
from onward.table.sources import Sniffed, Source
from onward.table.splits import SPLITS
from onward.tasks import output_names

MOST_ROWS = 1_000_000  # that are looked at; more do not change what columns seem to be
SCHEMA = Path("configs/schema.json")  # for editors


@dataclass(frozen=True)
class Project:
    """A table, and what it seems to be."""

    source: Sniffed
    split: str | None
    rows: int
    """Of the table."""
    columns: tuple[Guess, ...]
    target: TargetGuess

    @classmethod
    def of(cls, table: Path, target: str, split: str | None) -> "Project":
        """Look at the table.

        Raises:
            DataError: if it cannot be read, or there is nothing to predict or to predict from.
        """
        sniffed = Source.sniffed(table)
        source = Source.open(sniffed.config)
        rows, names = source.num_rows(), source.names()
        for option, name in (("--target", target), ("--split", split)):
            if name is not None and name not in names:
                shown = ", ".join(map(repr, names[:30])) + (", ..." if len(names) > 30 else "")
                raise DataError(f"{table}: {option} {name!r} is no column. There are {shown}")
        frame = source.head(MOST_ROWS)
        if split is not None:
            _refuse_split(table, split, frame[split], target)
        try:
            found = infer_target(frame[target])
        except DataError as error:
            raise DataError(f"{table}: {error}") from error
        classes = frame[target] if found.target.classes else None
        decimal = getattr(sniffed.config, "decimal", ".")  # what is typed has no marks
        given = frame.select(name for name in names if name not in (target, split))
        guesses = infer(given, classes, decimal)
        columns = tuple(_refused(guess) or guess for guess in guesses)
        if not any(guess.type for guess in columns):
            reasons = "; ".join(f"{guess.name!r}: {guess.reason}" for guess in columns[:10])
            raise DataError(f"{table}: there is no column to predict {target!r} from. {reasons}")
        return cls(sniffed, split, rows, columns, found)

    @property
    def path(self) -> Path:
        """Of the table."""
        path: Path = self.source.config.path
        return path

    @property
    def name(self) -> str:
        """Of the config: the table's, without its ending."""
        name = self.path.name
        stem = name[: len(name) - len(Source.suffix(name))]
        return re.sub(r"[^A-Za-z0-9_-]+", "_", stem).strip("_") or "table"


def _refuse_split(table: Path, name: str, values: pl.Series, target: str) -> None:
    others = values.cast(pl.String).unique().sort().drop_nulls()
    others = others.filter(~others.is_in(SPLITS))
    if name == target or len(others) or values.null_count():
        found = f"there is also {others[0]!r}" if len(others) else "rows say nothing"
        found = "it is the target" if name == target else found
        raise DataError(
            f"{table}: --split {name!r} says train, validation or test for each row; {found}."
            " Leave --split out to have rows drawn"
        )


def _refused(guess: Guess) -> Guess | None:
    if guess.name in output_names() or guess.name.startswith("onward/"):
        return Guess(guess.name, "", "a name in the exported file; rename the column to use it")
    return None


def write_files(folder: Path, project: Project) -> list[str]:
    """Write the project's files to the folder, and return their names.

    Raises:
        ConfigError: before anything is written, if a file exists or the table is in ``data/``.
    """
    table = project.path
    if folder.resolve() / "data" in table.resolve().parents:
        raise ConfigError(f"{table}: data/ is where DVC will put a copy. Move the table elsewhere")
    contents = {
        f"configs/{project.name}.yaml": config(project),
        "dvc.yaml": pipeline(project.name, project.target.head),
        "data.dvc": import_of(folder, table),
    }
    existing = sorted(name for name in contents if (folder / name).exists())
    if existing:
        raise ConfigError(
            f"{folder.resolve()}: there is {', '.join(existing)}, and nothing is written over."
            " Start in an empty folder, or remove what you no longer need"
        )
    contents |= {name: text for name, text in _once(folder).items() if not (folder / name).exists()}
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return list(contents)


def _once(folder: Path) -> dict[str, str]:
    """What a folder needs once: `dvc init` would write the same."""
    above = [folder.resolve(), *folder.resolve().parents]
    contents = {".gitignore": "/artifacts/\n/data/\n", SCHEMA.as_posix(): _resource(SCHEMA.name)}
    if any((each / ".dvc").is_dir() for each in above):
        return contents
    has_git = any((each / ".git").exists() for each in above)
    no_scm = "" if has_git else "    no_scm = true\n"  # DVC looks for git, unless told not to
    return contents | {
        ".dvc/config": f"[core]\n    analytics = false\n    check_update = false\n{no_scm}",
        ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
        ".dvcignore": "# what DVC need not look at\n.venv\n",
    }


def import_of(folder: Path, table: Path) -> str:
    """``data.dvc``: an import that `dvc repro` repeats when the table changes."""
    path = table.resolve()
    if path.is_relative_to(folder.resolve()):
        path = path.relative_to(folder.resolve())
    return (
        "# Where the table comes from: a path, https://..., s3://bucket/table.csv, ...\n"
        "deps:\n"
        f"- path: {one_line(path.as_posix())}\n"
        "outs:\n"
        f"- path: {one_line(f'data/{table.name}')}\n"
    )


def _resource(name: str) -> str:
    return (files("onward.cli") / f"_{name}").read_text(encoding="utf-8")


def pipeline(name: str, task: str) -> str:
    """``dvc.yaml``; ``task`` is that of the head."""
    text = (
        _resource("pipeline.yaml")
        .replace("[kernels]", f"[{one_line(name)}]")
        .replace("/kernels/", f"/{name}/")
    ) + plots(name, task)
    return f"# The pipeline, run by `dvc repro` for each config that is listed here.\n{text}"


def config(project: Project) -> str:
    """The config, each line with its reason."""
    target, split = project.target, _split(project)
    lines = [
        f"# yaml-language-server: $schema={SCHEMA.name}",
        f"# What `onward init` found in {one_line(project.path.name)}, {project.rows:,}"
        " rows, and why. Correct what is wrong.",
        "prepare:",
        "  seed: 0",
        *(f"  # {reason}" for reason in project.source.reasons),
        f"  source: {one_line(_source(project.source.config))}",
        f"  # {target.reason}",
        *_missing(target),
        f"  target: {one_line(_target(target))}",
        *_respelled(target),
        f"  split: {one_line(split)}",
        "  columns:",
        *(f"    {line}" for guess in project.columns for line in _column(guess)),
        "train:  # network and learner follow from the table, but for what is said here",
        "  seed: 0",
        f"  network: {{head: {one_line(_head(target))}}}",
        *("export: {}", "evaluate: {}", "report: {}"),
    ]
    return "\n".join(lines) + "\n"


def _source(config: Any) -> dict[str, Any]:
    settings = config.model_dump(mode="json", exclude_defaults=True, exclude={"path"})
    return {"type": config.type, **settings, "path": f"data/{config.path.name}"}


def _missing(target: TargetGuess) -> list[str]:
    if not target.missing:
        return []
    return [
        f"  # {target.missing:,} rows have no target: `prepare` refuses them, unless you write",
        "  # rows: {without_target: drop}",
    ]


def _target(guess: TargetGuess) -> dict[str, Any]:
    classes = {"classes": guess.target.classes} if guess.target.classes else {}
    missing = {"missing": guess.tokens} if guess.tokens else {}
    return {"name": guess.target.name, "kind": guess.target.kind, **classes, **missing}


def _respelled(guess: TargetGuess) -> list[str]:
    """The target again, were it spelled in one way; for the person to take or to leave."""
    if not guess.spellings:
        return []
    others = {text for texts in guess.spellings.values() for text in texts}
    classes = tuple(name for name in guess.target.classes if name not in others)
    if len(classes) < 2:
        return []
    target = _target(guess) | {"classes": classes, "spellings": guess.spellings}
    return [
        "  # or, if some classes are the same in other spellings:",
        f"  # target: {one_line(target)}",
    ]


def _split(project: Project) -> dict[str, Any]:
    if project.split is not None:
        return {"type": "column", "name": project.split}
    way = "stratified" if project.target.target.classes else "random"
    return {"type": way, "validation": 0.15, "test": 0.15}


def _column(guess: Guess) -> list[str]:
    if not guess.type:
        return [f"# {one_line(guess.name)} is left out: {guess.reason}"]
    missing = {"missing": guess.missing} if guess.missing else {}
    settings = {"type": guess.type, **guess.settings, **missing}
    line = f"{one_line(guess.name)}: {one_line(settings)}  # {guess.reason}"
    if not guess.spellings:
        return [line]
    return [line, f"# if these are the same, add to it: spellings: {one_line(guess.spellings)}"]


def _head(target: TargetGuess) -> dict[str, Any]:
    return {"type": target.head, **({"logarithm": True} if target.logarithm else {})}
