"""Print docs/families.md: the settings of all families, from their classes."""

import importlib
import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from onward import stages
from onward.settings.family import Family

LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "minLength": "{} characters or more",
    "minItems": "{} or more",
}
HEAD = """\
# Configuration reference

The families of classes from which a config chooses by `type`, with all settings. This page is
generated from the classes by `scripts/document_families.py`. `onward schema` prints the same as
JSON Schema, for editors.
"""


def page() -> str:
    """All families and their members, by name."""
    for name in stages.ALL:
        importlib.import_module(f"onward.stages.{name}")
    chosen = [family for family in Family.__subclasses__() if _is_in_configs(family)]
    families = sorted(chosen, key=lambda family: family.__module__)
    return "\n".join([HEAD, *(line for family in families for line in _family(family))])


def _is_in_configs(family: type[Family]) -> bool:
    return any("Config" in vars(member) for member in family.members.values())


def _family(family: type[Family]) -> Iterator[str]:
    yield f"## {family.__module__.split('.')[-2]}\n"
    yield f"{inspect.getdoc(family)}\n"
    for name, member in sorted(family.members.items()):
        yield f"### `{name}`\n"
        yield f"{inspect.getdoc(member)}\n"
        yield from _settings(member.Config)


def _settings(config: Any) -> Iterator[str]:
    schema = config.model_json_schema()
    rows = {name: value for name, value in schema["properties"].items() if name != "type"}
    if not rows:
        return
    yield f"{inspect.getdoc(config)}\n"
    yield "| setting | type | default |"
    yield "|---|---|---|"
    for name, value in rows.items():
        is_optional = name not in schema.get("required", [])
        default = f"`{json.dumps(value.get('default', {}))}`" if is_optional else "*required*"
        yield f"| `{name}` | {_words(value)} | {default} |"
    yield ""


def _words(value: Mapping[str, Any]) -> str:
    """A type and its limits, for a cell of a table."""
    if "anyOf" in value:
        return " or ".join(map(_words, value["anyOf"]))
    if "oneOf" in value:  # the members of another family
        return f"settings of {', '.join(f'`{name}`' for name in value['discriminator']['mapping'])}"
    if "enum" in value or "const" in value:
        return ", ".join(f"`{choice}`" for choice in value.get("enum", [value.get("const")]))
    kind = {"null": "null", "array": "list", "object": "mapping"}.get(value["type"], value["type"])
    inside = value.get("items") or value.get("additionalProperties")
    of = f" of {_words(inside)}" if isinstance(inside, dict) else ""
    limits = [text.format(value[key]) for key, text in LIMITS.items() if key in value]
    return ", ".join([kind + of, *limits])


if __name__ == "__main__":
    print(page())
