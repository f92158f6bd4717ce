#!/usr/bin/env python3
"""Make the project's environment, once, and run a command in it.

    python scripts/run.py dvc repro
    python scripts/run.py pytest

The first call makes ``.venv`` and installs what the command needs: the pipeline, and for tools of
development the group `dev` of `pyproject.toml`, in the versions of `scripts/constraints.txt`. The
first such tool adds the group to what is there. Later calls start the command at once, until one of
the two files changes.
Set ``UV_TORCH_BACKEND`` to choose another build of torch: ``cpu``, ``cu129``, ``auto``, ...
Only the standard library is used here.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
PROJECT = ROOT / "pyproject.toml"
PINS = ROOT / "scripts" / "constraints.txt"
OLDEST, NEWEST = (3, 11), (3, 13)
TOOLS = {"check", "lint-imports", "mkdocs", "mypy", "pytest", "ruff"}  # of the group dev
PARTS = {
    "train": ["--editable", f"{ROOT}[train]"],
    "dev": ["--group", f"{PROJECT}:dev"],
}
"""What can be installed, and the arguments of uv for it."""


def parts_for(command: list[str]) -> list[str]:
    """The parts that a command needs.

    >>> parts_for(["python", "-m", "pytest", "-q"])
    ['train', 'dev']
    >>> parts_for(["onward", "check", "configs/kernels.yaml"])
    ['train']
    """
    program = command[2] if command[1:2] == ["-m"] and len(command) > 2 else command[0]
    return ["train", "dev"] if Path(program).name in TOOLS else ["train"]


def fingerprint() -> str:
    """All that the environment depends on, as one hash."""
    digest = hashlib.sha256(f"{sys.version} {os.environ.get('UV_TORCH_BACKEND')}".encode())
    for file in (PROJECT, PINS):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def stamp(part: str) -> Path:
    """The file with the fingerprint that a part was installed by, written last."""
    return VENV / f"installed.{part}.sha256"


def is_installed(part: str) -> bool:
    """Whether a part is there, whole and of this fingerprint."""
    return stamp(part).exists() and stamp(part).read_text() == fingerprint()


def make_environment() -> None:
    """Make ``.venv`` anew, with uv in it."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        version = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"onward needs Python 3.11, 3.12 or 3.13; this is Python {version} ({sys.executable})"
        )
    print(
        "setting up .venv (once; a minute or more, depending on the network) ...", file=sys.stderr
    )
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "uv"], check=True)


def install(parts: list[str]) -> None:
    """Add parts to ``.venv``; uv shows its progress."""
    environment = dict(os.environ)
    if "PIP_FIND_LINKS" in environment:  # uv reads its own variables only
        environment.setdefault("UV_FIND_LINKS", environment["PIP_FIND_LINKS"])
    print(f"installing {' and '.join(parts)} ...", file=sys.stderr)
    uv = [str(BIN / "uv"), "pip", "install", "--python", str(PYTHON), "--compile-bytecode"]
    arguments = [argument for part in parts for argument in PARTS[part]]
    subprocess.run([*uv, "--constraint", str(PINS), *arguments], check=True, env=environment)
    for part in parts:
        stamp(part).write_text(fingerprint())


def set_up(parts: list[str]) -> None:
    """Have these parts installed. An interrupted set-up starts over."""
    if not is_installed("train"):
        make_environment()
    missing = [part for part in parts if not is_installed(part)]
    if missing:
        install(missing)


def main() -> int:
    """Run the command; its exit code is ours."""
    if sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    command = sys.argv[1:] or ["onward", "--help"]
    try:
        set_up(parts_for(command))
    except subprocess.CalledProcessError as error:
        print(f"set-up failed (see above): {error}", file=sys.stderr)
        return 1
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    environment = dict(os.environ, PATH=path, VIRTUAL_ENV=str(VENV))
    program = shutil.which(command[0], path=path)
    if program is None:
        print(f"{command[0]}: no such command in {BIN} or on PATH", file=sys.stderr)
        return 127
    if os.name == "posix":  # the command takes our place: signals reach it, and it alone
        os.execve(program, command, environment)
    return subprocess.call([program, *command[1:]], env=environment)


if __name__ == "__main__":
    sys.exit(main())
