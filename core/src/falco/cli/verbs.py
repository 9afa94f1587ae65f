"""Commands for people: verbs in place of flags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import click

from falco.cli import actions, listings
from falco.cli.help import Command, Group
from falco.cli.invocation import Invocation
from falco.cli.session import Session
from falco.errors import ConfigError
from falco.plugins.activation import SYSCALL

_CAPTURE: Final = ".scap"


def register(group: click.Group) -> None:
    """Add the verbs to *group*."""
    for command in (_run(), _scan(), _events(), _validate(), _describe()):
        group.add_command(command)
    group.add_command(_list())
    group.add_command(_plugin())


def _run() -> click.Command:
    def run(rules: tuple[str, ...], **common: Any) -> int:
        """Run as falco.yaml says; the same as no command."""
        return _perform(**_merged(**common), rules=rules or _invocation().options.rules)

    return _command(run, *_common(), _rules_option())


def _scan() -> click.Command:
    def scan(file: str, source: str, rules: tuple[str, ...], jobs: int, **common: Any) -> int:
        """Look at a file of events and print alerts. '-' is standard input, .scap a capture of system calls."""
        invocation = _invocation()
        changes = {"is_scan": True, **_merged(**common)}
        changes["options"] = ("log_level=warning", *changes["options"])
        opening, name = _opening(invocation.session(is_quiet=True, **changes), file, source)
        changes["options"] += tuple(opening)
        return _perform(
            **changes,
            enable_source=(name,),
            rules=rules or invocation.options.rules,
            jobs=jobs or invocation.options.jobs,
        )

    return _command(
        scan,
        click.Argument(["file"]),
        *_common(),
        _rules_option(),
        click.Option(["--source"], default="", metavar="<event_source>", help="The event source of what is in FILE."),
        click.Option(["--jobs"], type=click.IntRange(1), default=None, metavar="<number>", help="Processes."),
    )


def _events() -> click.Command:
    def events(
        file: str,
        condition: tuple[str, ...],
        *,
        fields: str,
        is_counted: bool,
        source: str,
        **common: Any,
    ) -> int:
        """Print the events of a file that a condition of the rule language holds for; all without one."""
        invocation = _invocation()
        is_json = common.pop("is_json")
        changes = {"is_scan": True, **_merged(**common, is_json=False)}
        changes["options"] = ("log_level=warning", *changes["options"])
        opening, name = _opening(invocation.session(is_quiet=True, **changes), file, source)
        changes["options"] += tuple(opening)
        from falco.cli.looking import Question, look  # pipelines take time to import, which lists do not need

        question = Question(" ".join(condition), fields, is_json, is_counted)
        return look(invocation.session(**changes, enable_source=(name,)), name, question)

    return _command(
        events,
        click.Argument(["file"]),
        click.Argument(["condition"], nargs=-1),
        click.Option(["--fields"], default="", metavar="<template>", help="What to print: text with %fields."),
        click.Option(["--stats", "is_counted"], is_flag=True, help="Count the values of the fields in place of that."),
        *_common(),
        click.Option(["--source"], default="", metavar="<event_source>", help="The event source of what is in FILE."),
    )


def _validate() -> click.Command:
    def validate(files: tuple[str, ...], **common: Any) -> int:
        """Say what is wrong with rules files. They are loaded one after another, as -r would."""
        return _perform(**_merged(**common), validate=files)

    return _command(validate, click.Argument(["files"], nargs=-1, required=True), *_common())


def _describe() -> click.Command:
    def describe(rule: str, rules: tuple[str, ...], **common: Any) -> int:
        """Print the rules that are loaded, or one of them."""
        changes = _merged(**common)
        chosen = rules or _invocation().options.rules
        return _perform(**changes, rules=chosen, describe_rule=rule, describe_rules=not rule)

    return _command(describe, click.Argument(["rule"], default=""), *_common(), _rules_option())


def _list() -> click.Group:
    def fields(source: str, **common: Any) -> int:
        """Print the fields of all event sources, or of one."""
        return _listed(common, list_fields=source)

    def events(**common: Any) -> int:
        """Print the event types of system calls."""
        return _listed(common, list_events=True)

    group = Group("list", help="Print what rules can refer to.")
    group.add_command(_command(fields, click.Argument(["source"], default=""), *_common()))
    group.add_command(_command(events, *_common()))
    return group


def _listed(common: dict[str, Any], **changes: Any) -> int:
    kind = "json" if common["is_json"] else _invocation().options.format
    return _perform(**_merged(**common), format=kind, **changes)


def _plugin() -> click.Group:
    def show_installed() -> int:
        """Print the plugins that are installed."""
        return listings.print_installed(_invocation().session())

    def info(name: str, **common: Any) -> int:
        """Print one plugin, with the schema of its configuration."""
        return _perform(**_merged(**common), plugin_info=name)

    group = Group("plugin", help="Say what is installed.")
    group.add_command(_command(show_installed, name="list"))
    group.add_command(_command(info, click.Argument(["name"]), *_common()))
    return group


def _command(function: Callable[..., int], *params: click.Parameter, name: str = "") -> click.Command:
    return Command(name or function.__name__, callback=function, params=list(params), help=function.__doc__)


def _common() -> list[click.Parameter]:
    """Flags of the root that also stand behind a verb."""
    return [
        click.Option(["-c", "config"], default="", metavar="<path>", help="Configuration file."),
        click.Option(["-o", "options"], multiple=True, metavar="<opt>=<val>", help="Set a key of falco.yaml."),
        click.Option(["--json", "is_json"], is_flag=True, help="Print JSON."),
    ]


def _rules_option() -> click.Parameter:
    return click.Option(
        ["-r", "rules"], multiple=True, metavar="<rules_file>", help="Rules file or directory, or packaged:NAME."
    )


def _merged(config: str, options: tuple[str, ...], is_json: bool) -> dict[str, Any]:  # noqa: FBT001  by keyword only
    """Changes for the flags of ``_common``; those behind the verb come after those before it."""
    root = _invocation().options
    extra = ("json_output=true",) if is_json else ()
    return {"config": config or root.config, "options": (*root.options, *options, *extra)}


def _perform(**changes: Any) -> int:
    invocation = _invocation()
    return actions.perform(invocation.session(**changes), invocation.process)


def _invocation() -> Invocation:
    found: Invocation = click.get_current_context().obj
    return found


def _opening(session: Session, file: str, source: str) -> tuple[list[str], str]:
    """Options that make the source read *file* and standard output get the alerts; name of the event source.

    Raises:
        ConfigError: Nobody says, or can say, what is in the file.
    """
    options = ["stdout_output.enabled=true"]
    path = file if file == "-" else str(session.around.cwd / file)
    if source == SYSCALL or (not source and file.endswith(_CAPTURE)):
        return [*options, "engine.kind=replay", f"engine.replay.capture_file={path}"], SYSCALL
    known = {name: found.plugin.entry for name, found in session.event_sources.items() if found.plugin.entry}
    if not source and len(known) == 1:
        source = next(iter(known))
    entry = known.get(source)
    if entry is None:
        names = ", ".join(known) or "none"
        raise ConfigError(f"say with --source what '{file}' holds; configured event sources: {names}")
    number = session.settings.plugins.index(entry)
    return [*options, f"plugins[{number}].open_params={path}"], source
