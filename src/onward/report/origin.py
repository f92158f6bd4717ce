"""What the file was made from."""

from onward.report.formatting import size
from onward.report.markup import Html, join, tag
from onward.report.report_data import Evidence


def origin(evidence: Evidence) -> Html:
    """What it was made from, to make it again."""
    notes = evidence.notes
    rows = [
        ["model.onnx", f"{evidence.model_sha256} · {size(evidence.model_bytes)}"],
        *([f"hash of {name}", text] for name, text in notes.get("hashes", {}).items()),
        *([name, text] for name, text in notes.get("versions", {}).items()),
    ]
    facts = (join(tag("dt", name), tag("dd", text)) for name, text in rows)
    cards = (
        "Beside this page lie model_card.md and data_card.md: the same for people who review it."
    )
    return join(tag("p", cards, class_="quiet"), tag("div", tag("dl", facts), class_="card"))
