"""Code that predicts with the file."""

from onward.report import snippets
from onward.report.markup import Html, join, tag
from onward.report.report_data import Evidence


def usage(evidence: Evidence) -> Html:
    """Code snippets for predictions."""
    ways = {
        "Python": snippets.predictor(evidence),
        "Only numpy and onnxruntime": snippets.onnxruntime(evidence),
        "Command line": snippets.shell(evidence),
    }
    note = (
        "model.onnx takes raw rows; cleaning, encoding and scaling are part of the file. A missing"
        " number is NaN, a missing text is empty. Predictor also accepts None."
    )
    if evidence.refit:
        note += f" {evidence.refit}"
    blocks = [
        tag("div", tag("h3", title), tag("pre", tag("code", code)), class_="card")
        for title, code in ways.items()
    ]
    return join(tag("p", note, class_="quiet"), tag("div", blocks[:2], class_="grid"), blocks[2])
