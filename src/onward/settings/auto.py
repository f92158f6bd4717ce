"""Settings that may be ``auto``, which stands for a default that depends on the table."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from onward.settings.family import FULL, Settings, any_of

Auto = Literal["auto"]
AUTO: Auto = "auto"


class OrAuto:
    """Field annotation: the annotated type, or ``auto``."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        branches: dict[Any, CoreSchema] = {
            AUTO: core_schema.literal_schema([AUTO]),
            FULL: handler(source),
        }
        return core_schema.tagged_union_schema(
            branches,
            lambda value: AUTO if value == AUTO else FULL,
            metadata={"pydantic_js_functions": [any_of]},
        )


class EachOrAuto:
    """Field annotation: these settings, each ``auto`` by default."""

    def __init__(self, settings: type[Settings]) -> None:
        fields: dict[str, Any] = {
            name: (Annotated[field.rebuild_annotation(), OrAuto()], AUTO)
            for name, field in settings.model_fields.items()
        }
        self.settings = create_model(
            settings.__name__, __base__=Settings, __doc__=settings.__doc__, **fields
        )

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return handler.generate_schema(self.settings)


def without_auto(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are set and not ``auto``, at any depth."""
    settings = {
        name: without_auto(v) if isinstance(v, Mapping) else v for name, v in values.items()
    }
    return {name: value for name, value in settings.items() if value not in (AUTO, {})}
