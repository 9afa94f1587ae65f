"""What rules may refer to, from the plugins that are switched on: the fields and transformers of each event source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from falco.clock import Clock
from falco.conditions.event_types import EventTypes
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.fields import evt
from falco.fields.format import TIME_FORMATS
from falco.fields.registry import Fields
from falco.plugins.manager import unique

if TYPE_CHECKING:
    from falco.plugins.activation import ActivePlugins


def scopes_of(
    active: ActivePlugins, *, hostname: str, clock: Clock, static_fields: Mapping[str, str]
) -> dict[str, Scope]:
    """A scope for each event source of *active*, by name, in load order.

    Plugins replace generic fields (``evt.*``) that they define themselves. Fields of theirs that are the time of the
    event, by their format, are that in the zone of *clock* too, whatever getter they bring.

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
    scopes: dict[str, Scope] = {}
    all_fields: dict[str, Fields] = {}
    for name, source in active.event_sources.items():
        generic = evt.fields(
            source=name,
            hostname=hostname,
            plugin=source.plugin.alias,
            clock=clock,
        )
        moments = {row.format: row for row in generic if row.format in TIME_FORMATS}
        own = [
            replace(row, bind=moments[row.format].bind) if row.format in moments else row for row in active.fields(name)
        ]
        rows = [*generic, *own, *static]
        types = None if source.catalogue is None else EventTypes(source.catalogue)
        all_fields[name] = Fields(name, rows, all_fields)
        scopes[name] = Scope(name, all_fields[name], transformers, types)
    return scopes
