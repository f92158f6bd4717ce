"""The files of a new project."""

from importlib.resources import files
from pathlib import Path

from onward.cli._config import SCHEMA, config
from onward.cli._plots import plots
from onward.cli._project import Project
from onward.errors import ConfigError
from onward.settings.yaml import one_line


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
