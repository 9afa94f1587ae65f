"""Text alerts: ``<time>: <Priority> <message>``, escaped as a JSON string without its quotes."""

from __future__ import annotations

from falco.alerts.encoding import encode
from falco.alerts.formatter import Formatter, Render
from falco.alerts.internal import details
from falco.alerts.template import AlertTemplate


def escaped(text: str) -> str:
    """*text* as inside a JSON string: no control character of ASCII is left, and every encoder takes it."""
    return encode(text)[1:-1]


class TextFormatter(Formatter):
    """The lines of ``json_output: false``."""

    name = "text"

    def prepare(self, template: AlertTemplate) -> Render:
        """See ``Formatter``."""
        message_of, heading = self.options.writer(template.message), self.options.heading(template.priority)
        if template.is_internal:
            return lambda alert: escaped(
                heading(f"{message_of(alert.values, alert.time_ns)} ({details(alert)})", alert.time_ns)
            )
        return lambda alert: escaped(heading(message_of(alert.values, alert.time_ns), alert.time_ns))
