#!/usr/bin/env python3
"""Make the project's environment, once, and run a command in it.

    python scripts/run.py dvc repro
    python scripts/run.py pytest

The first call makes ``.venv`` and installs what `pyproject.toml` asks for, in the versions of
`scripts/constraints.txt`; later calls start the command at once, until one of the two changes.
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
STAMP = VENV / "installed.sha256"
OLDEST, NEWEST = (3, 11), (3, 13)


def fingerprint() -> str:
    """All that the environment depends on, as one hash."""
    digest = hashlib.sha256(f"{sys.version} {os.environ.get('UV_TORCH_BACKEND')}".encode())
    for file in (PROJECT, PINS):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def install() -> None:
    """Make ``.venv`` anew. The stamp is written last: an interrupted set-up starts over."""
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        found = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"onward needs Python 3.11, 3.12 or 3.13; this is Python {found} ({sys.executable})"
        )
    print(
        "setting up .venv (once; a minute or more, depending on the network) ...", file=sys.stderr
    )
    shutil.rmtree(VENV, ignore_errors=True)
    venv.create(VENV, with_pip=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "uv"], check=True)
    environment = dict(os.environ)
    if "PIP_FIND_LINKS" in environment:  # uv reads its own variables only
        environment.setdefault("UV_FIND_LINKS", environment["PIP_FIND_LINKS"])
    uv = [str(BIN / "uv"), "pip", "install", "--quiet", "--python", str(PYTHON)]
    wanted = ["--constraint", str(PINS), "--editable", str(ROOT), "--group", f"{PROJECT}:dev"]
    subprocess.run([*uv, "--compile-bytecode", *wanted], check=True, env=environment)
    STAMP.write_text(fingerprint())


def main() -> int:
    """Run the command; its exit code is ours."""
    if sys.argv[1:] in (["-h"], ["--help"]):
        print(__doc__)
        return 0
    if not STAMP.exists() or STAMP.read_text() != fingerprint():
        try:
            install()
        except subprocess.CalledProcessError as error:
            print(f"set-up failed (see above): {error}", file=sys.stderr)
            return 1
    path = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    environment = dict(os.environ, PATH=path, VIRTUAL_ENV=str(VENV))
    command = sys.argv[1:] or ["onward", "--help"]
    program = shutil.which(command[0], path=path)
    if program is None:
        print(f"{command[0]}: no such command in {BIN} or on PATH", file=sys.stderr)
        return 127
    if os.name == "posix":  # the command takes our place: signals reach it, and it alone
        os.execve(program, command, environment)
    return subprocess.call([program, *command[1:]], env=environment)


if __name__ == "__main__":
    sys.exit(main())
