"""Plots for `dvc plots show`, by task."""

from typing import Any

from onward.settings.yaml import one_line
from onward.tasks import Plot, Task

RESAMPLING_PLOTS = {  # empty unless the config asks for them; DVC then draws nothing
    "folds": Plot("cross_validation.csv", "fold", ("value",), {"template": "scatter"}),
    "training rows": Plot("learning_curve.csv", "rows", ("value", "lower", "upper")),
}


def plots(config: str, task: str, prefix: str = "") -> str:
    """The entries of ``plots:`` in ``dvc.yaml``.

    Args:
        config: name of the config.
        task: name of its task.
        prefix: of the titles.
    """
    folder = f"artifacts/{config}"
    loss = {f"{folder}/train/history.json": ["train/loss", "validation/loss"]}
    drop = {f"{folder}/evaluate/plots/importance.csv": "column"}
    entries: dict[str, dict[str, Any]] = {
        "loss": {"x": "epoch", "y": loss, "y_label": "loss"},
        "importance": {"template": "bar_horizontal", "x": "drop", "y": drop},
    }
    for title, plot in {**Task.members[task].plots, **RESAMPLING_PLOTS}.items():
        path = f"{folder}/evaluate/plots/{plot.file}"
        entries[title] = {**plot.settings, "x": plot.x, "y": {path: list(plot.y)}}
    return "".join(f"  - {prefix}{title}: {one_line(entry)}\n" for title, entry in entries.items())
