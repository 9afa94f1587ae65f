"""Falco's flags, as a table. Names and meaning are Falco's; the sentences are ours."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

import click

from falco.cli import completions


class Kind(Enum):
    """What follows a flag."""

    SWITCH = auto()
    TEXT = auto()
    MANY = auto()
    """A text; the flag may stand several times."""
    NUMBER = auto()
    OPTIONAL = auto()
    """A text or nothing: ``--list`` and ``--list=k8s_audit``."""


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: its spellings, the field of ``Options`` it sets, what follows it, its help."""

    names: tuple[str, ...]
    sets: str
    kind: Kind
    doc: str
    metavar: str = ""
    extra: dict[str, Any] = dataclasses.field(default_factory=dict)

    def option(self) -> click.Option:
        """The flag for click."""
        settings: dict[str, Any] = {"help": self.doc}
        match self.kind:
            case Kind.SWITCH:
                settings |= {"is_flag": True}
            case Kind.TEXT:
                settings |= {"default": "", "metavar": self.metavar, "show_default": False}
            case Kind.MANY:
                settings |= {"multiple": True, "metavar": self.metavar}
            case Kind.NUMBER:
                settings |= {"type": click.IntRange(0), "default": 0, "metavar": self.metavar}
            case Kind.OPTIONAL:
                settings |= {"is_flag": False, "flag_value": "", "default": None, "metavar": self.metavar}
        return click.Option([*self.names, self.sets], **{**settings, **self.extra})


_FILE: Final = {"type": completions.FILE}
_SOURCE: Final = {"shell_complete": completions.event_sources}
FLAGS: Final = (
    Flag(("-c",), "config", Kind.TEXT, "Configuration file; /etc/falco/falco.yaml unless given.", "<path>", _FILE),
    Flag(("--config-schema",), "config_schema", Kind.SWITCH, "Print the JSON schema of falco.yaml and exit."),
    Flag(("--rule-schema",), "rule_schema", Kind.SWITCH, "Print the JSON schema of rules files and exit."),
    Flag(
        ("--disable-source",),
        "disable_source",
        Kind.MANY,
        "Do not open this event source; all others stay on. Not together with --enable-source.",
        "<event_source>",
        _SOURCE,
    ),
    Flag(("--dry-run",), "dry_run", Kind.SWITCH, "Load everything, open nothing, say whether that would work."),
    Flag(
        ("--enable-source",),
        "enable_source",
        Kind.MANY,
        "Open this event source and no other that is not named likewise.",
        "<event_source>",
        _SOURCE,
    ),
    Flag(("-i",), "ignored_events", Kind.SWITCH, "Print the system calls that are not evaluated by default and exit."),
    Flag(("-L",), "describe_rules", Kind.SWITCH, "Print all rules and exit; with json_output, macros and lists too."),
    Flag(("-l",), "describe_rule", Kind.TEXT, "Print one rule and exit.", "<rule>"),
    Flag(
        ("--list",),
        "list_fields",
        Kind.OPTIONAL,
        "Print the fields of all event sources, or of one, and exit.",
        "[=<source>]",
        _SOURCE,
    ),
    Flag(("--list-events",), "list_events", Kind.SWITCH, "Print the event types of system calls and exit."),
    Flag(("--list-plugins",), "list_plugins", Kind.SWITCH, "Print the plugins that are loaded and exit."),
    Flag(
        ("-M",),
        "duration_s",
        Kind.NUMBER,
        "Stop after this many seconds, of events or on the clock.",
        "<num_seconds>",
    ),
    Flag(("--markdown",), "markdown", Kind.SWITCH, "Deprecated, the same as --format markdown."),
    Flag(
        ("--format",),
        "format",
        Kind.TEXT,
        "Format of --list and --list-events: text, markdown or json.",
        "<format>",
        {"shell_complete": completions.formats},
    ),
    Flag(("-N",), "names_only", Kind.SWITCH, "With --list, print names only."),
    Flag(
        ("-o", "--option"),
        "options",
        Kind.MANY,
        "Set a key of falco.yaml: base.key=value, list[1]=value, list[]=value appends; a \\ before . [ ] \\ in names.",
        "<opt>=<val>",
    ),
    Flag(
        ("--plugin-info",),
        "plugin_info",
        Kind.TEXT,
        "Print one plugin, with the schema of its configuration, and exit.",
        "<plugin_name>",
        {"shell_complete": completions.plugins},
    ),
    Flag(
        ("-p", "--print"),
        "print_format",
        Kind.TEXT,
        "Deprecated, use -o append_output…: text with fields for the end of every output.",
        "<output_format>",
    ),
    Flag(("-P", "--pidfile"), "pidfile", Kind.TEXT, "Write the process number to this file.", "<pid_file>", _FILE),
    Flag(
        ("-r",),
        "rules",
        Kind.MANY,
        "Rules file or directory, in place of those of falco.yaml; packaged:NAME is one that a plugin ships.",
        "<rules_file>",
        _FILE,
    ),
    Flag(("--support",), "support", Kind.SWITCH, "Print versions, configuration and rules as JSON and exit."),
    Flag(
        ("-U", "--unbuffered"), "unbuffered", Kind.SWITCH, "Write every alert at once, whatever buffered_outputs says."
    ),
    Flag(("-V", "--validate"), "validate", Kind.MANY, "Check this rules file and exit.", "<rules_file>", _FILE),
    Flag(("-v",), "verbose", Kind.SWITCH, "Say more: types in --list, rates at the end."),
    Flag(("--version",), "version", Kind.SWITCH, "Print versions and exit."),
    Flag(("--page-size",), "page_size", Kind.SWITCH, "Print the page size of the system and exit."),
    Flag(
        ("--jobs",),
        "jobs",
        Kind.NUMBER,
        "Processes that scan one file.",
        "<number>",
        {"type": click.IntRange(1), "default": 1, "show_default": True},
    ),
)

REMOVED: Final = {
    "-A": "use -o base_syscalls.all=true",
    "-b": "use -o buffer_format_base64=true",
    "-d": "system calls come from engine.kind",
    "-D": "use -o 'rules[].disable.rule=NAME'",
    "-e": "use -o engine.kind=replay -o engine.replay.capture_file=FILE",
    "-k": "the Kubernetes client was removed from Falco",
    "-m": "the Mesos client was removed from Falco",
    "-s": "use -o metrics.output_file=FILE",
    "-S": "use -o falco_libs.snaplen=BYTES",
    "-t": "use -o 'rules[].disable.rule=*' -o 'rules[].enable.tag=TAG'",
    "-T": "use -o 'rules[].disable.tag=TAG'",
}
"""Flags that Falco had once, and what to write today."""
