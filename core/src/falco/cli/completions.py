"""What a shell completes behind flags and arguments."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import click
from click.shell_completion import CompletionItem, ShellComplete

from falco.plugins.activation import SYSCALL
from falco.plugins.manager import PluginManager

FILE: Final = click.Path()
"""The type of names of files and directories; that they exist is checked by who reads them."""
FOLDER: Final = click.Path(file_okay=False)


def event_sources(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Event sources that are installed."""
    found = PluginManager.of_environment().collect("falco_register_sources")
    return _beginning(incomplete, (SYSCALL, *(source.event_source for _, source in found)))


def plugins(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Plugins that are installed, by their own names and those of Falco's that they stand for."""
    infos = PluginManager.of_environment().infos.values()
    return _beginning(incomplete, (name for info in infos for name in (info.name, *info.provides)))


def formats(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Formats of lists."""
    return _beginning(incomplete, ("text", "markdown", "json"))


def answer(asked: ShellComplete) -> str:
    """What the shell gets for the words that it has put into the environment; ``--list=`` and its value are one."""
    arguments, incomplete = asked.get_completion_args()
    if arguments[-1:] == ["="]:
        arguments.pop()  # bash parts words there
    name, equals, _ = incomplete.partition("=")
    found = asked.get_completions(arguments, incomplete)
    if equals and name.startswith("--"):  # other shells replace the whole word
        for item in found:
            item.value = f"{name}={item.value}"
    return "\n".join(map(asked.format_completion, found))


def _beginning(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]
