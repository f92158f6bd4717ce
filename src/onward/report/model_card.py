"""The model card: the model, its scores, and the rows they were measured on.

Source: Mitchell et al. 2019, "Model Cards for Model Reporting", whose sections these are.
"""

from onward.report.formatting import (
    ARROWS,
    WHO,
    fill_in,
    format_metric,
    interval,
    number,
    score,
    shortages,
    size,
    verdict,
)
from onward.report.markdown import bullets, document, plain, table
from onward.report.report_data import Evidence
from onward.wording import format_count

LEAST_CLASS = 30  # test rows of a class; scores of fewer are rough
REPLAYED = {
    "rows": "up to 100 rows of the test set with their predictions",
    "synthetic": "100 rows made up column by column",
    "none": "no row of the table",
}
LARGEST = 10  # columns of the importance


def model_card(evidence: Evidence) -> str:
    """The card, as Markdown."""
    return document(
        f"Model card: {plain(evidence.target)}",
        {
            "Model details": _details(evidence),
            "Intended use": _use(evidence),
            "Factors": _factors(evidence),
            "Metrics": _metrics(evidence),
            "Evaluation data": _evaluation(evidence),
            "Training data": _training(evidence),
            "Quantitative analyses": _analyses(evidence),
            "Ethical considerations": _ethics(evidence),
            "Caveats and recommendations": _caveats(evidence),
        },
    )


def _details(evidence: Evidence) -> list[str]:
    notes = evidence.notes
    facts = [
        ("task", f"{evidence.task.name}: predicts {evidence.target}"),
        ("file", f"model.onnx, {size(evidence.model_bytes)}"),
        ("SHA-256 of the file", evidence.model_sha256),
        *((f"hash of {name}", text) for name, text in notes.get("hashes", {}).items()),
        *((name, text) for name, text in notes.get("versions", {}).items()),
    ]
    return [plain(verdict(evidence)), evidence.refit, table(["fact", "value"], facts)]


def _use(evidence: Evidence) -> list[str]:
    columns = ", ".join(plain(field.name) for field in evidence.schema.columns)
    first = (
        f"To predict {plain(evidence.target)} for rows like those in"
        f" {plain(evidence.data['source'])}, from the raw values of {columns}."
    )
    return [
        first,
        "Not meant for rows of another origin or a much later time: it was not measured on such"
        " rows. This run did not assess which decisions the model is fit to support.",
    ]


def _factors(evidence: Evidence) -> list[str]:
    top = evidence.plots["importance"].head(LARGEST)
    rows = [(name, number(drop)) for name, drop in top.select("column", "drop").iter_rows()]
    return [
        f"The most important columns, by the drop in {evidence.task.main_metric.title} when the"
        " column is shuffled in the test set (permutation importance).",
        table(["column", "drop"], rows),
    ]


def _metrics(evidence: Evidence) -> list[str]:
    words = {"higher": "higher is better", "lower": "lower is better", "neither": "descriptive"}
    named = bullets(f"{plain(of.title)}: {words[of.better]}" for of in evidence.of_task.values())
    return [
        f"The main metric is {plain(evidence.task.main_metric.title)}. Intervals are 95 % bootstrap"
        " intervals over the test set; they do not cover variation between training runs, or other"
        " kinds of rows.",
        named,
    ]


def _evaluation(evidence: Evidence) -> list[str]:
    scored = "The exported file was scored on raw rows."
    if evidence.refit:
        scored = (
            "evaluated.onnx, the network before its second training, was scored on raw rows, not"
            " model.onnx itself."
        )
    return [
        f"The test set: {evidence.metrics['rows']:,} rows of the same table, used neither for"
        f" preprocessing nor for training, early stopping or calibration. {scored}"
    ]


def _training(evidence: Evidence) -> list[str]:
    counts = evidence.data["rows"]
    rows = (
        f"{counts['train']:,} training rows, {counts['validation']:,} validation rows for early"
        " stopping and calibration"
    )
    if folds := evidence.folds:
        rows = (
            f"{counts['train'] + counts['validation']:,} rows in {folds} folds, a network without"
            " each, early stopping and calibration on the fold that a network did not learn from"
        )
    epochs = (
        "" if evidence.members or folds else f", {format_count(len(evidence.history), 'epoch')}"
    )
    return [
        f"{rows}{epochs}. The data card (data_card.md) describes them.",
        _members(evidence),
        evidence.refit,
        _raw_values(evidence),
    ]


def _members(evidence: Evidence) -> str:
    """The networks of an ensemble."""
    if not evidence.members:
        return ""
    lines = bullets(f"{name}: {plain(text)}" for name, text in evidence.members.items())
    return f"The model averages the predictions of {len(evidence.members)} networks:\n\n{lines}"


def _raw_values(evidence: Evidence) -> str:
    """Which values of the table the file contains."""
    privacy = evidence.notes.get("privacy", {"replay": "rows", "hide": []})
    hidden = ", ".join(plain(name) for name in privacy["hide"])
    return (
        f"The model file contains {REPLAYED[privacy['replay']]}, the most frequent categories, the"
        " range and quantiles of each column"
        + (
            f" except for {hidden}, of which it has the share of missing values only"
            if hidden
            else ""
        )
        + ". The graph itself contains the categories and numbers that the preprocessing learned"
        " from the training rows, also of hidden columns."
    )


def _analyses(evidence: Evidence) -> list[str]:
    rows = [
        [
            f"{of.title} {ARROWS[of.better]}".strip(),
            *(format_metric(of, evidence.metrics[who][name]["value"]) for who in WHO),
            interval(of, evidence.metrics["model"][name]),
        ]
        for name, of in evidence.of_task.items()
    ]
    return [table(["metric", *WHO.values(), "95 % interval"], rows), *_classes(evidence)]


def _classes(evidence: Evidence) -> list[str]:
    if "classes" not in evidence.plots:
        return []
    rows = [
        [label, f"{count:,}", *(score(value) for value in values)]
        for label, count, *values in evidence.plots["classes"].iter_rows()
    ]
    return ["By class:", table(["class", "rows", "precision", "recall", "F1"], rows)]


def _ethics(evidence: Evidence) -> list[str]:
    compared = (
        evidence.plots["fairness"]["column"].unique(maintain_order=True).to_list()
        if "fairness" in evidence.plots
        else []
    )
    groups = ", ".join(plain(name) for name in compared)
    return [
        f"Groups of {groups} were compared: see the report." if groups else "",
        "Users of the model must judge whether rows describe people, whether a column must not"
        " influence decisions, and whom wrong predictions harm.",
        f"All {len(evidence.schema.columns):,} columns above can change a prediction, also through"
        " correlated columns.",
    ]


def _caveats(evidence: Evidence) -> list[str]:
    caveat = fill_in(evidence, evidence.task.caveat)
    caveats = [caveat] if caveat else []
    if rare := _rare(evidence):
        caveats.append(f"Classes with fewer than {LEAST_CLASS} test rows: {', '.join(rare)}.")
    leaks = [plain(leak["what"]) for leak in evidence.data["quality"]["leaks"]]
    caveats += [f"Suspected leak: {leak}." for leak in leaks]
    caveats += [f"{plain(shortage)}." for shortage in shortages(evidence)]
    caveats.append(
        "Missing values, unseen categories and numbers outside the training range are predicted"
        " without an error."
    )
    return [bullets(caveats)]


def _rare(evidence: Evidence) -> list[str]:
    if "classes" not in evidence.plots:
        return []
    rows = evidence.plots["classes"].select("class", "rows").iter_rows()
    return [plain(label) for label, count in rows if count < LEAST_CLASS]
