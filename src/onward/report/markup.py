"""HTML in which text cannot become markup: whatever is not made here is escaped."""

import html
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files


class Html(str):
    """Markup, safe to put into a page as it is."""

    __slots__ = ()


Content = str | Iterable[str]


def tag(name: str, *contents: Content, **attributes: str) -> Html:
    """An element. Text in it is escaped; a trailing ``_`` of an attribute's name is dropped.

    Example:
        >>> tag("a", "R&D ", tag("b", "2"), class_="x")
        '<a class="x">R&amp;D <b>2</b></a>'
    """
    opening = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{opening}>{join(*contents)}</{name}>")


def join(*contents: Content) -> Html:
    """One after the other."""
    return Html("".join(_escape(content) for content in contents))


def table(head: Sequence[str], rows: Sequence[Sequence[Content]], kind: str = "mixed") -> Html:
    """``kind`` is ``numbers``, which stand right in their columns, or ``mixed``."""
    header = tag("thead", tag("tr", (tag("th", name, scope="col") for name in head)))
    lines = (tag("tr", (tag("td", cell) for cell in row)) for row in rows)
    return tag("div", tag("table", header, tag("tbody", lines), class_=kind), class_="scroll")


def figure(title: str, svg: str) -> Html:
    """A chart with its title, in a card."""
    return tag(
        "figure", tag("figcaption", title), tag("div", Html(svg), class_="chart"), class_="card"
    )


def document(title: str, header: Html, sections: Mapping[str, Html | None]) -> str:
    """A page that needs nothing else: header, links, and the sections with contents, by title."""
    style = Html(files("onward.report").joinpath("style.css").read_text(encoding="utf-8"))
    head = tag(
        "head",
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html('<meta name="color-scheme" content="light dark">'),
        tag("title", title),
        tag("style", style),
    )
    written = {name: content for name, content in sections.items() if content}
    links = (tag("a", name, href=f"#{_id(name)}") for name in written)
    parts = (
        tag("section", tag("h2", name), content, id=_id(name)) for name, content in written.items()
    )
    body = tag("body", header, tag("nav", links), tag("main", parts))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _id(title: str) -> str:
    return title.lower().replace(" ", "-")


def _escape(content: Content) -> str:
    if isinstance(content, Html):
        return content
    if isinstance(content, str):
        return html.escape(content)
    return join(*content)
