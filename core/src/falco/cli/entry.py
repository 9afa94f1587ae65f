"""The command line: from arguments to an exit code, without a look at the process."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
import structlog

from falco import log
from falco.cli import actions, verbs
from falco.cli.flags import FLAGS, REMOVED
from falco.cli.options import Options
from falco.cli.process import Process
from falco.cli.session import Session
from falco.cli.surroundings import Surroundings
from falco.errors import FalcoError
from falco.plugins.manager import PluginManager

EXIT_FAILURE: Final = 1

_log = structlog.get_logger(__name__)
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
        return EXIT_FAILURE  # whoever read our output has gone: nothing left to say, nobody to say it to
    finally:
        structlog.reset_defaults()


def _run(argv: Sequence[str], around: Surroundings, process: Process | None) -> int:
    command = _root(around, process)
    try:
        with command.make_context("falco", list(argv), color=False, max_content_width=120) as context:
            result = command.invoke(context)
    except _Help as asked:
        around.print(asked.text + "\n")
        return 0
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.ClickException as error:
        around.complain(f"Error: {_sentence(error)}\n")
        return EXIT_FAILURE
    except FalcoError as error:
        around.complain(f"Error: {error}\n")
        return EXIT_FAILURE
    return result if isinstance(result, int) else 0


class _Help(Exception):
    """Somebody asked for help; raised because click would print to the streams of the process."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


def _help_option() -> click.Option:
    def show(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001  click's signature
        if value and not context.resilient_parsing:
            raise _Help(context.get_help())

    return click.Option(
        ["-h", "--help"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Print this help and exit.",
    )


class _Group(click.Group):
    """A group whose unknown commands come with a suggestion."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002  click's signature
        """Help as an exception, not as output."""
        return _help_option()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that *args* starts with."""
        name = args[0]
        if self.get_command(ctx, name) is None:
            close = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            ctx.fail(f"No such command '{name}'.{hint}")
        return super().resolve_command(ctx, args)


@dataclass(frozen=True, slots=True)
class Invocation:
    """What commands get from the root: click's ``context.obj``."""

    options: Options
    around: Surroundings
    process: Process | None

    def session(self, **changes: Any) -> Session:
        """A session for the options of the root with *changes* on top."""
        return Session(replace(self.options, **changes), self.around)


def _root(around: Surroundings, process: Process | None) -> _Group:
    def start(**given: Any) -> int:
        context = click.get_current_context()
        options = Options(**given)
        context.obj = Invocation(options, around, process)
        if context.invoked_subcommand is not None:
            return 0
        return actions.perform(Session(options, around), process)

    group = _Group(
        "falco",
        params=[flag.option() for flag in FLAGS],
        callback=start,
        help=_ABOUT,
        invoke_without_command=True,
        options_metavar="[OPTION...]",
        subcommand_metavar="[COMMAND]",
        no_args_is_help=False,
    )
    verbs.register(group)
    return group


def _sentence(error: click.ClickException) -> str:
    """What is wrong with the arguments."""
    sentence = error.format_message()
    if isinstance(error, click.NoSuchOption) and (today := REMOVED.get(error.option_name)):
        sentence += f" Falco removed it: {today}"
    return sentence
