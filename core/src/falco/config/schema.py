"""The JSON schema of falco.yaml (``--config-schema``), made from the structs that read it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from falco.config.configuration import OUTPUT_SUFFIX
from falco.config.merge import EXTENSIONS
from falco.config.settings import Extensions, Settings
from falco.rules.model import Priority


def config_schema(output_types: Mapping[str, type[msgspec.Struct]]) -> dict[str, Any]:
    """A JSON schema (draft 2020-12) of a configuration with the sections of the channels that are installed."""
    ours: list[tuple[str, Any, Any]] = [
        (name + OUTPUT_SUFFIX, _without_switch(cls) | msgspec.UnsetType, msgspec.UNSET)
        for name, cls in output_types.items()
    ]
    extensions = msgspec.defstruct("Extensions", ours, bases=(Extensions,), kw_only=True)
    sections: list[tuple[str, Any, Any]] = [
        (name + OUTPUT_SUFFIX, _with_switch(cls) | msgspec.UnsetType, msgspec.UNSET)
        for name, cls in output_types.items()
    ]
    sections.append((EXTENSIONS.replace("-", "_"), extensions | msgspec.UnsetType, msgspec.UNSET))
    whole = msgspec.defstruct(
        "FalcoConfig", sections, bases=(Settings,), kw_only=True, rename={EXTENSIONS.replace("-", "_"): EXTENSIONS}
    )
    (reference,), definitions = msgspec.json.schema_components((whole,), ref_template="#/$defs/{name}")
    for definition in definitions.values():
        if "properties" in definition:
            definition["additionalProperties"] = False
        elif "enum" in definition:
            definition["type"] = "string"
    definitions["FalcoConfig"]["patternProperties"] = {"^x-": {}}
    definitions["FalcoConfig"]["properties"]["priority"]["default"] = Settings().priority.name.lower()
    definitions["Priority"] = {"type": "string", "enum": [priority.name.lower() for priority in Priority]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **reference, "$defs": definitions}


def _without_switch(cls: type[msgspec.Struct]) -> Any:
    """The section of a channel below our own key: any of its keys."""
    keys = [(row.name, row.type | msgspec.UnsetType, msgspec.UNSET) for row in msgspec.structs.fields(cls)]
    return msgspec.defstruct(f"{cls.__name__}Extension", keys, kw_only=True)


def _with_switch(cls: type[msgspec.Struct]) -> Any:
    """The section of a channel: the keys of *cls* and ``enabled``. Nothing is required while it is off."""
    keys = [(row.name, row.type | msgspec.UnsetType, msgspec.UNSET) for row in msgspec.structs.fields(cls)]
    return msgspec.defstruct(cls.__name__, [("enabled", bool, False), *keys], kw_only=True)
