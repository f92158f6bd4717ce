"""The files of a new project."""

import re
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from onward.artifacts.replacing import replacing
from onward.cli._config import SCHEMA, config
from onward.cli._plots import plots
from onward.cli._project import Project
from onward.errors import ConfigError
from onward.settings.yaml import one_line

CONFIGS = re.compile(r"^  - configs: \[(?P<names>[^\]\n]+)\]", re.MULTILINE)


def write_files(folder: Path, project: Project) -> list[str]:
    """Write the files of the project to the folder, and return their names.

    A second table is added to the existing pipeline.

    Raises:
        ConfigError: if a file exists or the table is in ``data/``; then nothing is written.
    """
    table, name = project.path, project.name
    if folder.resolve() / "data" in table.resolve().parents:
        raise ConfigError(
            f"{table}: data/ is reserved for the copy by DVC. Move the table elsewhere"
        )
    is_inside = table.resolve().is_relative_to(folder.resolve())
    pipeline_file = folder / "dvc.yaml"
    is_first = not pipeline_file.exists()
    data_file = "data.dvc" if is_first else f"{name}.dvc"
    contents = {
        f"configs/{name}.yaml": config(project),
        data_file: import_of(folder, table) if is_inside else copy_of(table),
    }
    required = [*contents] if is_inside else [*contents, f"data/{table.name}"]
    _refuse_existing(folder, required)
    task = project.target.head
    contents["dvc.yaml"] = (
        pipeline(name, task) if is_first else _add_config(pipeline_file, name, task)
    )
    contents |= {
        file: text
        for file, text in _files_of_folder(folder).items()
        if not (folder / file).exists()
    }
    if not is_inside:
        _copy(table, folder / "data" / table.name)
    for file, text in contents.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    return list(contents)


def _refuse_existing(folder: Path, required: Sequence[str]) -> None:
    existing = sorted(file for file in required if (folder / file).exists())
    if existing:
        raise ConfigError(
            f"{folder.resolve()}: {', '.join(existing)} already exist; no file is overwritten."
            " Start in an empty folder, or remove what you no longer need"
        )


def _add_config(path: Path, name: str, task: str) -> str:
    """The existing pipeline with one more config."""
    text = path.read_text(encoding="utf-8")
    configs = CONFIGS.search(text)
    if configs is None:
        raise ConfigError(
            f"{path.resolve()}: `vars:` has no line `  - configs: [...]`, as `onward init` writes"
            f" it, to add {name!r} to. Add the line, or start in an empty folder"
        )
    drawn = plots(name, task, f"{name} ") if "\nplots:\n" in text else ""
    stop = configs.end("names")
    return f"{text[:stop]}, {one_line(name)}{text[stop:]}".rstrip("\n") + f"\n{drawn}"


def _copy(table: Path, target: Path) -> None:
    """Copy the table into the project, so that clones of the project have it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if table.is_dir():
        new = target.with_name(f".{target.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(table, new)
        new.rename(target)
    else:
        with replacing(target) as new:
            shutil.copyfile(table, new)


def _files_of_folder(folder: Path) -> dict[str, str]:
    """Files that a folder needs once, such as those of `dvc init`."""
    above = [folder.resolve(), *folder.resolve().parents]
    contents = {".gitignore": "/artifacts/\n/data/\n", SCHEMA.as_posix(): _resource(SCHEMA.name)}
    if any((parent / ".dvc").is_dir() for parent in above):
        return contents
    has_git = any((parent / ".git").exists() for parent in above)
    no_scm = "" if has_git else "    no_scm = true\n"  # DVC looks for git, unless told not to
    return contents | {
        ".dvc/config": f"[core]\n    analytics = false\n    check_update = false\n{no_scm}",
        ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
        ".dvcignore": "# ignored by DVC\n.venv\n",
    }


def import_of(folder: Path, table: Path) -> str:
    """``data.dvc`` with an import, which `dvc repro` repeats when the table changes."""
    path = table.resolve()
    if path.is_relative_to(folder.resolve()):
        path = path.relative_to(folder.resolve())
    return (
        "# Source of the table: a path, https://..., s3://bucket/table.csv, ...\n"
        "deps:\n"
        f"- path: {one_line(path.as_posix())}\n"
        "outs:\n"
        f"- path: {one_line(f'data/{table.name}')}\n"
    )


def copy_of(table: Path) -> str:
    """``data.dvc`` for a copy in ``data/``, which `dvc push` and `dvc pull` include."""
    return (
        f"# A copy of {one_line(table.name)}. To let `dvc repro` fetch the table whenever it\n"
        "# changes, add its shared location:\n"
        "# deps:\n"
        "# - path: https://..., s3://bucket/table.csv, ...\n"
        "outs:\n"
        f"- path: {one_line(f'data/{table.name}')}\n"
    )


def _resource(name: str) -> str:
    return (files("onward.cli") / f"_{name}").read_text(encoding="utf-8")


def pipeline(name: str, task: str) -> str:
    """The text of ``dvc.yaml``; ``task`` is the task of the head."""
    text = (
        _resource("pipeline.yaml")
        .replace("[kernels]", f"[{one_line(name)}]")
        .replace("/kernels/", f"/{name}/")
    ) + plots(name, task)
    return f"# The pipeline: `dvc repro` runs it for each config listed here.\n{text}"
