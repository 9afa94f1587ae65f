"""What ``--list-plugins`` and ``--plugin-info`` print; scripts read the layout."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from falco.plugins.activation import SYSCALL, ActivePlugin, ActivePlugins
from falco.plugins.info import PluginInfo
from falco.plugins.manager import PluginManager

_NO_SCHEMA = "Not available, plugin does not implement the init config schema functionality"
_NO_OPEN_PARAMS = (
    "No suggested open params available: plugin has not been configured, "
    "or it does not implement the open params suggestion functionality"
)


def plugins_text(active: ActivePlugins) -> str:
    """``--list-plugins``: the plugins that the configuration loads."""
    listed = [plugin for plugin in active.plugins if plugin.entries]
    blocks = [_block(plugin.info, active.manager) for plugin in listed]
    return f"{len(blocks)} Plugins Loaded:\n\n" + "".join(f"{block}\n" for block in blocks) + "\n"


def plugin_text(info: PluginInfo, manager: PluginManager) -> str:
    """``--plugin-info``: one plugin, the schema of its configuration, and what its source can open."""
    sources = [cls for _, cls in manager.collect("falco_register_sources", (info.name,))]
    types = [cls.config_type for cls in sources if cls.config_type is not None]
    schemas = [json.dumps(msgspec.json.schema(one), separators=(",", ":")) for one in types]
    lines = [_block(info, manager), f"Init config schema type: {'JSON' if schemas else _NO_SCHEMA}"]
    lines += [*(schemas or [""]), ""]
    if sources:
        lines += [_NO_OPEN_PARAMS, ""]
    return "\n".join(lines) + "\n"


def versions(active: ActivePlugins) -> dict[str, str]:
    """``plugin_versions`` of ``--version`` and ``/versions``."""
    return {name: version for plugin in active.plugins if plugin.entries for name, version in plugin.versions.items()}


def is_known(active: ActivePlugins, plugin: ActivePlugin) -> bool:
    """Whether *plugin* has anything to do with an event source that there is."""
    opens = any(source.plugin is plugin for source in active.event_sources.values())
    hooks = ("falco_register_transformers", "falco_register_outputs", "falco_register_formatters")
    registers = any(True for hook in hooks for _ in active.manager.collect(hook, (plugin.info.name,)))
    return opens or registers or any(_has_fields(active.manager, plugin.info, name) for name in active.event_sources)


def _has_fields(manager: PluginManager, info: PluginInfo, source: str) -> bool:
    return any(True for _ in manager.collect("falco_register_fields", (info.name,), source=source))


def _block(info: PluginInfo, manager: PluginManager) -> str:
    lines = [
        f"Name: {info.name}",
        f"Description: {info.description}",
        f"Contact: {info.contact}",
        f"Version: {info.version}",
        "Capabilities: ",
    ]
    sources = dict.fromkeys(cls.event_source for _, cls in manager.collect("falco_register_sources", (info.name,)))
    for source in sources:
        number = f"ID={info.id}, " if info.id else ""
        lines.append(
            "  - Event Sourcing (system events)"
            if source == SYSCALL
            else f"  - Event Sourcing ({number}source='{source}')"
        )
    if _extracts(manager, info, list(sources)):
        lines.append("  - Field Extraction")
    if info.provides:
        names = ", ".join(f"{name} {version}" for name, version in info.provides.items())
        lines.append(f"  - Stands for: {names}")
    return "\n".join(lines) + "\n"


def _extracts(manager: PluginManager, info: PluginInfo, sources: list[Any]) -> bool:
    known = {*sources, SYSCALL, *(cls.event_source for _, cls in manager.collect("falco_register_sources"))}
    return any(_has_fields(manager, info, source) for source in sorted(known))
