"""JSON alerts: one object a line, keys in alphabetical order, no blanks, text beyond ASCII as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from falco.alerts.alert import Alert
from falco.alerts.encoding import encode
from falco.alerts.formatter import Formatter, Render
from falco.alerts.template import AlertTemplate, Extra
from falco.fields.format import json_of, signed
from falco.fields.text import printable
from falco.templates.render import Placeholder, Values

Make: TypeAlias = Callable[[Values, int], Any]
"""The function (values, time of the event in ns) → JSON value."""


class JsonFormatter(Formatter):
    """The lines of ``json_output: true``."""

    name = "json"

    def prepare(self, template: AlertTemplate) -> Render:
        """See ``Formatter``."""
        options, is_internal = self.options, template.is_internal
        has_message = options.include_message and not is_internal
        has_output = options.include_output or is_internal
        has_fields = options.include_output_fields or is_internal
        blank: dict[str, Any] = {
            "hostname": options.hostname,
            "priority": template.priority.title,
            "rule": template.rule,
            "source": template.source,
            "time": None,
        }
        if options.include_tags and not is_internal:
            blank["tags"] = template.tags
        for key, is_there in (("message", has_message), ("output", has_output), ("output_fields", has_fields)):
            if is_there:
                blank[key] = None
        blank = dict(sorted(blank.items()))
        message_of, fields_of, utc = options.writer(template.message), self.output_fields(template), options.clock.utc
        output_of = _same if is_internal else options.heading(template.priority)

        def render(alert: Alert) -> str:
            values, time_ns = alert.values, alert.time_ns
            document = blank.copy()
            message = message_of(values, time_ns)
            if has_message:
                document["message"] = message
            if has_output:
                document["output"] = output_of(message, time_ns)
            if has_fields:
                document["output_fields"] = fields_of(values, time_ns)
            document["time"] = utc(time_ns)
            return encode(document)

        return render

    def output_fields(self, template: AlertTemplate) -> Make:
        """The function that makes ``output_fields`` of the alerts of *template*."""
        contents: dict[str, Extra] = dict(template.fields)
        if not template.is_internal:
            contents[self.options.time_key] = self.options.time
        contents |= dict(template.extra_fields)
        return self._object(dict(sorted({printable(key): content for key, content in contents.items()}.items())))

    def _object(self, contents: Mapping[str, Extra]) -> Make:
        """The function that makes the object with *contents*, in their order."""
        slots: list[tuple[str, int]] = []
        converts: list[tuple[str, Callable[[Any], Any]]] = []
        times: list[str] = []
        texts: list[tuple[str, Make]] = []
        for key, content in contents.items():
            if not isinstance(content, Placeholder):
                texts.append((key, self.options.writer(content)))
            elif content.is_time:
                times.append(key)
            elif content.slot is not None:
                slots.append((key, content.slot))
                if convert := json_of(content.shape, is_base64=self.options.is_base64):
                    converts.append((key, convert))
        blank = dict.fromkeys(contents)

        def make(values: Values, time_ns: int) -> dict[str, Any]:
            fields: dict[str, Any] = blank.copy()
            for key, slot in slots:
                fields[key] = values[slot]
            for key, convert in converts:
                if (value := fields[key]) is not None:
                    fields[key] = convert(value)
            for key in times:
                fields[key] = signed(time_ns)
            for key, text in texts:
                fields[key] = text(values, time_ns)
            return fields

        return make


def _same(message: str, _time_ns: int) -> str:
    return message
