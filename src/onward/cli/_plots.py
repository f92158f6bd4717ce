"""What `dvc plots show` draws of a run, by its task."""

from collections.abc import Mapping, Sequence
from typing import Any

from onward.settings.yaml import one_line

# by title: the file, x, y, and what else DVC is told; labels where a column's name is not enough
SHARE = {"x_label": "share of rows, surest first"}
CALIBRATION = (
    "calibration.csv",
    "probability",
    ["frequency", "lower", "upper"],
    {"x_label": "predicted probability", "y_label": "observed frequency"},
)
CONFUSION = ("labels.csv", "actual", ["predicted"], {"template": "confusion"})
Plot = tuple[str, str, Sequence[str], Mapping[str, str]]
PLOTS: Mapping[str, Mapping[str, Plot]] = {
    "binary": {
        "roc": ("roc.csv", "false_positive_rate", ["true_positive_rate"], {}),
        "precision and recall": ("pr.csv", "recall", ["precision"], {}),
        "threshold": (
            "threshold.csv",
            "threshold",
            ["precision", "recall", "f1", "selected"],
            {"y_label": "share"},
        ),
        "gain": ("gain.csv", "share", ["gain"], SHARE),
        "lift": ("lift.csv", "share", ["lift"], SHARE),
        "calibration": CALIBRATION,
        "confusion": CONFUSION,
    },
    "multiclass": {"calibration": CALIBRATION, "confusion": CONFUSION},
    "regression": {
        "predictions": ("residuals.csv", "predicted", ["actual"], {"template": "scatter"}),
        "errors": ("residuals.csv", "predicted", ["residual"], {"template": "scatter"}),
        "coverage": ("bands.csv", "predicted", ["coverage"], {}),
    },
}
OTHER_ROWS: Mapping[str, Plot] = {  # files without rows, and not drawn, where nobody asks for them
    "folds": ("cross_validation.csv", "fold", ["value"], {"template": "scatter"}),
    "training rows": ("learning_curve.csv", "rows", ["value", "lower", "upper"], {}),
}


def plots(config: str, task: str) -> str:
    """The lines of ``dvc.yaml`` below ``plots:``.

    Args:
        config: name of the config.
        task: that its head has.
    """
    folder = f"artifacts/{config}"
    loss = {f"{folder}/train/history.json": ["train/loss", "validation/loss"]}
    drop = {f"{folder}/evaluate/plots/importance.csv": "column"}
    entries: dict[str, dict[str, Any]] = {
        "loss": {"x": "epoch", "y": loss, "y_label": "loss"},
        "importance": {"template": "bar_horizontal", "x": "drop", "y": drop},
    }
    for title, (file, x, y, more) in {**PLOTS[task], **OTHER_ROWS}.items():
        path = f"{folder}/evaluate/plots/{file}"
        entries[title] = {**more, "x": x, "y": {path: list(y)}}
    return "".join(f"  - {title}: {one_line(entry)}\n" for title, entry in entries.items())
