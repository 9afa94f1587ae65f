"""``evt.*`` and ``syscall.type`` of the event itself: its time, type and source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from falco import EVENT_FIELDS as GROUP
from falco import Field, FieldType
from falco_syscall.capture.event_table import CODES, EventSource
from falco_syscall.catalogue.arguments import name_of
from falco_syscall.fields.binding import constant, number, plain

if TYPE_CHECKING:
    from falco_syscall.catalogue.fields import Binder
    from falco_syscall.event import SyscallEvent
    from falco_syscall.fields.binding import Getter

_SECOND_NS: Final = 1_000_000_000
_MILLISECOND_NS: Final = 1_000_000


def _delta(event: SyscallEvent) -> int:
    return max(event.time_ns - event.previous_ns, 0)


def _around(argument: str | None) -> Getter:
    moment_ns = number(argument)
    return lambda event: abs(event.time_ns - moment_ns) // _MILLISECOND_NS


def _syscall_type(event: SyscallEvent) -> str | None:
    return event.name if event.info.source is EventSource.SYSCALL else None


def _type_is(argument: str | None) -> Getter:
    name = name_of("evt.type.is", argument)
    return lambda event: 1 if event.name == name else None


def _exit_count(event: SyscallEvent) -> int | None:
    return None if event.info.is_enter else 1


_PROCINFO: Final = CODES["PROCINFO_E"]


def _procinfo_count(event: SyscallEvent) -> int:
    return int(event.code == _PROCINFO and event.thread is not None and event.thread.is_main)


def _threadinfo_count(event: SyscallEvent) -> int:
    return int(event.code == _PROCINFO)


BINDERS: Final[dict[str, Binder]] = {
    "evt.latency": constant(0),
    "evt.latency.s": constant(0),
    "evt.latency.ns": constant(0),
    "evt.latency.quantized": constant(0),
    "evt.latency.human": constant("0ns"),
    "evt.wait_latency": constant(0),
    "evt.deltatime": plain(_delta),
    "evt.deltatime.s": plain(lambda event: _delta(event) // _SECOND_NS),
    "evt.deltatime.ns": plain(lambda event: _delta(event) % _SECOND_NS),
    "evt.outputtime": plain(lambda event: str(event.time_ns)),
    "evt.dir": plain(lambda event: ">" if event.info.is_enter else "<"),
    "evt.type": plain(lambda event: event.name),
    "evt.type.is": _type_is,
    "syscall.type": plain(_syscall_type),
    "evt.cpu": plain(lambda event: event.cpu),
    "evt.count": constant(1),
    "evt.count.exit": plain(_exit_count),
    "evt.count.procinfo": plain(_procinfo_count),
    "evt.count.threadinfo": plain(_threadinfo_count),
    "evt.around": _around,
    "evt.infra.docker.name": constant(None),
    "evt.infra.docker.container.id": constant(None),
    "evt.infra.docker.container.name": constant(None),
    "evt.infra.docker.container.image": constant(None),
}

_META: Final = frozenset({EventSource.METAEVENT, EventSource.PLUGIN})


def _is_async(event: SyscallEvent) -> bool:
    return event.info.source in _META


def _async_name(event: SyscallEvent) -> str | None:
    return event.name if _is_async(event) else None


ENVELOPE: Final[tuple[Field[SyscallEvent], ...]] = (
    Field(
        "evt.is_async",
        plain(_is_async),
        type=FieldType.BOOL,
        doc="Whether the event is no system call but a message, for example about a container.",
        group=GROUP,
    ),
    Field("evt.asynctype", plain(_async_name), doc="Name of such an event, for example container.", group=GROUP),
)
"""Fields of every event of which this source knows more."""
