"""Alerts on a terminal: nothing in them is obeyed, and the colour of the priority shows how urgent a line is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from falco.documents.terminal import visible
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

    Nothing but the time stands before the priority, and what is rendered holds no control characters of ASCII: colour
    cannot be forged.
    """

    def write(alert: Alert) -> str:
        plain, styled = _STYLED[alert.template.priority]
        return render(alert).replace(plain, styled, 1)

    return write


def made_visible(render: Render) -> Render:
    """*render*, with all that a terminal would obey spelled out.

    In the bytes of an alert, which are Falco's, only control characters of ASCII are; a terminal knows further ones.
    """
    return lambda alert: visible(render(alert))
