"""The hooks of a plugin. They register; what they return runs.

Implement any of them in a module named by an entry point of the group ``falco.plugins``::

    from falco import hookimpl

    @hookimpl
    def falco_register_sources(): ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.resources.abc import Traversable

    import click

    from falco.alerts import Formatter
    from falco.conditions.transformers import Transformer
    from falco.events.catalogue import EventCatalogue
    from falco.fields import Field
    from falco.outputs import Output
    from falco.plugins.info import PluginInfo
    from falco.plugins.rulefiles import RuleFile
    from falco.sources import Decoder, Source

hookspec = pluggy.HookspecMarker("falco")
hookimpl = pluggy.HookimplMarker("falco")


@hookspec
def falco_plugin_info() -> PluginInfo:  # type: ignore[empty-body]
    """Name, version and contact of the plugin, the API it needs, the upstream plugins it stands for."""


@hookspec
def falco_register_sources() -> Iterable[type[Source[Any]]]:  # type: ignore[empty-body]
    """Sources, each constructed as ``Source(config, open_params)`` when its event source is opened."""


@hookspec
def falco_register_decoders() -> Iterable[type[Decoder[Any, Any]]]:  # type: ignore[empty-body]
    """Decoders, by event source. A new transport for an existing event source registers a source only."""


@hookspec
def falco_register_fields(source: str) -> Iterable[Field[Any]]:  # type: ignore[empty-body]
    """Fields of the event source *source*. Called once for each; generic fields answer for every one."""


@hookspec
def falco_register_transformers() -> Iterable[Transformer]:  # type: ignore[empty-body]
    """Functions for conditions and outputs, like ``tolower(…)``."""


@hookspec
def falco_register_event_catalogues() -> Iterable[EventCatalogue]:  # type: ignore[empty-body]
    """Event types of event sources that have several (``evt.type``, ``--list-events``)."""


@hookspec
def falco_register_outputs() -> Iterable[type[Output]]:  # type: ignore[empty-body]
    """Channels, each switched on by its ``<name>_output.enabled``."""


@hookspec
def falco_register_formatters() -> Iterable[type[Formatter]]:  # type: ignore[empty-body]
    """Renderings of a whole alert, like text and JSON; ``x-falco-py.formatter`` of falco.yaml names the one to use."""


@hookspec
def falco_register_rules() -> Iterable[RuleFile]:  # type: ignore[empty-body]
    """Rule files that the distribution ships."""


@hookspec
def falco_register_configurations() -> Iterable[Traversable]:  # type: ignore[empty-body]
    """A falco.yaml for a run without one; the first that any plugin has is used."""


@hookspec
def falco_register_commands() -> Iterable[click.Command]:  # type: ignore[empty-body]
    """Commands for the command line, each by its name: ``falco NAME``."""
