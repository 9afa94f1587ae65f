"""The command line: from arguments to an exit code, without a look at the process."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
import structlog
from click.shell_completion import get_completion_class

from falco import log
from falco.cli import actions, completions, verbs
from falco.cli.flags import FLAGS, REMOVED
from falco.cli.help import EXIT_FAILURE, FAILURE, Group, HelpAsked
from falco.cli.invocation import Invocation
from falco.cli.options import Options
from falco.cli.plugin_commands import PluginGroup
from falco.cli.process import Process
from falco.cli.surroundings import Surroundings
from falco.errors import FalcoError
from falco.plugins.manager import PluginManager

_ABOUT: Final = """Falco in Python: events in, rules over them, alerts out.

Without a command, run as falco.yaml says.
"""
_EXAMPLES: Final = """
    falco                                       run; without falco.yaml, an audit webhook and the packaged rules
    falco scan audit.log                        look for alerts in a file, a folder or a pipe
    falco validate rules.yaml                   what is wrong with rules, and where
    falco list fields k8s_audit                 what rules can ask of audit events
    falco -c falco.yaml --dry-run               would it run?
    falco COMMAND --help                        more of these for each command
"""


def main(
    argv: Sequence[str],
    *,
    stdout: BinaryIO,
    stderr: BinaryIO,
    env: Mapping[str, str],
    cwd: Path,
    process: Process | None = None,
) -> int:
    """Run the command line *argv* (without the program's name) and return the exit code.

    Nothing of the process is read but what is given here, and nothing of it is changed but where log lines go.

    Args:
        argv: Arguments.
        stdout: What commands print, alerts of the channel ``stdout``. Not closed.
        stderr: Log lines and the one line ``Error: …`` of a failure. Not closed.
        env: Environment variables.
        cwd: Where relative file names start.
        process: Receives signals; None = there are none.
    """
    around = Surroundings(stdout, stderr, env, cwd)
    log.configure(stderr)
    shared: dict[str, Any] = {}
    try:
        return _answer(argv, around, process, shared)
    except click.exceptions.Exit as left:
        return left.exit_code
    except BrokenPipeError:
        return _code(shared)  # whoever read our output has gone
    except click.ClickException as error:
        return _fail(around, _sentence(error), shared)
    except (FalcoError, OSError) as error:
        return _fail(around, str(error), shared)
    except Exception as error:  # noqa: BLE001  a fault of ours is said in one sentence, and where it is on demand
        fault = f"this is a fault of falco, please report it: {type(error).__name__}: {error}"
        if env.get("FALCO_TRACEBACK"):
            fault += f"\n{traceback.format_exc().rstrip()}"
        return _fail(around, fault, shared)
    finally:
        structlog.reset_defaults()


def _answer(argv: Sequence[str], around: Surroundings, process: Process | None, shared: dict[str, Any]) -> int:
    """Run the command, or print the help that was asked for."""
    try:
        return _run(argv, around, process, shared)
    except HelpAsked as asked:
        around.print(asked.text + "\n")
        return 0


def _run(argv: Sequence[str], around: Surroundings, process: Process | None, shared: dict[str, Any]) -> int:
    """Run the command; *shared* gets what its contexts know of failures."""
    command = _root(argv, around, process)
    if asked := around.env.get(verbs.COMPLETION_VARIABLE):
        return _complete(command, asked, around)
    with command.make_context("falco", list(argv), color=False, max_content_width=120) as context:
        try:
            result = command.invoke(context)
        finally:
            shared.update(context.meta)
    return result if isinstance(result, int) else 0


def _complete(command: Group, asked: str, around: Surroundings) -> int:
    """Answer the script of ``falco completion``, which leaves the words in the environment of the process."""
    shell, _, instruction = asked.partition("_")
    cls = get_completion_class(shell)
    if cls is None or instruction != "complete":
        raise click.UsageError(f"{verbs.COMPLETION_VARIABLE}={asked} is not what a script of falco completion sets")
    around.print(completions.answer(cls(command, {}, "falco", verbs.COMPLETION_VARIABLE)) + "\n")
    return 0


def _fail(around: Surroundings, sentence: str, shared: dict[str, Any]) -> int:
    around.complain(f"Error: {sentence}\n")
    return _code(shared)


def _code(shared: dict[str, Any]) -> int:
    code: int = shared.get(FAILURE, EXIT_FAILURE)
    return code


def _root(argv: Sequence[str], around: Surroundings, process: Process | None) -> PluginGroup:
    def start(**given: Any) -> int:
        context = click.get_current_context()
        context.obj = Invocation(Options(**given, argv=tuple(argv)), around, process)
        if context.invoked_subcommand is not None:
            return 0
        return actions.perform(context.obj.session(), process)

    group = PluginGroup(
        "falco",
        manager=PluginManager.of_environment,
        params=[flag.option() for flag in FLAGS],
        callback=start,
        help=_ABOUT,
        epilog=verbs.epilog(_EXAMPLES),
        invoke_without_command=True,
        options_metavar="[OPTION...]",
        subcommand_metavar="[COMMAND]",
    )
    verbs.register(group)
    return group


def _sentence(error: click.ClickException) -> str:
    """What is wrong with the arguments."""
    sentence = error.format_message()
    if isinstance(error, click.NoSuchOption) and (today := REMOVED.get(error.option_name)):
        sentence += f" (Falco removed it: {today})"
    return sentence
