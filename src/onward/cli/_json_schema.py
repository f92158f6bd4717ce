"""What a config may say, as JSON Schema."""

import importlib
import json
from typing import Any

from pydantic import ConfigDict, Field, create_model

from onward import stages


def json_schema() -> str:
    """Made from the classes of settings, and so from all members of the families that exist.

    As in `onward.settings.config.section`, sections that no stage reads are not looked at.
    """
    settings: dict[str, Any] = {
        name: importlib.import_module(f"onward.stages.{name}").Settings for name in stages.ORDER
    }
    plugins: Any = (list[str], Field([], description="Modules whose classes join the families."))
    config = create_model(
        "Config",
        __config__=ConfigDict(extra="allow"),
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
