"""Versions: ``--version``, and the same as JSON for tools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from falco.rules.versions import ENGINE_VERSION

PLUGIN_API_VERSION: Final = "3.12.0"
DRIVER_API_VERSION: Final = "10.0.0"
DRIVER_SCHEMA_VERSION: Final = "4.3.0"
"""Versions of Falco's interfaces; rule files and tools compare with them."""
FALCO_VERSION: Final = "0.44.0"
"""The release of Falco whose behaviour is followed."""


def falco_version() -> str:
    """``<version of Falco>+py.<version of this program>``, a semantic version."""
    try:
        own = version("falco-core")
    except PackageNotFoundError:  # run from a tree that is not installed
        own = "0"
    return f"{FALCO_VERSION}+py.{own}"


def as_text() -> str:
    """What ``--version`` prints."""
    own = falco_version()
    return (
        f"Falco version: {own}\n"
        f"Libs version:  {own}\n"
        f"Plugin API:    {PLUGIN_API_VERSION}\n"
        f"Engine:        {ENGINE_VERSION}\n"
        "Driver:\n"
        f"  API version:    {DRIVER_API_VERSION}\n"
        f"  Schema version: {DRIVER_SCHEMA_VERSION}\n"
        f"  Default driver: {own}\n"
    )


def as_object(plugins: Mapping[str, str]) -> dict[str, object]:
    """The same as a JSON object; *plugins* are versions by name."""
    own = falco_version()
    versions: dict[str, object] = {
        "default_driver_version": own,
        "driver_api_version": DRIVER_API_VERSION,
        "driver_schema_version": DRIVER_SCHEMA_VERSION,
        "engine_version": str(ENGINE_VERSION.minor),
        "engine_version_semver": str(ENGINE_VERSION),
        "falco_version": own,
        "libs_version": own,
        "plugin_api_version": PLUGIN_API_VERSION,
    }
    if plugins:
        versions["plugin_versions"] = dict(plugins)
    return versions


def as_json(plugins: Mapping[str, str]) -> str:
    """The JSON object on one line."""
    return json.dumps(as_object(plugins), sort_keys=True, separators=(",", ":")) + "\n"
