"""Formatters: a whole alert as one line. Subclass ``Formatter`` for another one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Final, TypeAlias

from falco.alerts.alert import Alert
from falco.alerts.template import AlertTemplate
from falco.clock import Clock
from falco.fields.format import Shape
from falco.fields.model import FieldFormat
from falco.rules.model import Priority
from falco.templates.render import Placeholder, Prepared, Values, renderer, time_writer

Render: TypeAlias = Callable[[Alert], str]


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """The keys of falco.yaml that shape alerts; the defaults are Falco's."""

    hostname: str = ""
    clock: Clock = field(default_factory=Clock)
    is_iso8601: bool = False
    """``time_format_iso_8601``: the time in front is a date and time in UTC."""
    is_base64: bool = False
    """``buffer_format_base64``"""
    include_output: bool = True
    include_message: bool = False
    include_output_fields: bool = True
    include_tags: bool = True

    @property
    def time(self) -> Placeholder:
        """The time in front of the message."""
        return Placeholder(None, Shape(format=FieldFormat.TIME_ISO8601 if self.is_iso8601 else FieldFormat.TIME))

    @property
    def time_key(self) -> str:
        """The key of that time in ``output_fields``."""
        return "evt.time.iso8601" if self.is_iso8601 else "evt.time"

    def writer(self, pieces: Prepared) -> Callable[[Values, int], str]:
        """The function (values, time in ns) → text of *pieces* under these options."""
        return renderer(pieces, self.clock, is_base64=self.is_base64)

    def heading(self, priority: Priority) -> Callable[[str, int], str]:
        """The function (message, time in ns) → message with time and priority in front."""
        write, title = time_writer(self.time.shape.format, self.clock), priority.title
        return lambda message, time_ns: f"{write(time_ns)}: {title} {message}"


class Formatter(ABC):
    """Writes alerts as lines, without the newline.

    ``render`` prepares each template once (two threads may do so twice); ``prepare`` is what a subclass says.
    """

    name: ClassVar[str]
    """What selects the formatter."""
    _CAPACITY: Final = 4096

    def __init__(self, options: FormatOptions) -> None:
        self.options = options
        self._prepared: dict[AlertTemplate, Render] = {}

    @abstractmethod
    def prepare(self, template: AlertTemplate) -> Render:
        """The function that writes the alerts of *template*. It never raises."""

    def render(self, alert: Alert) -> str:
        """*alert* as one line."""
        render = self._prepared.get(alert.template)
        if render is None:
            if len(self._prepared) >= self._CAPACITY:  # templates of other processes, of rules before a reload
                self._prepared.clear()
            render = self._prepared[alert.template] = self.prepare(alert.template)
        return render(alert)
