"""click's commands, made to write nowhere: help is raised, and whoever has the streams prints it."""

from __future__ import annotations

import difflib
from typing import Any, Final

import click

EXIT_FAILURE: Final = 1
FAILURE: Final = "falco.failure"
"""Key of ``click.Context.meta``: the exit code if the command fails."""


class HelpAsked(Exception):  # noqa: N818  not an error
    """Somebody asked for help; ``text`` is what to print."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Command(click.Command):
    """A command whose ``--help`` raises ``HelpAsked``.

    Args:
        arguments: Of click.
        failure: The exit code when it fails.
        settings: Of click.
    """

    def __init__(self, *arguments: Any, failure: int = EXIT_FAILURE, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._failure = failure

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context, with the exit code of a failure in what all contexts of a run share."""
        if parent is not None:
            parent.meta[FAILURE] = self._failure
        return super().make_context(info_name, args, parent, **extra)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002  click's signature
        """The flags ``-h`` and ``--help``."""
        return _help_option()


class Group(Command, click.Group):
    """A group of such commands; an unknown one comes with a suggestion."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse to be called without a command, where there is nothing to do without one."""
        if not args and not self.invoke_without_command and not ctx.resilient_parsing:
            ctx.fail(f"Missing command.{self._choices(ctx)}")
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that *args* starts with."""
        name = args[0]
        if self.get_command(ctx, name) is None:
            flags = {flag for parameter in self.get_params(ctx) for flag in parameter.opts}
            if f"--{name}" in flags:
                ctx.fail(f"No such command '{name}'. Did you mean '--{name}'?")
            is_file = "." in name or "/" in name
            close = [] if is_file else difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            hint = f" Did you mean '{close[0]}'?" if close else self._hint(ctx, name)
            ctx.fail(f"No such command '{name}'.{hint}")
        return super().resolve_command(ctx, args)

    def _hint(self, ctx: click.Context, name: str) -> str:
        """What to do where no command is like *name*: at the root it may be a file that is to be scanned."""
        if ctx.parent is None:
            return f" To look at a file: falco scan {name}"
        return self._choices(ctx)

    def _choices(self, ctx: click.Context) -> str:
        return f" Choose from: {', '.join(self.list_commands(ctx))}."


def _help_option() -> click.Option:
    def show(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001  click's signature
        if value and not context.resilient_parsing:
            raise HelpAsked(context.get_help())

    return click.Option(
        ["-h", "--help"], is_flag=True, is_eager=True, expose_value=False, callback=show, help="Print this and exit."
    )
