"""One run of the command line, up to the rules: configuration, plugins, scopes. Each is made when first asked for."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

import structlog

from falco import log
from falco.cli.options import Options
from falco.cli.surroundings import Surroundings
from falco.clock import Clock, zone_of
from falco.conditions.event_types import EventTypes
from falco.conditions.scope import Scope
from falco.conditions.transformers import BUILT_IN
from falco.config import configuration
from falco.config.configuration import Configuration
from falco.config.merge import ConfigFile, read_file
from falco.config.settings import Settings
from falco.errors import ConfigError, PluginError
from falco.fields import evt
from falco.fields.registry import Fields
from falco.plugins import listing
from falco.plugins.activation import ActivePlugins, EventSource, activate
from falco.plugins.manager import PluginManager, unique

DEFAULT_CONFIG: Final = "/etc/falco/falco.yaml"
FIRST_RUN: Final = "packaged falco.yaml"
"""The name that messages give the configuration of a run without one."""

_log = structlog.get_logger(__name__)


class Session:
    """What the actions of the command line share.

    Args:
        options: The command line.
        around: Streams, environment, directory.
        is_worker: Whether this is a process of ``--jobs``: it leaves logs and messages to its parent.
    """

    def __init__(self, options: Options, around: Surroundings, *, is_worker: bool = False) -> None:
        self.options = options
        self.around = around
        self._is_worker = is_worker

    @cached_property
    def plugins(self) -> PluginManager:
        """Everything that is installed."""
        return PluginManager.of_environment()

    @cached_property
    def is_first_run(self) -> bool:
        """Whether there is no configuration, so that the packaged one is used."""
        return not self.options.config and not Path(DEFAULT_CONFIG).exists()

    @cached_property
    def configuration(self) -> Configuration:
        """falco.yaml with everything on top. Reading it sets up the log."""
        types = {name: cls.config_type for name, cls in self.plugins.output_types().items()}
        read = configuration.load(
            self._main_file(), self.options.options, output_types=types, cwd=self.around.cwd, env=self.around.env
        )
        if not self._is_worker:
            self._configure_log(read.settings)
            self._report(read)
        return read

    @property
    def settings(self) -> Settings:
        """The keys of falco.yaml."""
        return self.configuration.settings

    def _main_file(self) -> ConfigFile:
        if not self.is_first_run:
            return read_file(self.options.config or DEFAULT_CONFIG, self.around.cwd)
        packaged = self.plugins.default_configuration()
        if packaged is None:
            raise ConfigError(
                f"You must create a config file at {DEFAULT_CONFIG} or by passing -c "
                "(the packaged one is not installed: pip install falco-core[all])"
            )
        return ConfigFile(FIRST_RUN, packaged.read_bytes())

    def _configure_log(self, settings: Settings) -> None:
        log.configure(
            self.around.stderr if settings.log_stderr else None,
            level=settings.log_level.value,
            is_iso8601=settings.time_format_iso_8601,
            zone=zone_of(self.around.env),
            to_syslog=settings.log_syslog,
        )

    def _report(self, read: Configuration) -> None:
        for file in read.files:
            _log.info(f"   {file.name} | schema validation: {read.schema_status(file.name)}")
        for problem in read.problems:
            _log.warning(str(problem))

    @cached_property
    def clock(self) -> Clock:
        """Writes times in the zone of the environment."""
        return Clock.of(self.around.env)

    @property
    def hostname(self) -> str:
        """Name of the machine in alerts: ``FALCO_HOSTNAME``, or else the system's."""
        return self.around.env.get("FALCO_HOSTNAME") or socket.gethostname()

    @cached_property
    def active(self) -> ActivePlugins:
        """The plugins that the configuration switches on."""
        load = self.settings.load_plugins
        active = activate(self.plugins, self.settings.plugins, load if isinstance(load, tuple) else None)
        for plugin in active.plugins:
            if plugin.names and not listing.is_known(active, plugin):
                raise PluginError(
                    f"Plugin '{plugin.info.name}' is loaded but unused as not compatible with any known event source"
                )
        return active

    @property
    def event_sources(self) -> Mapping[str, EventSource]:
        """Event sources by name, in load order."""
        return self.active.event_sources

    @cached_property
    def scopes(self) -> Mapping[str, Scope]:
        """What rules of each event source may refer to."""
        added = (
            (name, one.name, one)
            for name, one in self.plugins.collect("falco_register_transformers", self.active.names)
        )
        transformers = {**BUILT_IN, **unique("transformer", added)}
        static = evt.static_fields(self.settings.static_fields)
        scopes = {}
        for name, source in self.event_sources.items():
            own = self.active.fields(name)
            replaced = {one.name for one in own}
            generic = evt.fields(
                source=name,
                hostname=self.hostname,
                plugin=source.plugin.info.name if source.plugin.names else None,
                clock=self.clock,
            )
            rows = [*(one for one in generic if one.name not in replaced), *own, *static]
            types = None if source.catalogue is None else EventTypes(source.catalogue)
            scopes[name] = Scope(name, Fields(name, rows), transformers, types)
        return scopes

    @cached_property
    def report(self) -> Callable[[str], None]:
        """Takes a sentence for the log; any thread."""
        return lambda sentence: _log.error(sentence)
