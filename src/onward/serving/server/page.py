"""A page with a form for the columns of a model, without external resources."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from typing import Any

from onward.schema import Field
from onward.serving.server.column_schema import example_row
from onward.serving.server.messages import Response
from onward.serving.server.served_model import ServedModel
from onward.serving.server.snippets import curl, javascript, python
from onward.serving.training_range import TrainingRange

STYLE = (files(__package__) / "page.css").read_text(encoding="utf-8")
SCRIPT = (files(__package__) / "page.js").read_text(encoding="utf-8")
OFFERED = 50  # values of a column; a browser shows more badly
HOST = re.compile(rb"[\w.:\[\]-]{1,255}")


def page(
    model: ServedModel, models: Sequence[ServedModel], address: str, *, has_token: bool
) -> Response:
    """The page of one model.

    Args:
        model: of the page.
        models: all of the server, for links.
        address: of the server as the caller knows it, without a slash at the end.
        has_token: whether clients have to send one.
    """
    row = example_row(model)
    target = model.schema.target.name
    title = f"Predict {target}"
    snippets = _snippets(f"{address}/models/{model.name}/predict", row, has_token=has_token)
    fields = "".join(
        _field(model, index, field, row[field.name])
        for index, field in enumerate(model.schema.columns)
    )
    body = f"""<!doctype html>
<html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">
<title>{escape(title)}</title><style>{STYLE}</style>
<header><h1>{escape(title)}</h1><p>{escape(model.name)}, version {model.version}</p>
{_links(model, models)}</header>
<main><form data-url="/models/{model.name}/predict" data-target="{escape(target)}">
<div class=fields>{fields}</div><button>Predict</button>
<noscript><p>The form needs JavaScript; the code below does not.</noscript></form>
<section id=result aria-live=polite hidden></section>
<section><h2>From your code</h2>{snippets}
<p><a href="/openapi.json">OpenAPI</a>, and the Open Inference Protocol at
<a href="/v2/models/{model.name}">/v2</a>.</section></main>
<script>{SCRIPT}</script></html>
"""
    return Response(body.encode(), type="text/html; charset=utf-8", headers=HEADERS)


def address_of(headers: Mapping[bytes, bytes]) -> str:
    """The address of the server as seen by the caller, also behind a proxy; relative if unknown."""
    host = headers.get(b"x-forwarded-host", headers.get(b"host", b""))
    scheme = headers.get(b"x-forwarded-proto", b"http")
    if not HOST.fullmatch(host) or scheme not in (b"http", b"https"):
        return ""
    return f"{scheme.decode()}://{host.decode()}"


def _snippets(url: str, row: Mapping[str, Any], *, has_token: bool) -> str:
    code = {"curl": curl, "Python": python, "JavaScript": javascript}
    return "".join(
        f"<h3>{name}</h3><pre tabindex=0>{escape(write(url, row, has_token=has_token))}</pre>"
        for name, write in code.items()
    )


def _field(model: ServedModel, index: int, field: Field, value: Any) -> str:
    known = TrainingRange.read(field, model.predictor.metadata)
    is_number = field.wire == "number" and field.type != "boolean"
    kind = "number step=any" if is_number else "text"
    text, hint = "" if value is None else str(value), ""
    if wire := model.vectors.get(field.name):
        text = "" if value is None else json.dumps(value)
        hint = f"{wire.words} as a list: {'[' * len(wire.shape)}0, …{']' * len(wire.shape)}"
    elif known.low is not None and known.high is not None:
        ends = f"{_rounded(known.low)} to {_rounded(known.high)}"
        hint = f"{ends} {known.unit}".rstrip() + " in training"
    options = [] if is_number or wire else _options(model, field, known)
    listed = f" list=l{index}" if options else ""
    return (
        f"<label><span>{escape(field.name)}</span>"
        f'<input type={kind} name="{escape(field.name)}" value="{escape(text)}"'
        f" data-wire={field.wire} placeholder=missing autocomplete=off{listed}>"
        f"<small>{escape(hint)}</small></label>"
        + (f"<datalist id=l{index}>{''.join(options)}</datalist>" if options else "")
    )


def _rounded(value: float) -> str:
    """Six digits or the whole number, with commas from five digits on: years have none."""
    size = abs(value)
    if not 1e4 <= size < 1e15:
        return f"{value:.6g}"
    return f"{value:,.6g}" if size < 1e5 else f"{value:,.0f}"


def _options(model: ServedModel, field: Field, known: TrainingRange) -> list[str]:
    """Suggested values: all categories, or those of the sample rows."""
    rows = model.predictor.metadata.get("replay", {}).get("rows", {})
    values = known.categories if known.categories is not None else rows.get(field.name, ())
    texts = sorted({str(value) for value in values if value not in (None, "")})
    return [f'<option value="{escape(text)}">' for text in texts[:OFFERED]]


def _links(model: ServedModel, models: Sequence[ServedModel]) -> str:
    others = [other.name for other in models if other is not model]
    links = " ".join(f'<a href="/models/{name}">{escape(name)}</a>' for name in others)
    return f"<nav>Other models: {links}</nav>" if links else ""


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


POLICY = (
    f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)};"
    " connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""Nothing that a column's name or a value could smuggle in is run or loaded."""
HEADERS = (("content-security-policy", POLICY), ("x-content-type-options", "nosniff"))
