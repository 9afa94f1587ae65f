"""No field ever raises, whatever an event holds and whatever came before it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from falco.fields import Argument
from falco_syscall.capture import CaptureEvent, FdInfo, FdList, FdType, ProcessInfo, ProcessList
from falco_syscall.capture.event_table import EVENTS, SIZES, EventInfo
from falco_syscall.decoder import SyscallDecoder
from falco_syscall.event import SyscallEvent
from falco_syscall.fields import FIELDS

ARGUMENTS = {
    "evt.arg": [".flags", ".fd", "0", "3", ".data", ".tuple", ".addr", ".fds"],
    "evt.rawarg": [".flags", ".fd", ".path", ".data"],
    "evt.type.is": [".open"],
    "evt.around": ["1700000000000000000"],
    "evt.abspath": [None, ".src", ".dst"],
    "thread.cgroup": [".memory"],
    "proc.aenv": [None, "1", "PATH"],
    "proc.env": [None, "PATH", "1"],
}
FOR_KINDS = {
    Argument.NONE: [None],
    Argument.OPTIONAL_TEXT: [None, "0", "1"],
    Argument.KEY: ["app"],
    Argument.INDEX_OR_KEY: ["0", "/etc"],
}
GETTERS = [
    (field.name, (field.shown or field.bind)(argument), field.bind(argument))
    for field in FIELDS
    for argument in ARGUMENTS.get(field.name) or FOR_KINDS[field.argument]
]
CURRENT = [event for event in EVENTS if not (event.is_old or event.is_unused)]

small = st.sampled_from([0, 1, 2, 3, 10, 11, 0xFFFFFFFF, 1 << 63, (1 << 64) - 1, (1 << 64) - 100])
texts = st.sampled_from([b"", b"\0", b"/etc/../x\0", b"a", b"\xff\xfe\0", b"../..\0", b"<NA>\0", b"\0\0a=b\0"])
blobs = st.one_of(texts, st.binary(max_size=40))


def parameter(size: int | None) -> st.SearchStrategy[bytes]:
    if size is None:
        return blobs
    right = small.map(lambda number: number.to_bytes(8, "little")[:size])
    return st.one_of(right, right, right, st.just(b""), blobs)


def event_of(info: EventInfo) -> st.SearchStrategy[CaptureEvent]:
    params = st.tuples(*(parameter(SIZES[param.type]) for param in info.params))
    return st.builds(
        lambda tid, time_ns, values, count: CaptureEvent(0, time_ns, tid, 0, info.code, list(values)[:count]),
        st.sampled_from([10, 11, 12, -1]),
        st.sampled_from([0, 1, 5_000_000_000, (1 << 64) - 1]),
        params,
        st.integers(0, len(info.params)),
    )


events = st.sampled_from(CURRENT).flatmap(event_of)
START = [
    ProcessList((ProcessInfo(tid=10, pid=10, ptid=1, comm="a", cwd="/w", cgroups=b"memory=/lxc/x\0"),)),
    FdList(
        10,
        (
            FdInfo(fd=0, type=FdType.FILE_V2, name="/f"),
            FdInfo(fd=1, type=FdType.IPV4_SOCKET, source_ip=bytes(4), dest_ip=b"\1\2\3\4", l4=200),
            FdInfo(fd=2, type=FdType.IPV6_SERVER_SOCKET, source_ip=bytes(16), l4=3),
            FdInfo(fd=3, type=FdType.DIRECTORY, name="/d"),
        ),
    ),
]


@given(st.lists(events, min_size=1, max_size=8))
def test_no_field_raises_and_values_stay_the_same(stream: list[CaptureEvent]) -> None:
    for num, event in enumerate(stream, 1):
        event.num = num
    for event in SyscallDecoder().events([*START, *stream]):
        for name, shown, bound in GETTERS:
            first: Any = bound(event)
            assert bound(event) == first, name
            shown(event)


def test_every_field_is_read_from_an_event_of_a_thread_that_nobody_knows() -> None:
    (event,) = SyscallDecoder().events([CaptureEvent(1, 5, 77, 0, 3, [])])

    assert isinstance(event, SyscallEvent)
    assert {name: bound(event) for name, _, bound in GETTERS}["proc.name"] == "<NA>"
