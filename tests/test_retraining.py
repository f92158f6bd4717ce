"""The workflow of `docs/workflows/retrain.yml`, run here: the first champion, then a challenger."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from ruamel.yaml import YAML

from onward import Predictor

WORKFLOW = Path(__file__).parents[1] / "docs" / "workflows" / "retrain.yml"
SETTINGS = {
    r"split: \{.+\}": "split: {type: hash, name: customer, validation: 0.2, test: 0.3}",
    "  folds: 5.*\n": "",  # a model to start from is one network
    "model: auto": "model: {type: mlp, width: 16, depth: 1}",
    "max_epochs: auto": "max_epochs: 20",
}


def workflow() -> Any:
    return YAML(typ="safe").load(WORKFLOW)


def churn(rows: int) -> pl.DataFrame:
    """The first rows of a table that grows."""
    random = np.random.default_rng(0)
    usage, line = random.normal(size=2_000).round(4), random.logistic(size=2_000)
    table = {
        "customer": [f"c{row:05}" for row in range(2_000)],
        "usage": usage,
        "plan": random.choice(["basic", "plus", "pro"], 2_000),
        "churned": np.where(2 * usage + line > 0, "yes", "no"),
    }
    return pl.DataFrame(table).head(rows)


class Runner:
    """Runs the steps of a job, as GitHub does, but for actions and installations."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shared = folder, folder.parent / "github_env"
        self.shared.touch()

    def run(self) -> dict[str, str]:
        """The variables that steps share, when the last has ended."""
        document = workflow()
        for step in document["jobs"]["retrain"]["steps"]:
            condition = re.fullmatch(r"env\.(\w+) == '(.*)'", step.get("if", "env.CI == ''"))
            assert condition is not None
            name, wanted = condition.groups()
            is_asked = "if" not in step or self.variables().get(name) == wanted
            if "run" in step and step["name"] != "Install" and is_asked:
                self.sh(step["run"], document["env"] | self.variables())
        return self.variables()

    def variables(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.shared.read_text().splitlines())

    def sh(self, script: str, variables: dict[str, str]) -> str:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        env = {**os.environ, **variables, "PATH": path, "GITHUB_ENV": str(self.shared)}
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.mark.slow
def test_the_workflow_makes_a_champion_and_asks_each_challenger(tmp_path: Path) -> None:
    project, source = tmp_path / "project", tmp_path / "churn.csv"
    project.mkdir()
    runner = Runner(project)
    churn(500).write_csv(source)
    runner.sh(f"git init -q --bare {tmp_path}/origin.git && git init -q -b main .", {})
    runner.sh(f"onward init {source} --target churned", {})
    config = project / "configs" / "churn.yaml"
    text = config.read_text()
    for pattern, setting in SETTINGS.items():
        text, count = re.subn(pattern, setting, text)
        assert count == 1
    config.write_text(text)
    output = (project / "data.dvc").read_text().partition("outs:")[2]
    (project / "data.dvc").write_text(f"deps:\n- path: {source}\nouts:{output}")
    (project / "data" / "churn.csv").unlink()
    runner.sh(
        f"git config user.name me && git config user.email me@example.com && git add -A"
        f" && git commit -qm Begin && git remote add origin {tmp_path}/origin.git"
        " && git push -qu origin main",
        {},
    )

    assert runner.run()["OUTCOME"] == "0"

    champion = project / "champion" / "model.onnx"
    first = champion.read_bytes()
    assert Predictor(champion).verify()
    churn(1_300).write_csv(source)
    config.write_text(text.replace("prepare:\n", "prepare:\n  start_from: champion\n"))
    outcome = runner.run()["OUTCOME"]
    promotion = json.loads((project / "champion" / "promotion.json").read_text())
    assert {"0": "promoted", "4": "kept", "5": "undecided"}[outcome] == promotion["outcome"]
    assert (champion.read_bytes() != first) == (outcome == "0")
    # a third of all rows is for testing, and none of them moved into the training set
    assert 300 < promotion["loss"]["rows"] < 480
    tags = runner.sh("git ls-remote --tags origin", {})
    assert ("churn@v0.0.2" in tags) == (outcome == "0")
    assert "churn#prod#1" in tags
    assert "cold_start" in (project / "artifacts/churn/evaluate/comparison.json").read_text()


def test_the_page_has_the_commands_of_the_workflow() -> None:
    page = (WORKFLOW.parents[1] / "promotion.md").read_text()
    steps = workflow()["jobs"]["retrain"]["steps"]
    script = " ".join("\n".join(step.get("run", "") for step in steps).split())
    script = script.replace("$CONFIG", "churn").replace('"churn"', "churn").replace(" \\", "")
    [block] = [text for text in re.findall(r"```\n(.+?)```", page, re.DOTALL) if "cp" in text]
    for command in block.replace(" \\\n ", "").splitlines():
        assert command in script
