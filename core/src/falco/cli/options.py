"""What the command line asks for, before anything is read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Falco's flags; verbs set the same fields. Empty means not given."""

    config: str = ""
    config_schema: bool = False
    rule_schema: bool = False
    disable_source: tuple[str, ...] = ()
    dry_run: bool = False
    enable_source: tuple[str, ...] = ()
    ignored_events: bool = False
    describe_rules: bool = False
    describe_rule: str = ""
    is_described_in_full: bool = False
    """Extension: with what the rule says, and the macros and lists in it."""
    list_fields: str | None = None
    """The event source to list, "" for all; None = do not list."""
    list_events: bool = False
    list_plugins: bool = False
    duration_s: int = 0
    markdown: bool = False
    format: str = ""
    names_only: bool = False
    options: tuple[str, ...] = ()
    plugin_info: str = ""
    print_format: str = ""
    pidfile: str = ""
    rules: tuple[str, ...] = ()
    support: bool = False
    unbuffered: bool = False
    validate: tuple[str, ...] = ()
    verbose: bool = False
    version: bool = False
    page_size: bool = False
    jobs: int = 1
    """Extension: processes that scan one input."""
    is_scan: bool = False
    """Extension: a file is scanned, so the machine's own configuration does not count."""
    summary: bool = False
    """Extension: of a scan, print the summary."""
    argv: tuple[str, ...] = ()
    """The arguments as they were given."""
