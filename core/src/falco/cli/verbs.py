"""Commands for people: verbs in place of flags."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Final

import click
from click.shell_completion import get_completion_class

from falco import log
from falco.cli import actions, completions, listings
from falco.cli.help import EXIT_FAILURE, Command, Group
from falco.cli.inputs import Inputs
from falco.cli.invocation import Invocation
from falco.cli.screen import Screen
from falco.cli.surroundings import Surroundings
from falco.plugins.activation import SYSCALL
from falco.rules.model import Priority

EXIT_SCAN_FAILED: Final = 2
"""1 says that there were alerts."""
COMPLETION_VARIABLE: Final = "_FALCO_COMPLETE"
"""Set by the script of a shell when it asks for completions."""


def register(group: click.Group) -> None:
    """Add the verbs to *group*."""
    for command in (_run(), _scan(), _events(), _validate(), _describe()):
        group.add_command(command)
    group.add_command(_list())
    group.add_command(_completion())
    group.add_command(_plugin())


def _run() -> click.Command:
    def run(rules: tuple[str, ...], **common: Any) -> int:
        """Run as falco.yaml says; the same as no command."""
        return _perform(**_merged(**common), rules=rules or _invocation().options.rules)

    return _command(
        run,
        *_common(),
        _rules_option(),
        examples="""
            falco run                                   as /etc/falco/falco.yaml says; without one, a webhook
            falco run -c falco.yaml -r rules.d          another configuration, other rules
            falco run -o json_output=true               a key of falco.yaml set from here
            """,
    )


def _scan() -> click.Command:
    def scan(
        *,
        files: tuple[str, ...],
        source: str,
        rules: tuple[str, ...],
        jobs: int | None,
        summary: bool,
        min_priority: str | None,
        **common: Any,
    ) -> int:
        """Look for alerts in audit logs and captures of system calls.

        What a file holds, plain or gzipped, is seen from its content. A directory stands for its files, '-' for
        standard input. Without -r the rules are the packaged ones. A summary follows the alerts.

        The exit code is 0 if nothing was found, 1 if there were alerts, 2 if the scan failed.
        """
        from falco.cli.scanning import scan as perform  # rules and pipelines take time to import

        invocation = _invocation()
        around = invocation.around
        screen = Screen(around.stdout, around.stderr, around.env)
        around = Surroundings(screen.stdout, screen.stderr, around.env, around.cwd)
        log.configure(screen.stderr)
        changes = {"is_scan": True, "summary": summary, **_merged(**common)}
        level = (f"priority={min_priority}",) if min_priority else ()
        shown = "false" if summary and not common["is_json"] else "true"
        changes["options"] = (
            "log_level=warning",
            *changes["options"],
            *level,
            f"stdout_output.enabled={shown}",
        )
        look = invocation.session(is_quiet=True, around=around, **changes)
        inputs = Inputs(look, files, source)
        changes["options"] += _engine(inputs)
        changes |= {"rules": rules or invocation.options.rules, "jobs": jobs or invocation.options.jobs}
        return perform(invocation.session(around=around, **changes), inputs, screen, invocation.process)

    return _command(
        scan,
        click.Argument(["files"], nargs=-1, required=True, metavar="FILE|DIR|-...", type=completions.FILE),
        *_common(),
        _rules_option(),
        click.Option(["--summary"], is_flag=True, help="Print only the summary; with --json, add it as the last line."),
        click.Option(
            ["--min-priority"],
            type=click.Choice([priority.name.lower() for priority in Priority]),
            default=None,
            metavar="<priority>",
            help="Only rules that are at least this urgent: emergency, alert, critical, error, warning, notice, "
            "informational, debug.",
        ),
        _source_option("The event source of all files, unseen."),
        click.Option(["--jobs"], type=click.IntRange(1), default=None, metavar="<number>", help="Processes."),
        failure=EXIT_SCAN_FAILED,
        examples="""
            falco scan audit.log                        alerts of the packaged rules
            falco scan -r mine.yaml /var/log/kubernetes all files of a directory, own rules
            falco scan --min-priority warning *.log.gz  what is urgent only
            kubectl logs audit-sink | falco scan -      what another program prints
            falco scan --json audit.log | jq .rule      alerts as JSON, one a line
            falco scan --summary audit.log || exit 1    in CI: counts, and a failure if there are any
            falco scan -r syscalls.yaml trace.scap      system calls recorded with sysdig or Falco
            falco scan --summary trace.scap             which rules, by which processes, containers and users
            """,
    )


def _engine(inputs: Inputs) -> tuple[str, ...]:
    """Options that let the engine of system calls replay captures, if there is one."""
    capture = next((one for one in inputs.found if one.source == SYSCALL), None)
    if capture is None:
        return ("engine.kind=nodriver",)
    return ("engine.kind=replay", f"engine.replay.capture_file={capture.where}")


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
        """Print the events of a file that a condition holds for.

        Without a condition all events are printed. What a rule may ask, a look may ask: 'falco list fields' has the
        fields, 'falco list events' the event types.
        With --json each event is an object with the fields of --fields; --stats counts their values, the most
        frequent first, and with --json does so in one object.

        The exit code is 0 whether or not an event was found, 1 if the condition is wrong or the file cannot be read
        to its end.
        """
        invocation = _invocation()
        is_json = common.pop("is_json")
        changes = {"is_scan": True, **_merged(**common, is_json=False)}
        changes = _quiet(changes)
        inputs = Inputs(invocation.session(is_quiet=True, **changes), (file,), source)
        if len(inputs.found) != 1:
            raise click.UsageError(f"'{file}' is not one file")
        changes["options"] += _engine(inputs)
        from falco.cli.looking import Question, look  # pipelines take time to import, which lists do not need

        question = Question(" ".join(condition), fields, is_json, is_counted)
        return look(invocation.session(**changes), inputs.found[0], question)

    return _command(
        events,
        click.Argument(["file"], type=completions.FILE),
        click.Argument(["condition"], nargs=-1),
        click.Option(["--fields"], default="", metavar="<template>", help="What to print: text with %fields."),
        click.Option(["--stats", "is_counted"], is_flag=True, help="Count the values of the fields in place of that."),
        *_common(),
        _source_option("The event source of what is in FILE."),
        examples="""
            falco events trace.scap                     every event, a line each
            falco events trace.scap 'proc.name = sh and evt.type = execve'
                                                        those that a condition holds for
            falco events trace.scap --fields '%evt.num %proc.aname[2] > %proc.pname > %proc.cmdline' evt.type = execve
                                                what to print of each
            falco events trace.scap --json --fields '%fd.name %user.name' evt.is_open_write = true
                                                the same for a program
            falco events trace.scap --stats --fields '%proc.name %fd.sip' evt.type = connect
                                                who connects to where, and how often
            falco events --stats audit.log --fields '%ka.verb %ka.user.name'
                                                        how often each value comes
            """,
    )


def _validate() -> click.Command:
    def validate(files: tuple[str, ...], **common: Any) -> int:
        """Say what is wrong with rules files. They are loaded one after another, as -r would.

        A directory stands for its .yaml and .yml files.
        """
        from falco.cli import rules_files  # plugins take time to import, which help does not need

        names = rules_files.expanded(files, _invocation().around.cwd)
        if not names:
            raise click.UsageError(f"no .yaml or .yml file is in {', '.join(files)}")
        return _perform(**_quiet(_merged(**common)), validate=names)

    return _command(
        validate,
        click.Argument(["files"], nargs=-1, required=True, type=completions.FILE),
        *_common(),
        examples="""
            falco validate shop.yaml                    every mistake, with its line
            falco validate packaged:k8s_audit_rules.yaml local.yaml
                                                        a file that changes packaged rules
            falco validate --json shop.yaml             for a program
            """,
    )


def _describe() -> click.Command:
    def describe(rule: str, rules: tuple[str, ...], **common: Any) -> int:
        """Print the rules that are loaded, or one of them in full."""
        changes = _quiet(_merged(**common))
        chosen = rules or _invocation().options.rules
        return _perform(**changes, rules=chosen, describe_rule=rule, describe_rules=not rule, is_described_in_full=True)

    return _command(
        describe,
        click.Argument(["rule"], default=""),
        *_common(),
        _rules_option(),
        examples="""
            falco describe                              all rules with their descriptions
            falco describe "Namespace Created"          one, and all that it consists of
            falco describe --json -r shop.yaml          with conditions, lists and macros
            """,
    )


def _list() -> click.Group:
    def fields(source: str, *, names_only: bool, verbose: bool, kind: str, **common: Any) -> int:
        """Print the fields of all event sources, or of one."""
        root = _invocation().options
        names_only, verbose = names_only or root.names_only, verbose or root.verbose
        return _listed(common, kind, list_fields=source, names_only=names_only, verbose=verbose)

    def events(*, kind: str, **common: Any) -> int:
        """Print the event types of system calls."""
        return _listed(common, kind, list_events=True)

    form = click.Option(
        ["--format", "kind"],
        default="",
        metavar="<format>",
        help="Format: text, markdown or json.",
        shell_complete=completions.formats,
    )
    group = Group("list", help="Print what rules can refer to.")
    group.add_command(
        _command(
            fields,
            click.Argument(["source"], default="", shell_complete=completions.event_sources),
            click.Option(["-N", "names_only"], is_flag=True, help="Print names only."),
            click.Option(["-v", "verbose"], is_flag=True, help="Print types, too."),
            form,
            *_common(),
            examples="""
                falco list fields k8s_audit                 what rules for audit events can ask
                falco list fields -N                        names only
                """,
        )
    )
    group.add_command(_command(events, form, *_common(), examples="falco list events"))
    return group


def _listed(common: dict[str, Any], kind: str, **changes: Any) -> int:
    chosen = "json" if common["is_json"] else kind or _invocation().options.format
    return _perform(**_quiet(_merged(**common)), format=chosen, **changes)


def _plugin() -> click.Group:
    def show_installed() -> int:
        """Print the plugins that are installed."""
        return listings.print_installed(_invocation().session())

    def info(name: str, **common: Any) -> int:
        """Print one plugin, with the schema of its configuration."""
        return _perform(**_quiet(_merged(**common)), plugin_info=name)

    def new(name: str, folder: str) -> int:
        """Make a distribution with a source, a field and their tests, to write a plugin from."""
        from falco.cli.new_plugin import create

        around = _invocation().around
        made = create(name, around.cwd / folder)
        shown = made.relative_to(around.cwd) if made.is_relative_to(around.cwd) else made
        around.print(f"{shown} is a plugin. Install it and run its tests:\n\n  cd {shown}\n")
        around.print("  pip install -e '.[test]'\n  pytest\n")
        return 0

    where = click.Option(
        ["--in", "folder"],
        default=".",
        metavar="<folder>",
        help="Where the folder of it is made.",
        type=completions.FOLDER,
    )
    group = Group("plugin", help="Say what is installed, or begin a plugin.")
    group.add_command(_command(new, click.Argument(["name"]), where, examples="falco plugin new my_source"))
    group.add_command(_command(show_installed, name="list", examples="falco plugin list"))
    name = click.Argument(["name"], shell_complete=completions.plugins)
    group.add_command(_command(info, name, *_common(), examples="falco plugin info k8s_audit"))
    return group


def _completion() -> click.Command:
    def completion(shell: str) -> int:
        """Print a script that lets a shell complete commands and flags."""
        context = click.get_current_context()
        root = context.find_root()
        cls = get_completion_class(shell)
        if cls is None:
            raise click.UsageError(f"there is no completion for {shell}")
        _invocation().around.print(cls(root.command, {}, "falco", COMPLETION_VARIABLE).source().strip() + "\n")
        return 0

    return _command(
        completion,
        click.Argument(["shell"], type=click.Choice(["bash", "zsh", "fish"])),
        examples="""
            eval "$(falco completion bash)"             now; put it into ~/.bashrc to keep it
            eval "$(falco completion zsh)"              ~/.zshrc, after compinit
            falco completion fish > ~/.config/fish/completions/falco.fish
            """,
    )


def _command(
    function: Callable[..., int],
    *params: click.Parameter,
    name: str = "",
    failure: int = EXIT_FAILURE,
    examples: str = "",
) -> click.Command:
    return Command(
        name or function.__name__,
        callback=function,
        params=list(params),
        help=inspect.cleandoc(function.__doc__ or ""),
        epilog=epilog(examples),
        failure=failure,
    )


def epilog(examples: str) -> str | None:
    """The end of a help: the lines of *examples*, each a command and what it does, as they stand."""
    if not examples:
        return None
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in inspect.cleandoc(examples).splitlines())])


def _common() -> list[click.Parameter]:
    """Flags of the root that also stand behind a verb."""
    return [
        click.Option(["-c", "config"], default="", metavar="<path>", help="Configuration file.", type=completions.FILE),
        click.Option(["-o", "options"], multiple=True, metavar="<opt>=<val>", help="Set a key of falco.yaml."),
        click.Option(["--json", "is_json"], is_flag=True, help="Print JSON."),
    ]


def _rules_option() -> click.Parameter:
    return click.Option(
        ["-r", "rules"],
        multiple=True,
        metavar="<rules_file>",
        help="Rules file or directory, or packaged:NAME.",
        type=completions.FILE,
    )


def _source_option(doc: str) -> click.Parameter:
    return click.Option(
        ["--source"],
        default="",
        metavar="<event_source>",
        help=doc,
        shell_complete=completions.event_sources,
    )


def _merged(config: str, options: tuple[str, ...], is_json: bool) -> dict[str, Any]:  # noqa: FBT001  by keyword only
    """Changes for the flags of ``_common``; those behind the verb come after those before it."""
    root = _invocation().options
    extra = ("json_output=true",) if is_json else ()
    return {"config": config or root.config, "options": (*root.options, *options, *extra)}


def _quiet(changes: dict[str, Any]) -> dict[str, Any]:
    """*changes* for a command that answers a question: of its log only what is wrong is worth a line."""
    return {**changes, "options": ("log_level=warning", *changes["options"])}


def _perform(**changes: Any) -> int:
    invocation = _invocation()
    return actions.perform(invocation.session(**changes), invocation.process)


def _invocation() -> Invocation:
    found: Invocation = click.get_current_context().obj
    return found
