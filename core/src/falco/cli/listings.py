"""Flags that print what there is: fields, event types, plugins, schemas, versions."""

from __future__ import annotations

import json
import mmap
import platform
from typing import TYPE_CHECKING, Any, Final

import structlog

from falco.cli import versions
from falco.cli.options import Options
from falco.cli.session import Session
from falco.config.schema import config_schema
from falco.documents.nodes import plain
from falco.documents.suggestions import did_you_mean
from falco.errors import ConfigError, PluginError
from falco.events import listing as events
from falco.events.catalogue import EventCatalogue
from falco.fields import listing as fields
from falco.plugins import listing as plugins
from falco.plugins.activation import SYSCALL

if TYPE_CHECKING:
    from falco.cli.rulebook import Rulebook

_log = structlog.get_logger(__name__)

FORMATS: Final = ("text", "markdown", "json")


def print_config_schema(session: Session) -> int:
    """Print the JSON schema of falco.yaml (``--config-schema``)."""
    types = {name: cls.config_type for name, cls in session.plugins.output_types().items()}
    session.around.print(json.dumps(config_schema(types), indent=2, sort_keys=True) + "\n")
    return 0


def print_rule_schema(session: Session) -> int:
    """Print the JSON schema of rules files (``--rule-schema``)."""
    from falco.rules.schema import rule_schema

    session.around.print(json.dumps(rule_schema(), indent=2, sort_keys=True) + "\n")
    return 0


def print_versions(session: Session) -> int:
    """Print versions (``--version``)."""
    if session.settings.json_output:
        session.around.print(versions.as_json(plugins.versions(session.active)))
    else:
        session.around.print(versions.as_text())
    return 0


def print_page_size(session: Session) -> int:
    """Log the page size, as upstream (``--page-size``)."""
    session.configuration  # noqa: B018  says where log lines go
    _log.info(f"Your system page size is: {mmap.PAGESIZE} bytes")
    return 0


def print_ignored_events(session: Session) -> int:
    """Print the system calls that are not evaluated by default (``-i``)."""
    session.around.print(events.ignored_text(_catalogue(session)))
    return 0


def print_events(session: Session) -> int:
    """Print the event types of system calls (``--list-events``)."""
    catalogue = _catalogue(session)
    match _format(session.options):
        case "json":
            session.around.print(events.events_json(catalogue))
        case "markdown":
            session.around.print(events.events_markdown(catalogue))
        case _:
            session.around.print(events.events_text(catalogue))
    return 0


def print_fields(session: Session) -> int:
    """Print the fields of event sources (``--list``)."""
    options = session.options
    wanted = _format(options)
    rows = fields.of_source({name: scope.fields for name, scope in session.scopes.items()}, options.list_fields or "")
    if options.names_only:
        session.around.print(fields.names_json(rows) if wanted == "json" else fields.names_text(rows))
    elif wanted == "json":
        session.around.print(fields.fields_json(rows))
    elif wanted == "markdown":
        session.around.print(fields.fields_markdown(rows))
    else:
        session.around.print(fields.fields_text(rows, verbose=options.verbose))
    return 0


def print_plugins(session: Session) -> int:
    """Print the plugins that are loaded (``--list-plugins``)."""
    session.around.print(plugins.plugins_text(session.active))
    return 0


def print_installed(session: Session) -> int:
    """Plugins that are installed, and what is wrong with those that cannot be loaded."""
    manager = session.plugins
    for info in manager.infos.values():
        provides = ", ".join(f"{name} {version}" for name, version in info.provides.items())
        stands_for = f" (stands for {provides})" if provides else ""
        session.around.print(f"{info.name} {info.version}: {info.description}{stands_for}\n")
    for broken in manager.broken.values():
        session.around.print(f"{broken.name}: {broken.error}\n")
    return 0


def print_plugin(session: Session) -> int:
    """Print one plugin: by its name in falco.yaml, its library, or a name of an installed one (``--plugin-info``).

    Raises:
        PluginError: There is no such plugin.
    """
    wanted = session.options.plugin_info
    for entry in session.settings.plugins:
        if wanted in {entry.name, entry.library_path}:
            name = session.plugins.resolve(entry)
            break
    else:
        name = wanted
    owner = session.plugins.owner(name)
    if owner is None:
        hint = did_you_mean(wanted, session.plugins.infos) or "'falco plugin list' shows what is installed"
        raise PluginError(f"can't find plugin and print its info: {wanted} ({hint})")
    session.around.print(plugins.plugin_text(session.plugins.infos[owner], session.plugins))
    return 0


def print_support(session: Session, rulebook: Rulebook) -> int:
    """Print what somebody who helps wants to know (``--support``)."""
    system = platform.uname()
    document: dict[str, Any] = {
        "system_info": {
            "machine": system.machine,
            "nodename": system.node,
            "release": system.release,
            "sysname": system.system,
            "version": system.version,
        },
        "version": versions.falco_version(),
        "engine_info": versions.as_object(plugins.versions(session.active)),
        "cmdline": " ".join(("falco", *session.options.argv)),
        "config": json.dumps(plain(session.shown_configuration()), ensure_ascii=False),  # upstream: YAML, flow style
        "rules_files": [
            {"name": text.name, "variants": [{"content": text.data.decode("utf-8", "replace")}]}
            for text in rulebook.texts
        ],
    }
    session.around.print(json.dumps(document, sort_keys=True, separators=(",", ":")) + "\n")
    return 0


def _catalogue(session: Session) -> EventCatalogue:
    """The event types of system calls."""
    for _, catalogue in session.plugins.collect("falco_register_event_catalogues"):
        if catalogue.event_source == SYSCALL:
            found: EventCatalogue = catalogue
            return found
    raise PluginError("no installed plugin knows system calls (pip install falco-core[all])")


def check_format(session: Session) -> None:
    """Check the format of lists, whether or not there is one.

    Raises:
        ConfigError: It is unknown, or asked for twice.
    """
    options = session.options
    if options.markdown and options.format:
        raise ConfigError("Cannot specify both --markdown and --format options together")
    if _format(options) not in FORMATS:
        raise ConfigError(f"Invalid format '{options.format}'. Valid values are: {', '.join(FORMATS)}")
    if options.markdown:
        session.around.complain("WARNING: --markdown is deprecated, use --format markdown instead.\n")


def _format(options: Options) -> str:
    return "markdown" if options.markdown else options.format.lower() or "text"
