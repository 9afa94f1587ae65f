"""Alerts of Falco about itself: dropped events, metrics, a reload that failed.

They have a rule name but no rule: no tags, no message, and the switches of JSON alerts do not apply to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from falco.alerts.alert import Alert
from falco.alerts.encoding import encode
from falco.alerts.template import AlertTemplate
from falco.fields.format import Shape, json_of
from falco.fields.model import FieldType
from falco.rules.model import Priority
from falco.templates.render import Placeholder

SOURCE: Final = "internal"
EVENT_DROP: Final = "Falco internal: syscall event drop"
TIMEOUTS: Final = "Falco internal: timeouts notification"
METRICS: Final = "Falco internal: metrics snapshot"
RELOAD_FAILURE: Final = "Falco internal: hot restart failure"
CAPTURE_LIMIT: Final = "Falco internal: capture size limit reached"

Detail: TypeAlias = "str | int | float | bool | None"


def alert(rule: str, priority: Priority, message: str, fields: Mapping[str, Detail], time_ns: int) -> Alert:
    """An internal alert.

    Args:
        rule: Its rule name, one of the constants here.
        priority: Its priority.
        message: What happened; not a template.
        fields: Its ``output_fields``; the text form shows them in parentheses.
        time_ns: When.
    """
    template = AlertTemplate(
        rule=rule,
        priority=priority,
        source=SOURCE,
        message=(message,),
        fields=tuple((key, Placeholder(slot, Shape(FieldType.DYNAMIC))) for slot, key in enumerate(fields)),
        is_internal=True,
    )
    return Alert(template, 0, time_ns, tuple(fields.values()))


def details(internal: Alert) -> str:
    """The fields of an internal alert for its text form: ``key=value`` with the value as JSON, sorted by key."""
    written = []
    for (key, placeholder), value in zip(internal.template.fields, internal.values, strict=True):
        convert = json_of(placeholder.shape) if value is not None else None
        written.append((key, encode(convert(value) if convert else value)))
    return " ".join(f"{key}={text}" for key, text in sorted(written))
