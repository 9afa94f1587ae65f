"""Fields that every event source has: ``evt.*`` over the envelope of an event, and the static fields.

A source that knows more of its events registers fields of the same names, which take the place of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from falco.clock import NS, Clock
from falco.fields.model import Field, FieldClass, FieldFlag, FieldFormat, FieldType, Getter, Value

GROUP: Final = FieldClass(
    "evt", "All event types", "Fields of every event, whatever source it comes from.", is_native=True
)
STATIC_GROUP: Final = FieldClass("static", "", "Constants that falco.yaml sets under static_fields.", is_native=True)

RELTIMES: Final = ("evt.reltime", "evt.reltime.s", "evt.reltime.ns")
"""Times since the first event of the source."""
POSITIONS: Final = frozenset({"evt.num", *RELTIMES})
"""Fields that say where an event stands among all of its source."""

_UNSIGNED: Final = (1 << 64) - 1


def fields(
    *,
    source: str,
    hostname: str,
    plugin: str | None = None,
    clock: Clock | None = None,
    start_ns: Getter[Any] | None = None,
    summary: Getter[Any] | None = None,
) -> tuple[Field[Any], ...]:
    """The generic fields of one event source, in the order in which they are listed.

    Args:
        source: Name of the event source.
        hostname: Name of the machine, as alerts have it.
        plugin: Name of the plugin that makes the events; None = not a plugin's, so ``evt.pluginname`` is absent.
        clock: Zone of the times of day; UTC by default.
        start_ns: Reads from an event the time of the first event of its source, for ``evt.reltime``; by default the
            attribute ``start_ns`` of the event, absent if it has none.
        summary: Reads an event as one text, for ``evt.plugininfo``; by default the attribute ``summary``, a text or
            a method without arguments, absent if it has none.
    """
    clock = Clock() if clock is None else clock
    start_ns = _attribute("start_ns") if start_ns is None else start_ns
    summary = _summary if summary is None else summary

    def elapsed(event: Any) -> int | None:
        start = start_ns(event)
        # upstream: unsigned, so an event before the first one is 2^64 minus a little
        return None if start is None else (event.time_ns - start) & _UNSIGNED

    def raw(event: Any) -> int:
        return int(event.time_ns) & _UNSIGNED

    def row(name: str, get: Getter[Any], doc: str, **properties: Any) -> Field[Any]:
        return Field(name, lambda _argument: get, doc=doc, group=GROUP, **properties)

    def moment(name: str, write: Callable[[int], str], shape: FieldFormat, doc: str) -> Field[Any]:
        return row(name, lambda event: write(event.time_ns), doc, format=shape)

    def nanoseconds(name: str, kind: FieldType, get: Getter[Any], doc: str) -> Field[Any]:
        return row(name, get, doc, type=kind, format=FieldFormat.PADDED_9)

    return (
        row("evt.num", lambda event: event.num, "Number of the event, counted from 1.", type=FieldType.UINT64),
        moment("evt.time", clock.time, FieldFormat.TIME, "Local time of day of the event, with nanoseconds."),
        moment("evt.time.s", clock.time_s, FieldFormat.TIME_S, "Local time of day of the event, to the second."),
        moment(
            "evt.time.iso8601",
            clock.iso8601,
            FieldFormat.TIME_ISO8601,
            "Date and time of the event as ISO 8601 in UTC, with nanoseconds and offset.",
        ),
        moment(
            "evt.datetime",
            clock.datetime,
            FieldFormat.DATETIME,
            "Local date and time of the event, with nanoseconds.",
        ),
        moment(
            "evt.datetime.s",
            clock.datetime_s,
            FieldFormat.DATETIME_S,
            "Local date and time of the event, to the second.",
        ),
        row("evt.rawtime", raw, "Nanoseconds from the epoch to the event.", type=FieldType.ABSTIME),
        row(
            "evt.rawtime.s",
            lambda event: raw(event) // NS,
            "Whole seconds from the epoch to the event.",
            type=FieldType.ABSTIME,
        ),
        nanoseconds(
            "evt.rawtime.ns",
            FieldType.ABSTIME,
            lambda event: raw(event) % NS,
            "Nanoseconds of the event within its second.",
        ),
        nanoseconds(
            "evt.reltime",
            FieldType.RELTIME,
            elapsed,
            "Nanoseconds from the first event of the source to this one.",
        ),
        row(
            "evt.reltime.s",
            _after(elapsed, lambda value: value // NS),
            "Whole seconds from the first event of the source to this one.",
            type=FieldType.RELTIME,
        ),
        nanoseconds(
            "evt.reltime.ns",
            FieldType.RELTIME,
            _after(elapsed, lambda value: value % NS),
            "Nanoseconds, within the second, from the first event of the source to this one.",
        ),
        row("evt.pluginname", _constant(plugin), "Name of the plugin that the event comes from, if it is a plugin's."),
        row("evt.plugininfo", summary, "The event in one text, as its plugin sums it up."),
        row("evt.source", _constant(source), "Name of the event source."),
        row(
            "evt.is_async",
            _constant(value=False),
            "True for events that something else than the source put in.",
            type=FieldType.BOOL,
        ),
        row("evt.asynctype", _constant(value=None), "Name of such an event, for example container."),
        row("evt.hostname", _constant(hostname), "Name of the machine; FALCO_HOSTNAME in the environment sets it."),
    )


def static_fields(values: Mapping[str, str]) -> tuple[Field[Any], ...]:
    """A field ``static.<key>`` for every constant of ``static_fields``, for each event source.

    They are suggested for outputs. Any key makes a field, but one that is not a name cannot be written in a rule.
    """
    return tuple(
        Field(
            f"static.{key}",
            _bind_constant(value),
            flags=frozenset({FieldFlag.SUGGESTED}),
            doc=f"Constant of falco.yaml: static_fields.{key}.",
            group=STATIC_GROUP,
        )
        for key, value in values.items()
    )


def _constant(value: Value | None) -> Getter[Any]:
    return lambda _event: value


def _bind_constant(value: str) -> Callable[[str | None], Getter[Any]]:
    return lambda _argument: _constant(value)


def _attribute(name: str) -> Getter[Any]:
    return lambda event: getattr(event, name, None)


def _summary(event: Any) -> Any:
    summary = getattr(event, "summary", None)
    return summary() if callable(summary) else summary


def _after(get: Getter[Any], change: Callable[[Any], int]) -> Getter[Any]:
    def changed(event: Any) -> int | None:
        value = get(event)
        return None if value is None else change(value)

    return changed
