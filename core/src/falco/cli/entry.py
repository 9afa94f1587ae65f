"""The command line: from arguments to an exit code, without a look at the process."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
import structlog

from falco import log
from falco.cli import actions, verbs
from falco.cli.flags import FLAGS, REMOVED
from falco.cli.help import HelpAsked
from falco.cli.invocation import Invocation
from falco.cli.options import Options
from falco.cli.plugin_commands import PluginGroup
from falco.cli.process import Process
from falco.cli.surroundings import Surroundings
from falco.errors import FalcoError
from falco.plugins.manager import PluginManager

EXIT_FAILURE: Final = 1

_ABOUT: Final = """Falco in Python: events in, rules over them, alerts out.

Without a command, run as falco.yaml says.
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
    try:
        return _run(argv, around, process)
    except BrokenPipeError:
        return EXIT_FAILURE  # whoever read our output has gone
    except OSError as error:
        around.complain(f"Error: {error}\n")
        return EXIT_FAILURE
    except Exception as error:  # noqa: BLE001  a fault of ours is said in one sentence, and where it is on demand
        around.complain(f"Error: this is a fault of falco, please report it: {type(error).__name__}: {error}\n")
        if env.get("FALCO_TRACEBACK"):
            around.complain(traceback.format_exc())
        return EXIT_FAILURE
    finally:
        structlog.reset_defaults()


def _run(argv: Sequence[str], around: Surroundings, process: Process | None) -> int:
    try:
        command = _root(argv, around, process)
        with command.make_context("falco", list(argv), color=False, max_content_width=120) as context:
            result = command.invoke(context)
    except HelpAsked as asked:
        around.print(asked.text + "\n")
        return 0
    except click.exceptions.Exit as left:
        return left.exit_code
    except click.ClickException as error:
        around.complain(f"Error: {_sentence(error)}\n")
        return EXIT_FAILURE
    except FalcoError as error:
        around.complain(f"Error: {error}\n")
        return EXIT_FAILURE
    return result if isinstance(result, int) else 0


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
