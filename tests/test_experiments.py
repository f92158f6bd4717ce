"""`dvc exp run -S` on a project of `onward init`, with git and DVC as people have them."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_an_experiment_changes_one_line_of_the_config(tmp_path: Path) -> None:
    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    rows = "".join(f"{row % 7 / 2},{'ab'[row % 2]},{row % 5}\n" for row in range(90))
    (tmp_path / "t.csv").write_text(f"x,kind,y\n{rows}")
    for line in ("init -q", "config user.name me", "config user.email me@example.com"):
        run("git", *line.split())
    run(sys.executable, "-m", "onward", "init", "t.csv", "--target", "kind")
    run(sys.executable, "-m", "dvc", "repro", "-q", "data.dvc")
    run("git", "add", "-A")
    run("git", "commit", "-qm", "Begin")

    change = "configs/t.yaml:train.learner.learning_rate=3e-3"
    run(sys.executable, "-m", "dvc", "exp", "run", "-q", "-S", change, "prepare@t")

    assert run("git", "diff", "--numstat", "configs") == "1\t1\tconfigs/t.yaml\n"
    assert "\n+    learning_rate: 0.003\n" in run("git", "diff", "configs")
