"""What rules may refer to, from the plugins that are switched on: the fields and transformers of each event source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from falco.clock import Clock
from falco.conditions.event_types import EventTypes
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.fields import evt
from falco.fields.registry import Fields
from falco.plugins.manager import unique

if TYPE_CHECKING:
    from falco.plugins.activation import ActivePlugins


def scopes_of(
    active: ActivePlugins, *, hostname: str, clock: Clock, static_fields: Mapping[str, str]
) -> dict[str, Scope]:
    """A scope for each event source of *active*, by name, in load order.

    Plugins replace generic fields (``evt.*``) that they define themselves.

    Args:
        active: The plugins.
        hostname: Value of ``evt.hostname``.
        clock: Writes ``evt.time`` and its kin.
        static_fields: Values of ``static.<name>``.

    Raises:
        PluginError: Two plugins define the same field or transformer.
    """
    added = ((name, one.name, one) for name, one in active.manager.collect("falco_register_transformers", active.names))
    transformers = {**BUILT_IN, **unique("transformer", added)}
    static = evt.static_fields(static_fields)
    scopes = {}
    for name, source in active.event_sources.items():
        generic = evt.fields(
            source=name,
            hostname=hostname,
            plugin=source.plugin.alias,
            clock=clock,
        )
        rows = [*generic, *active.fields(name), *static]
        types = None if source.catalogue is None else EventTypes(source.catalogue)
        scopes[name] = Scope(name, Fields(name, rows), transformers, types)
    return scopes
