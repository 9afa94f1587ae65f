"""The plugins that a configuration switches on, and the event sources that they make.

``load_plugins`` and ``plugins`` of falco.yaml decide, with one exception: whoever knows the event source
``syscall`` is always on, because ``engine.kind`` switches that source.  (Output channels have switches of their
own and are not looked at here.)
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from falco.config.settings import PluginEntry
from falco.errors import PluginError
from falco.events.catalogue import EventCatalogue
from falco.fields.model import Field
from falco.plugins.info import PluginInfo
from falco.plugins.manager import PluginManager, unique
from falco.sources import Decoder, EventList, Source

SYSCALL = "syscall"
"""The event source of system calls: the one that is there without being configured."""


class NotListedError(PluginError):
    """``load_plugins`` has a *name* that no entry of ``plugins`` has."""

    def __init__(self, name: str, listed: Iterable[str]) -> None:
        known = ", ".join(listed) or "nothing"
        super().__init__(f"Cannot load plugin '{name}': plugin config not found for given name; plugins lists {known}")
        self.name = name


@dataclass(frozen=True, slots=True)
class ActivePlugin:
    """A plugin that is in force."""

    info: PluginInfo
    entries: Mapping[str, PluginEntry]
    """The entries of ``plugins`` that load it, by the name that each means; the syscall plugin needs none."""
    is_built_in: bool = False
    """Whether it is on without being loaded, because it knows system calls."""

    @property
    def entry(self) -> PluginEntry | None:
        """The entry that says what its event source opens; None when no entry does."""
        return None if self.alias is None else self.entries[self.alias]

    @property
    def alias(self) -> str | None:
        """The name that it is loaded by for its event source, Falco's where the configuration was written for Falco."""
        return next((name for name in self.entries if name not in self.info.fields_only), None)

    @property
    def opens(self) -> bool:
        """Whether its event source counts: not when only names that stand for fields are loaded."""
        return self.is_built_in or self.entry is not None

    @property
    def versions(self) -> dict[str, str]:
        """Versions for ``required_plugin_versions``, by name."""
        provided = self.info.provides
        if self.opens:
            return {self.info.name: self.info.version, **provided}
        return {name: provided.get(name, self.info.version) for name in self.entries}


@dataclass(frozen=True, slots=True)
class EventSource:
    """An event source that rules may name."""

    name: str
    plugin: ActivePlugin
    """The plugin that opens it, or the first that knows it."""
    source_type: type[Source[Any]] | None
    """None: nobody can open it."""
    decoder_type: type[Decoder[Any, Any]]
    catalogue: EventCatalogue | None


@dataclass(frozen=True, slots=True)
class ActivePlugins:
    """Everything that is switched on."""

    manager: PluginManager = field(repr=False)
    plugins: tuple[ActivePlugin, ...]
    """In load order; the syscall plugin first."""
    event_sources: Mapping[str, EventSource]
    """By name, in load order."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the plugins."""
        return tuple(plugin.info.name for plugin in self.plugins)

    @property
    def versions(self) -> dict[str, str]:
        """Versions by name, those of Falco's plugins that ours stand for included."""
        return {name: version for plugin in self.plugins for name, version in plugin.versions.items()}

    def fields(self, source: str) -> list[Field[Any]]:
        """What plugins know of the event source *source*, in load order.

        Raises:
            PluginError: Two plugins define the same field.
        """
        owners: dict[str, str] = {}
        found: list[Field[Any]] = []
        for name in self.names:
            for _, one in self.manager.collect("falco_register_fields", (name,), source=source):
                if one.name in owners:
                    raise PluginError(
                        f"Plugin '{name}' supports extraction of field '{one.name}' that is overlapping for source "
                        f"'{source}': plugin '{owners[one.name]}' has it too"
                    )
                owners[one.name] = name
                found.append(one)
        return found


def activate(manager: PluginManager, entries: Sequence[PluginEntry], load: Sequence[str] | None) -> ActivePlugins:
    """Switch on what *entries* and *load* name.

    Args:
        manager: The installed plugins.
        entries: ``plugins`` of falco.yaml.
        load: ``load_plugins``; None = all of *entries*.

    Raises:
        PluginError: A name is unknown, loaded twice, or a plugin cannot be combined with another.
    """
    chosen = list(entries) if load is None else [_entry(entries, name) for name in load]
    for number, entry in enumerate(chosen):
        if any(entry.name == earlier.name for earlier in chosen[:number]):
            raise PluginError(f"found another plugin with name {entry.name}: it is to be loaded twice")
    built_in = _built_in(manager)
    loaded = _loaded(manager, chosen, built_in)
    owners = {plugin.info.name for plugin in loaded}
    unloaded = [ActivePlugin(manager.infos[name], {}, is_built_in=True) for name in built_in if name not in owners]
    plugins = [*unloaded, *loaded]
    return ActivePlugins(manager, tuple(plugins), _event_sources(manager, plugins))


def _entry(entries: Sequence[PluginEntry], name: str) -> PluginEntry:
    for entry in entries:
        if entry.name == name:
            return entry
    raise NotListedError(name, (entry.name for entry in entries))


def _built_in(manager: PluginManager) -> list[str]:
    """The plugins that know system calls."""
    hooks = ("falco_register_sources", "falco_register_decoders", "falco_register_event_catalogues")
    return list(
        dict.fromkeys(name for hook in hooks for name, item in manager.collect(hook) if item.event_source == SYSCALL)
    )


def _loaded(manager: PluginManager, chosen: Sequence[PluginEntry], built_in: Collection[str]) -> list[ActivePlugin]:
    """The plugins behind *chosen*, in order; names that mean one plugin load it once."""
    found: dict[str, dict[str, PluginEntry]] = {}
    opening: dict[str, PluginEntry] = {}
    for entry in chosen:
        name = manager.resolve(entry)
        plugin = manager.owner(name) or name
        entries = found.setdefault(plugin, {})
        is_opening = name not in manager.infos[plugin].fields_only
        other = entries.get(name) or (opening.get(plugin) if is_opening else None)
        if other is not None:
            raise PluginError(
                f"found another plugin with name {name}: '{other.name}' and '{entry.name}' of load_plugins both mean "
                f"plugin '{plugin}', which can be loaded once"
            )
        entries[name] = entry
        if is_opening:
            opening[plugin] = entry
    return [
        ActivePlugin(manager.infos[plugin], entries, is_built_in=plugin in built_in)
        for plugin, entries in found.items()
    ]


def _event_sources(manager: PluginManager, plugins: Sequence[ActivePlugin]) -> dict[str, EventSource]:
    active = {plugin.info.name: plugin for plugin in plugins if plugin.opens}
    names = list(active)
    transports: dict[str, list[tuple[ActivePlugin, type[Source[Any]]]]] = {}
    for name in names:
        for _, cls in manager.collect("falco_register_sources", (name,)):
            transports.setdefault(cls.event_source, []).append((active[name], cls))
    decoders = unique(
        "decoder of event source",
        ((name, cls.event_source, cls) for name, cls in manager.collect("falco_register_decoders", names)),
    )
    catalogues = unique(
        "event catalogue of event source",
        ((name, item.event_source, item) for name, item in manager.collect("falco_register_event_catalogues", names)),
    )
    first_owner = {
        item.event_source: active[name]
        for hook in ("falco_register_event_catalogues", "falco_register_decoders")
        for name, item in manager.collect(hook, names)
    }
    known = dict.fromkeys([SYSCALL, *transports, *decoders, *catalogues])
    found = {}
    for source in known:
        opened = _transport(source, transports.get(source, []))
        plugin = opened[0] if opened else first_owner.get(source)
        if plugin is not None:
            found[source] = EventSource(
                source,
                plugin,
                opened[1] if opened else None,
                decoders.get(source, EventList),
                catalogues.get(source),
            )
    return found


def _transport(
    source: str, found: Sequence[tuple[ActivePlugin, type[Source[Any]]]]
) -> tuple[ActivePlugin, type[Source[Any]]] | None:
    """Who opens *source*: the one plugin whose entry has open_params, or else the first that can."""
    asked = [pair for pair in found if pair[0].entry is not None and pair[0].entry.open_params]
    if len(asked) > 1:
        names = " and ".join(f"'{plugin.info.name}'" for plugin, _ in asked)
        raise PluginError(
            f"the plugins {names} would both open the event source '{source}': give open_params to one of them only"
        )
    return next(iter(asked or found), None)
