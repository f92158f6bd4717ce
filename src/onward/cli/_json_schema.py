"""The JSON Schema of configs."""

import importlib
import json
from typing import Any

from pydantic import ConfigDict, Field, create_model

from onward import stages
from onward.settings.config import has_defaults


def json_schema() -> str:
    """The JSON Schema of configs, built from the settings of all imported family members.

    As in `onward.settings.config.section`, a section is optional if all its settings have defaults.
    """
    settings: dict[str, Any] = {}
    for name in stages.ALL:
        section = importlib.import_module(f"onward.stages.{name}").Settings
        settings[name] = (section, section()) if has_defaults(section) else section
    plugins: Any = (list[str], Field([], description="Modules with classes of your own."))
    config = create_model(
        "Config",
        __config__=ConfigDict(extra="forbid"),
        __doc__="One file in configs/: a section for each stage.",
        plugins=plugins,
        **settings,
    )
    document = config.model_json_schema()
    for definition in document["$defs"].values():
        # `type` selects the member, so it is required although it has a default
        if "const" in definition["properties"].get("type", {}):
            definition["required"] = ["type", *definition.get("required", [])]
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
