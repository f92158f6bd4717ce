"""What a config may say, as JSON Schema."""

import importlib
import json
from typing import Any

from pydantic import ConfigDict, Field, create_model

from onward import stages
from onward.settings.config import has_defaults


def json_schema() -> str:
    """Made from the classes of settings, and so from all members of the families that exist.

    A section may be missing where all of its settings have defaults, as for
    `onward.settings.config.section`.
    """
    settings: dict[str, Any] = {}
    for name in stages.ORDER:
        section = importlib.import_module(f"onward.stages.{name}").Settings
        settings[name] = (section, section()) if has_defaults(section) else section
    plugins: Any = (list[str], Field([], description="Modules whose classes join the families."))
    config = create_model(
        "Config",
        __config__=ConfigDict(extra="forbid"),
        __doc__="One file in configs/: a section for each stage.",
        plugins=plugins,
        **settings,
    )
    document = config.model_json_schema()
    for definition in document["$defs"].values():
        # a member's own type is its default, but only after it has been chosen by that
        if "const" in definition["properties"].get("type", {}):
            definition["required"] = ["type", *definition.get("required", [])]
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
