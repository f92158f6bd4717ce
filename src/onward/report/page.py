"""The report as one page of HTML that needs nothing else."""

from onward.report.data import data
from onward.report.dependence import dependence
from onward.report.errors import errors
from onward.report.fairness import fairness
from onward.report.formatting import shortages, verdict
from onward.report.importance import importance
from onward.report.markup import Html, document, tag
from onward.report.provenance import provenance
from onward.report.quality import quality
from onward.report.report_data import Evidence
from onward.report.resampling import cross_validation, learning_curve
from onward.report.results import overview, result, tiles
from onward.report.selection import selection
from onward.report.slices import slices
from onward.report.training import training
from onward.report.tuning import tuning
from onward.report.usage import usage
from onward.wording import format_count

SECTIONS = {
    "Result": result,
    "Cross-validation": cross_validation,
    "Errors": errors,
    "Slices": slices,
    "Fairness": fairness,
    "Feature importance": importance,
    "Partial dependence": dependence,
    "Column selection": selection,
    "Tuning": tuning,
    "Training": training,
    "Learning curve": learning_curve,
    "Data": data,
    "Data quality": quality,
    "Use the model": usage,
    "Provenance": provenance,
}


def page(evidence: Evidence) -> str:
    """The page, as text."""
    sections = {title: section(evidence) for title, section in SECTIONS.items()}
    return document(f"{evidence.target}: {evidence.config}", _header(evidence), sections)


def _header(evidence: Evidence) -> Html:
    rows = sum(evidence.data["rows"].values())
    columns = format_count(len(evidence.schema.columns), "column")
    source = f"{evidence.config} · {evidence.task.name} · {columns}"
    words = (
        tag(
            "p",
            f"{source} · {format_count(rows, 'row')} of {evidence.data['source']}",
            class_="quiet",
        ),
        tag("h1", "Predicting ", tag("em", evidence.target)),
        tag("p", verdict(evidence), class_="verdict"),
        *(tag("p", sentence, class_="quiet") for sentence in [evidence.refit] if sentence),
        *(tag("p", shortage, class_="shortage") for shortage in shortages(evidence)),
    )
    top = tag("div", tag("div", words), overview(evidence), class_="overview")
    return tag("header", top, tiles(evidence))
