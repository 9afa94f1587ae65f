"""One run of the command line, up to the rules: configuration, plugins, scopes. Each is made when first asked for."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import structlog

from falco import log
from falco.cli import rules_files
from falco.cli.options import Options
from falco.cli.selection import select
from falco.cli.surroundings import Surroundings
from falco.clock import Clock, zone_of
from falco.conditions.parser import parse_operand
from falco.conditions.scope import Scope
from falco.config import configuration
from falco.config.configuration import Configuration
from falco.config.merge import ConfigFile, merge, read_file
from falco.config.places import MOST, Findings, further
from falco.config.settings import LogFormat, Settings
from falco.documents.nodes import Node
from falco.documents.text import Text
from falco.errors import ConfigError, PluginError
from falco.fields.model import FieldUse
from falco.plugins import init_config, listing
from falco.plugins.activation import ActivePlugins, EventSource, NotListedError, activate
from falco.plugins.manager import PluginManager
from falco.plugins.scopes import scopes_of
from falco.sources import Decoder, InputStream, Source

DEFAULT_CONFIG: Final = "/etc/falco/falco.yaml"
FIRST_RUN: Final = "packaged falco.yaml"
"""The name that messages give the configuration of a run without one."""

_log = structlog.get_logger(__name__)


class Session:
    """What the actions of the command line share.

    Args:
        options: The command line.
        around: Streams, environment, directory.
        is_quiet: Whether another session, of the same run, sets up the log and reports what is passed over.
    """

    def __init__(self, options: Options, around: Surroundings, *, is_quiet: bool = False) -> None:
        self.options = options
        self.around = around
        self._is_quiet = is_quiet

    @cached_property
    def plugins(self) -> PluginManager:
        """Everything that is installed."""
        return PluginManager.of_environment()

    @cached_property
    def is_first_run(self) -> bool:
        """Whether there is no configuration, so that the packaged one is used."""
        return not self.options.config and (self.options.is_scan or not Path(DEFAULT_CONFIG).exists())

    @cached_property
    def configuration(self) -> Configuration:
        """falco.yaml with everything on top. Reading it sets up the log."""
        types = {name: cls.config_type for name, cls in self.plugins.output_types().items()}
        read = configuration.load(
            self._main_file(), self.options.options, output_types=types, cwd=self.around.cwd, env=self.around.env
        )
        if not self._is_quiet:
            self._configure_log(read)
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
        if packaged is None and self.options.version:
            return ConfigFile(FIRST_RUN, b"")  # what is installed is what is asked
        if packaged is None:
            raise ConfigError(
                f"You must create a config file at {DEFAULT_CONFIG} or by passing -c "
                "(the packaged one is not installed: pip install falco-core[all])"
            )
        return ConfigFile(FIRST_RUN, packaged.read_bytes())

    def shown_configuration(self) -> Node:
        """The configuration as one tree to be shown: variables of the environment, which may be secrets, by name."""
        around, options = self.around, self.options.options
        findings = Findings()
        with findings.told():
            return merge(
                self._main_file(), options, cwd=around.cwd, env=around.env, findings=findings, is_shown=True
            ).root

    def _configure_log(self, read: Configuration) -> None:
        settings = read.settings
        log.configure(
            self.around.stderr if settings.log_stderr else None,
            level=settings.log_level.value,
            is_iso8601=settings.time_format_iso_8601,
            zone=zone_of(self.around.env),
            to_syslog=settings.log_syslog,
            is_json=read.extensions.log_format is LogFormat.JSON,
        )

    def _report(self, read: Configuration) -> None:
        for file in read.files:
            _log.info(f"   {file.name} | schema validation: {read.schema_status(file.name)}")
        for problem in read.merged.absent:
            _log.info(str(problem))
        problems = (*read.problems, *read.notes)
        for sentence in [*map(read.shown, problems[:MOST]), *further(problems)]:
            _log.warning(sentence)
        if not read.settings.log_stderr and not read.says("log_stderr"):
            for sentence in [*map(read.shown, read.problems[:MOST]), *further(read.problems)]:
                self.around.complain(f"WARNING: {sentence}\n")  # nobody has asked for silence

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
        try:
            active = activate(self.plugins, self.settings.plugins, load if isinstance(load, tuple) else None)
        except NotListedError as error:
            number = load.index(error.name) if isinstance(load, tuple) else 0
            raise self.configuration.error(f"load_plugins[{number}]", str(error)) from None
        sources = self.configuration.merged.sources
        for plugin in active.plugins:
            if plugin.alias and not listing.is_known(active, plugin):
                raise PluginError(
                    f"Plugin '{plugin.info.name}' is loaded but unused as not compatible with any known event source"
                )
            for name, entry in plugin.entries.items():
                if entry is not plugin.entry:
                    init_config.read(entry.init_config, None, name, sources)  # nobody gets it, but it must be sound
        return active

    def how_to_load(self, name: str) -> str:
        """What to do so that the plugin *name* is loaded; "" if it is not installed."""
        if self.plugins.owner(name) is None:
            return ""
        entry = f"{{name: {name}, library_path: lib{name}.so, open_params: WHERE}}"
        load = f" -o 'load_plugins[]={name}'" if isinstance(self.settings.load_plugins, tuple) else ""
        return f"; {name} is installed, load it in falco.yaml, or with -o 'plugins[]={entry}'{load}"

    @cached_property
    def source_configs(self) -> Mapping[str, Any]:
        """The configuration of the source of each event source that can be opened."""
        configs = {}
        for name, source in self.event_sources.items():
            if source.source_type is None:
                continue
            entry = source.plugin.entry
            node = self._engine_node() if entry is None else entry.init_config
            who = source.plugin.info.name if entry is None else entry.name
            configs[name], problems = init_config.read(
                node, source.source_type.config_type, who, self.configuration.merged.sources
            )
            for problem in problems if entry is not None and not self._is_quiet else ():
                _log.warning(self.configuration.shown(problem))
        return configs

    def _engine_node(self) -> Node | None:
        """The keys that the source of system calls reads: ``engine``."""
        return self.configuration.merged.root.get("engine")

    def decoder(self, name: str) -> Decoder[Any, Any]:
        """A decoder of the event source *name*."""
        decoder = self.event_sources[name].decoder_type()
        if most := self.settings.falco_libs.thread_table_size:
            decoder.limit_state(most)
        return decoder

    def open_source(self, name: str, where: str | None = None, stream: InputStream | None = None) -> Source[Any]:
        """The source of the event source *name*, constructed: nothing is opened yet.

        Args:
            name: The event source.
            where: What it opens; None = what falco.yaml says.
            stream: An open pipe that it is to read instead.

        Raises:
            ConfigError: No installed plugin can open it.
        """
        source = self.event_sources[name]
        if source.source_type is None:
            raise ConfigError(f"event source '{name}': no plugin that is loaded can open it")
        entry = source.plugin.entry
        params = self.settings.engine.replay.capture_file if entry is None else entry.open_params.strip()
        opened = source.source_type(self.source_configs[name], params if where is None else where)
        opened.stream = stream
        return opened

    def columns(self, name: str) -> Mapping[str, tuple[FieldUse, ...]]:
        """What alerts of the event source *name* are counted by in a scan, by title; several fields are a path."""
        source_type = self.event_sources[name].source_type
        if source_type is None or not self.options.is_scan:
            return {}
        scope, found = self.scopes[name], {}
        for title, names in source_type.summary.items():
            operands = [parse_operand(Text.of(one)) for one in ((names,) if isinstance(names, str) else names)]
            found[title] = tuple(scope.fields.use(operand.name, operand.argument) for operand in operands)
        return found

    @cached_property
    def selected(self) -> tuple[str, ...]:
        """Names of the event sources that are switched on."""
        options = self.options
        return select(self.event_sources, options.enable_source, options.disable_source, self.settings.engine)

    def check(self) -> None:
        """Load everything that comes before the rules.

        Raises:
            FalcoError: The configuration, a plugin or the choice of event sources is wrong.
        """
        _ = self.scopes, self.source_configs, self.selected

    def rules_names(self) -> list[str]:
        """Names of rules files and directories: of ``-r``, or else of falco.yaml."""
        if self.options.rules:
            return list(self.options.rules)
        names = self.settings.rules_files
        found = rules_files.configured(names, self.plugins, self.around.cwd)
        for name in names if not self._is_quiet else ():
            if name not in found:
                _log.info(f"rules_files: '{name}' does not exist, no rules are read from it")
        return found

    @property
    def event_sources(self) -> Mapping[str, EventSource]:
        """Event sources by name, in load order."""
        return self.active.event_sources

    @cached_property
    def scopes(self) -> Mapping[str, Scope]:
        """What rules of each event source may refer to."""
        return scopes_of(
            self.active, hostname=self.hostname, clock=self.clock, static_fields=self.settings.static_fields
        )

    def report(self, sentence: str) -> None:
        """Put *sentence* into the log; any thread."""
        _log.error(sentence)
