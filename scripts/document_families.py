"""Print docs/families.md: the settings of all sections and families, from their classes."""

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
    "maxItems": "{} or fewer",
}
KINDS = {"array": "list", "object": "mapping"}
"""Types of JSON Schema that YAML calls otherwise."""
HEAD = """\
# Configuration reference

The sections of a config, and the families of classes from which it chooses by `type`, with all
settings. This page is generated from the classes by `scripts/document_families.py`. `onward schema`
prints the same as JSON Schema, for editors.
"""
Schema = Mapping[str, Any]


def page() -> str:
    """The sections in the order of their stages; all families and their members, by name."""
    modules = {name: importlib.import_module(f"onward.stages.{name}") for name in stages.ALL}
    sections = [line for name, module in modules.items() for line in _section(name, module)]
    chosen = [family for family in Family.__subclasses__() if _is_in_configs(family)]
    families = sorted(chosen, key=lambda family: family.__module__)
    members = [line for family in families for line in _family(family)]
    return "\n".join([HEAD, "## Sections\n", *sections, *members])


def _section(name: str, module: Any) -> Iterator[str]:
    """The settings of a section, and of the mappings in it."""
    schema = module.Settings.model_json_schema()
    yield f"### The section `{name}`\n"
    yield f"{inspect.getdoc(module.Settings)}\n"
    yield from _table(schema)
    yield from _mappings(name, schema, schema.get("$defs", {}), set())


def _mappings(path: str, schema: Schema, definitions: Schema, described: set[str]) -> Iterator[str]:
    """The settings of mappings that are no members of a family; each kind once."""
    for name, value in schema["properties"].items():
        for kind in _references(value):
            if kind in described:
                continue
            described.add(kind)
            inside = definitions[kind]
            yield f"#### `{path}.{name}`\n"
            yield f"{inspect.cleandoc(inside['description'])}\n"
            yield from _table(inside)
            yield from _mappings(f"{path}.{name}", inside, definitions, described)


def _references(value: Schema) -> Iterator[str]:
    """The names of the mappings in a value."""
    if "$ref" in value:
        yield value["$ref"].rpartition("/")[2]
    for part in (*value.get("anyOf", ()), value.get("items"), value.get("additionalProperties")):
        if isinstance(part, dict):
            yield from _references(part)


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
    if schema["properties"].keys() - {"type"}:
        yield f"{inspect.getdoc(config)}\n"
        yield from _table(schema)


def _table(schema: Schema) -> Iterator[str]:
    rows = {name: value for name, value in schema["properties"].items() if name != "type"}
    if not rows:
        return
    yield "| setting | type | default |"
    yield "|---|---|---|"
    for name, value in rows.items():
        is_optional = name not in schema.get("required", [])
        is_mapping = "$ref" in value or value.get("type") == "object"
        known = {} if is_mapping else value.get("default", {})  # those of a mapping are below
        default = f"`{json.dumps(known)}`" if is_optional else "*required*"
        yield f"| `{name}` | {_words(value)} | {default} |"
    yield ""


def _options(value: Schema) -> Iterator[Schema]:
    """The alternatives of a type, with those of alternatives."""
    for part in value["anyOf"]:
        yield from _options(part) if "anyOf" in part else [part]


def _words(value: Schema) -> str:
    """A type and its limits, for a cell of a table."""
    if not value:
        return "any value"
    if "$ref" in value:
        return "mapping"
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(filter(None, map(_words, _options(value)))))
    if "oneOf" in value:  # the members of another family
        return f"settings of {', '.join(f'`{name}`' for name in value['discriminator']['mapping'])}"
    if "enum" in value or "const" in value:
        return ", ".join(f"`{choice}`" for choice in value.get("enum", [value.get("const")]))
    kind = KINDS.get(value["type"]) or value["type"]
    inside = value.get("items") or value.get("additionalProperties")
    of = f" of {_words(inside)}" if isinstance(inside, dict) else ""
    limits = [text.format(value[key]) for key, text in LIMITS.items() if key in value]
    return ", ".join([kind + of, *limits])


if __name__ == "__main__":
    print(page())
