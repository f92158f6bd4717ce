"""Hashes and versions."""

from onward.report.formatting import size
from onward.report.markup import Html, join, tag
from onward.report.report_data import Evidence


def provenance(evidence: Evidence) -> Html:
    """Hashes and versions, to reproduce the file."""
    notes = evidence.notes
    rows = [
        ["model.onnx", f"{evidence.model_sha256} · {size(evidence.model_bytes)}"],
        *([f"hash of {name}", text] for name, text in notes.get("hashes", {}).items()),
        *([name, text] for name, text in notes.get("versions", {}).items()),
    ]
    facts = (join(tag("dt", name), tag("dd", text)) for name, text in rows)
    cards = "model_card.md and data_card.md in the same folder summarize this page for reviewers."
    return join(tag("p", cards, class_="quiet"), tag("div", tag("dl", facts), class_="card"))
