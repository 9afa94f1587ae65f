"""Alerts in colour: the priority shows how urgent a line is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from falco.rules.model import Priority

if TYPE_CHECKING:
    from falco.alerts import Alert
    from falco.alerts.formatter import Render

_COLOURS: Final = {
    Priority.EMERGENCY: "bright_magenta",
    Priority.ALERT: "bright_magenta",
    Priority.CRITICAL: "bright_red",
    Priority.ERROR: "red",
    Priority.WARNING: "yellow",
    Priority.NOTICE: "cyan",
    Priority.INFORMATIONAL: "green",
    Priority.DEBUG: "bright_black",
}
_STYLED: Final = {
    priority: (f": {priority.title} ", f": {click.style(priority.title, fg=colour, bold=True)} ")
    for priority, colour in _COLOURS.items()
}


def coloured(render: Render) -> Render:
    """*render*, a writer of text alerts, with the priority in colour.

    Nothing but the time stands before the priority, and text of events holds no control characters: colour cannot be
    forged.
    """

    def write(alert: Alert) -> str:
        plain, styled = _STYLED[alert.template.priority]
        return render(alert).replace(plain, styled, 1)

    return write
