"""Lists of event types: ``--list-events`` and ``-i``.

The layout is Falco's; scripts read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from falco.events.catalogue import EventCatalogue, EventCategory, EventParameter, EventType


def events_text(catalogue: EventCatalogue) -> str:
    """``--list-events``: a line an event type, ``> open(FSPATH **name**, …)``."""
    lines = [_title(catalogue)]
    for category, types in _sections(catalogue):
        lines += ["## " + category.value, ""]
        lines += [
            f"{_direction(event_type)} {event_type.name}({', '.join(map(_plain_parameter, event_type.parameters))})"
            for event_type in types
        ]
        lines.append("")
    return "\n".join(lines) + "\n"


def events_markdown(catalogue: EventCatalogue) -> str:
    """``--list-events --format markdown``: a table a section."""
    lines = [_title(catalogue)]
    for category, types in _sections(catalogue):
        lines += ["## " + category.value, "", "Default | Dir | Name | Params ", ":-------|:----|:-----|:-----"]
        lines += [
            f"{'Yes' if event_type.is_default else 'No'} | `{_direction(event_type)}` | `{event_type.name}` | "
            + ", ".join(map(_marked_parameter, event_type.parameters))
            for event_type in types
        ]
        lines.append("")
    return "\n".join(lines) + "\n"


def events_json(catalogue: EventCatalogue) -> str:
    """``--list-events --format json``."""
    document: dict[str, Any] = {
        category.value: [_event_object(event_type) for event_type in types] for category, types in _sections(catalogue)
    }
    document["schema_version"] = catalogue.schema_version
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def ignored_text(catalogue: EventCatalogue) -> str:
    """``-i``: the event types that are evaluated only if they are asked for."""
    names = dict.fromkeys(t.name for t in catalogue.types if t.is_listed and not t.is_default)
    return "Ignored syscall(s):\n" + "".join(f"- {name}\n" for name in names) + "\n"


def _title(catalogue: EventCatalogue) -> str:
    return f"The events below are valid for Falco *Schema Version*: {catalogue.schema_version}"


def _sections(catalogue: EventCatalogue) -> Iterable[tuple[EventCategory, list[EventType]]]:
    for category in EventCategory:
        yield category, [t for t in catalogue.types if t.is_listed and t.category is category]


def _direction(event_type: EventType) -> str:
    return "<" if event_type.is_exit else ">"


def _plain_parameter(parameter: EventParameter) -> str:
    return _parameter(parameter, parameter.values)


def _marked_parameter(parameter: EventParameter) -> str:
    return _parameter(parameter, [f"*{value}*" for value in parameter.values])


def _parameter(parameter: EventParameter, values: Iterable[str]) -> str:
    text = f"{parameter.type} **{parameter.name}**"
    return f"{text}: {', '.join(values)}" if parameter.values else text


def _event_object(event_type: EventType) -> dict[str, Any]:
    return {
        "name": event_type.name,
        "dir": _direction(event_type),
        "available": event_type.is_default,
        "params": [_parameter_object(parameter) for parameter in event_type.parameters],
    }


def _parameter_object(parameter: EventParameter) -> dict[str, Any]:
    described: dict[str, Any] = {"name": parameter.name, "type": parameter.type}
    if parameter.values:
        described["flags"] = list(parameter.values)
    return described
