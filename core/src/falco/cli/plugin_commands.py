"""Commands that plugins add; looked for only when a command is not one of ours, or when all are listed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from falco.cli.help import Group
from falco.errors import PluginError
from falco.plugins.manager import PluginManager


class PluginGroup(Group):
    """The root of the command line: ours first, then those of the plugins of *manager*."""

    def __init__(self, *args: Any, manager: Callable[[], PluginManager], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._manager = manager
        self._added: dict[str, click.Command] | None = None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in alphabetical order."""
        return sorted({*super().list_commands(ctx), *self._of_plugins()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command *cmd_name*, None if there is none.

        Raises:
            PluginError: Two plugins, or a plugin and falco, bring a command of one name.
        """
        return super().get_command(ctx, cmd_name) or self._of_plugins().get(cmd_name)

    def _of_plugins(self) -> dict[str, click.Command]:
        if self._added is None:
            self._added = self._manager().commands()
            if taken := self._added.keys() & self.commands.keys():
                raise PluginError(f"command '{min(taken)}' of a plugin is one of falco's own")
        return self._added
