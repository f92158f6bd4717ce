"""The files of a new project."""

import re
import shutil
from importlib.resources import files
from pathlib import Path

from onward.artifacts.publishing import replacing
from onward.cli._config import SCHEMA, config
from onward.cli._plots import plots
from onward.cli._project import Project
from onward.errors import ConfigError
from onward.settings.yaml import one_line

CONFIGS = re.compile(r"^  - configs: \[(?P<names>[^\]\n]+)\]", re.MULTILINE)


def write_files(folder: Path, project: Project) -> list[str]:
    """Write the project's files to the folder, and return their names.

    A second table joins the pipeline that is there.

    Raises:
        ConfigError: before anything is written, if a file exists or the table is in ``data/``.
    """
    table, name = project.path, project.name
    if folder.resolve() / "data" in table.resolve().parents:
        raise ConfigError(f"{table}: data/ is where DVC will put a copy. Move the table elsewhere")
    is_inside = table.resolve().is_relative_to(folder.resolve())
    pipeline_file = folder / "dvc.yaml"
    is_first = not pipeline_file.exists()
    data_file = "data.dvc" if is_first else f"{name}.dvc"
    contents = {
        f"configs/{name}.yaml": config(project),
        data_file: import_of(folder, table) if is_inside else tracked(table),
    }
    taken = [*contents] if is_inside else [*contents, f"data/{table.name}"]
    existing = sorted(file for file in taken if (folder / file).exists())
    if existing:
        raise ConfigError(
            f"{folder.resolve()}: there is {', '.join(existing)}, and nothing is written over."
            " Start in an empty folder, or remove what you no longer need"
        )
    task = project.target.head
    contents["dvc.yaml"] = (
        pipeline(name, task) if is_first else _extended(pipeline_file, name, task)
    )
    contents |= {file: text for file, text in _once(folder).items() if not (folder / file).exists()}
    if not is_inside:
        _copy(table, folder / "data" / table.name)
    for file, text in contents.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text, encoding="utf-8")
    return list(contents)


def _extended(path: Path, name: str, task: str) -> str:
    """The pipeline that is there, for one config more."""
    text = path.read_text(encoding="utf-8")
    configs = CONFIGS.search(text)
    if configs is None:
        raise ConfigError(
            f"{path.resolve()}: there is no line `  - configs: [...]` below `vars:` to add"
            f" {name!r} to, as `onward init` writes it. Add one, or start in an empty folder"
        )
    drawn = plots(name, task, f"{name} ") if "\nplots:\n" in text else ""
    stop = configs.end("names")
    return f"{text[:stop]}, {one_line(name)}{text[stop:]}".rstrip("\n") + f"\n{drawn}"


def _copy(table: Path, place: Path) -> None:
    """A clone of the project would not find what lies outside of it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if table.is_dir():
        new = place.with_name(f".{place.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(table, new)
        new.rename(place)
    else:
        with replacing(place) as new:
            shutil.copyfile(table, new)


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


def tracked(table: Path) -> str:
    """``data.dvc``: a copy in ``data/``, which `dvc push` and `dvc pull` take along."""
    return (
        f"# A copy of {one_line(table.name)}. For `dvc repro` to fetch the table whenever it\n"
        "# changes, write here where everybody finds it:\n"
        "# deps:\n"
        "# - path: https://..., s3://bucket/table.csv, ...\n"
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
