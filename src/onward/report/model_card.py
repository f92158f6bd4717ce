"""The model card: what the model is, how good it is, and for what rows that was found.

Source: Mitchell et al. 2019, "Model Cards for Model Reporting", whose sections these are.
"""

from onward.report.formatting import (
    ARROWS,
    WHO,
    filled,
    interval,
    measured,
    number,
    score,
    size,
    verdict,
)
from onward.report.markdown import bullets, document, plain, table
from onward.report.report_data import Evidence

LEAST_CLASS = 30  # held-out rows of a class; what is said of fewer is luck
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
    return [plain(verdict(evidence)), table(["fact", "value"], facts)]


def _use(evidence: Evidence) -> list[str]:
    columns = ", ".join(plain(field.name) for field in evidence.schema.columns)
    first = (
        f"To predict {plain(evidence.target)} of rows of the same kind as those in"
        f" {plain(evidence.data['source'])}, from the raw values of {columns}."
    )
    return [
        first,
        "Not meant for rows of another origin or a much later time than these: nothing here was"
        " measured on such rows. What decisions may rest on it was not part of this run.",
    ]


def _factors(evidence: Evidence) -> list[str]:
    top = evidence.plots["importance"].head(LARGEST)
    rows = [(name, number(drop)) for name, drop in top.select("column", "drop").iter_rows()]
    return [
        f"What the predictions rest on most: lost {evidence.task.main_metric.title} when the"
        " values of a column are dealt out anew among the held-out rows.",
        table(["column", "loss"], rows),
    ]


def _metrics(evidence: Evidence) -> list[str]:
    words = {"higher": "higher is better", "lower": "lower is better", "neither": "describes"}
    named = bullets(f"{plain(of.title)}: {words[of.better]}" for of in evidence.of_task.values())
    return [
        f"{plain(evidence.task.main_metric.title)} decides. Intervals hold 95 % of bootstrap"
        " resamples of the held-out rows; they say nothing of another training run, or of rows of"
        " another kind.",
        named,
    ]


def _evaluation(evidence: Evidence) -> list[str]:
    return [
        f"{evidence.metrics['rows']:,} rows of the same table, held out: neither weights nor"
        " preprocessing, calibration, or the end of training were chosen with them. The exported"
        " file was measured, on raw rows."
    ]


def _training(evidence: Evidence) -> list[str]:
    counts = evidence.data["rows"]
    return [
        f"{counts['train']:,} rows to learn from, {counts['validation']:,} to decide when to stop"
        f" and to calibrate, over {len(evidence.history):,} epochs. The data card (data_card.md)"
        " says what is in them."
    ]


def _analyses(evidence: Evidence) -> list[str]:
    rows = [
        [
            f"{of.title} {ARROWS[of.better]}".strip(),
            *(measured(of, evidence.metrics[who][name]["value"]) for who in WHO),
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
        f"Groups were compared by {groups}: the report has a table for each." if groups else "",
        "The run looks at numbers, not at what they stand for: whether rows are people, whether a"
        " column describes something that must not matter, and what a wrong prediction costs whom"
        " has to be judged by those who use the model.",
        f"All {len(evidence.schema.columns):,} columns named above can change a prediction, also"
        " by way of others that resemble them.",
    ]


def _caveats(evidence: Evidence) -> list[str]:
    caveat = filled(evidence, evidence.task.caveat)
    found = [caveat] if caveat else []
    if rare := _rare(evidence):
        found.append(f"Fewer than {LEAST_CLASS} held-out rows are of: {', '.join(rare)}.")
    leaks = [plain(leak["what"]) for leak in evidence.data["quality"]["leaks"]]
    found += [f"Suspected leak, accepted or only warned of: {leak}." for leak in leaks]
    found.append(
        "A missing value, an unknown category and a number beyond those seen give a prediction,"
        " too, and no warning."
    )
    return [bullets(found)]


def _rare(evidence: Evidence) -> list[str]:
    if "classes" not in evidence.plots:
        return []
    rows = evidence.plots["classes"].select("class", "rows").iter_rows()
    return [plain(label) for label, count in rows if count < LEAST_CLASS]
