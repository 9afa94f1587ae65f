from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_syscall.capture import (
    CaptureEvent,
    CaptureReader,
    CaptureWriter,
    Comment,
    FdInfo,
    FdList,
    FdType,
    Group,
    Interface,
    InterfaceList,
    MachineInfo,
    Metadata,
    ProcessInfo,
    ProcessList,
    Section,
    User,
    UserList,
)
from falco_syscall.capture.blocks import blocks
from falco_syscall.capture.conversion import KEPT_ENTERS, Fate, plan
from falco_syscall.capture.event_table import CODES, EVENTS, SIZES, EventInfo
from falco_syscall.capture.reader import INITIAL_EVENTS
from falco_syscall.capture.stream import CaptureStream
from falco_syscall.capture.writer import event_block

i64 = st.integers(-(1 << 63), (1 << 63) - 1)
u64 = st.integers(0, (1 << 64) - 1)
u32 = st.integers(0, (1 << 32) - 1)
u16 = st.integers(0, 65535)
u8 = st.integers(0, 255)
texts = st.binary(max_size=60).map(lambda raw: raw.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
lists = st.lists(st.binary(max_size=20).map(lambda raw: raw + b"\0"), max_size=4).map(b"".join)
v4 = st.binary(min_size=4, max_size=4)
v6 = st.binary(min_size=16, max_size=16)

machines = st.builds(MachineInfo, texts, u32, u64, u64, u64, u64)
interfaces = st.one_of(*(st.builds(Interface, texts, ip, ip, ip, st.none() | u64) for ip in (v4, v6)))
users = st.builds(User, u32, u32, texts, texts, texts)
groups = st.builds(Group, u32, texts)
processes = st.builds(
    ProcessInfo,
    **dict.fromkeys(("tid", "pid", "ptid", "sid", "vpgid", "fdlimit", "vtid", "vpid", "pgid"), i64),
    **dict.fromkeys(("comm", "exe", "exepath", "cwd", "root"), texts),
    **dict.fromkeys(("args", "env", "cgroups"), lists),
    **dict.fromkeys(("flags", "uid", "gid", "vmsize_kb", "vmrss_kb", "vmswap_kb", "tty", "loginuid"), u32),
    **dict.fromkeys(("pfmajor", "pfminor", "pidns_init_start_ns", "cap_inheritable", "cap_permitted", "cap_effective", "exe_ino", "exe_ino_ctime_ns", "exe_ino_mtime_ns"), u64),
    **{name: st.booleans() for name in ("exe_writable", "exe_upper_layer", "exe_from_memfd", "exe_lower_layer")},
)  # fmt: skip


def fds(kind: FdType) -> st.SearchStrategy[FdInfo]:
    known: dict[str, st.SearchStrategy[object]] = {"fd": i64, "ino": u64, "type": st.just(kind)}
    ip = v4 if "IPV4" in kind.name else v6
    match kind:
        case FdType.UNKNOWN:
            pass
        case FdType.IPV4_SOCKET | FdType.IPV6_SOCKET:
            known |= {"source_ip": ip, "dest_ip": ip, "source_port": u16, "dest_port": u16, "l4": u8}
        case FdType.IPV4_SERVER_SOCKET | FdType.IPV6_SERVER_SOCKET:
            known |= {"source_ip": ip, "source_port": u16, "l4": u8}
        case FdType.UNIX_SOCKET:
            known |= {"source": u64, "dest": u64, "name": texts.map(lambda t: t.removesuffix("\n"))}
        case FdType.FILE_V2:
            known |= {"open_flags": u32, "name": texts, "dev": u32}
        case _:
            known |= {"name": texts}
    return st.builds(FdInfo, **known)


metadata = st.one_of(
    st.just(Section()),
    machines,
    st.lists(interfaces, max_size=3).map(lambda x: InterfaceList(tuple(x))),
    st.builds(UserList, st.lists(users, max_size=3).map(tuple), st.lists(groups, max_size=3).map(tuple)),
    st.lists(processes, max_size=3).map(lambda x: ProcessList(tuple(x))),
    st.builds(FdList, i64, st.lists(st.sampled_from(FdType).flatmap(fds), max_size=4).map(tuple)),
)


def current(info: EventInfo) -> bool:
    return plan(info.code, len(info.params)).fate is Fate.PASS


@st.composite
def events(draw: st.DrawFn) -> CaptureEvent:
    info = draw(st.sampled_from([e for e in EVENTS if current(e)]))
    params = []
    for param in info.params:
        size = SIZES[param.type]
        if size is None:
            params.append(draw(st.binary(max_size=40)))
        else:
            params.append(draw(st.sampled_from([0, size]).flatmap(lambda n: st.binary(min_size=n, max_size=n))))
    hidden = info.code in KEPT_ENTERS or draw(st.booleans())
    return CaptureEvent(0, draw(u64), draw(i64), draw(u16), info.code, params, hidden, info.code)


def written(items: list[Metadata | CaptureEvent], *, compress: bool = False) -> bytes:
    file = BytesIO()
    with CaptureWriter(file, compress=compress) as writer:
        for item in items:
            writer.write(item)
    return file.getvalue()


@given(st.lists(metadata, max_size=4), st.lists(events(), min_size=1, max_size=8), st.booleans())
def test_what_is_written_is_read(said: list[Metadata], happened: list[CaptureEvent], compress: bool):
    sections = [item for item in said if not isinstance(item, Section)]
    reader = CaptureReader(BytesIO(written([Section(), *sections, *happened], compress=compress)), strict=True)
    expected: list[Metadata | CaptureEvent] = [Section(), *sections]
    initial = True
    for number, event in enumerate(happened, 1):
        initial = initial and event.code in INITIAL_EVENTS
        expected.append(
            CaptureEvent(
                number,
                event.time_ns,
                event.tid,
                event.cpu,
                event.code,
                event.params,
                event.hidden or initial,
                event.code,
            )
        )

    assert list(reader) == expected


def test_blocks_are_framed_as_the_format_wants():
    items: list[Metadata | CaptureEvent] = [
        MachineInfo("x"),
        UserList((User(1, 2, "odd"),)),
        CaptureEvent(0, 1, 2, 3, CODES["SYSCALL_CLOSE_X"], [bytes(8), bytes(8)]),
        CaptureEvent(0, 1, 2, 3, CODES["SYSCALL_CLOSE_X"], [bytes(8), bytes(8)], hidden=True),
        CaptureEvent(0, 1, 2, 3, CODES["CONTAINER_JSON_2_E"], [b"x" * 100_000]),
    ]
    found = list(blocks(CaptureStream(BytesIO(written(items)))))

    assert [b.kind for b in found] == [0x0A0D0D0A, 0x201, 0x220, 0x216, 0x217, 0x221]
    assert all(b.size % 4 == 0 and b.trailer == b.size for b in found)
    assert found[1].size == 192


def test_a_section_is_started_only_once():
    file = BytesIO()
    writer = CaptureWriter(file)
    writer.write(Section())
    writer.write(MachineInfo())

    assert [b.kind for b in blocks(CaptureStream(BytesIO(file.getvalue())))] == [0x0A0D0D0A, 0x201]


def test_comments_are_written_with_their_event():
    file = BytesIO()
    event = CaptureEvent(0, 1, 2, 3, CODES["SYSCALL_CLOSE_X"], [bytes(8), bytes(8)])
    CaptureWriter(file).write(event, comments=["one", "two words"])

    assert list(CaptureReader(BytesIO(file.getvalue())))[2:] == [Comment("one", 1), Comment("two words", 1)]
    with pytest.raises(TypeError, match="with the event"):
        CaptureWriter(file).write(Comment("alone"))


def test_texts_are_cut_to_what_the_reference_reader_accepts():
    long = "x" * 5000
    process = ProcessInfo(tid=1, pid=1, comm=long, args=long.encode(), env=long.encode())
    items = list(
        CaptureReader(
            BytesIO(
                written(
                    [
                        ProcessList((process,)),
                        UserList((User(1, 1, long),)),
                        CaptureEvent(0, 1, 2, 3, CODES["SYSCALL_CLOSE_X"], [bytes(8), bytes(8)]),
                    ]
                )
            )
        )
    )

    assert isinstance(items[1], ProcessList)
    assert isinstance(items[2], UserList)
    assert len(items[1].processes[0].comm) == 1023
    assert len(items[1].processes[0].args) == 4096
    assert len(items[2].users[0].name) == 255


def test_events_that_do_not_fit_are_refused():
    code = CODES["SYSCALL_READ_X"]

    with pytest.raises(ValueError, match="a parameter of SYSCALL_READ_X is longer than 65535"):
        event_block(CaptureEvent(0, 1, 2, 3, code, [bytes(8), bytes(65536), bytes(8), bytes(4)]))
    with pytest.raises(ValueError, match="SYSCALL_READ_X takes"):
        event_block(CaptureEvent(0, 1, 2, 3, code, [bytes(8), bytes(65535), bytes(8), bytes(4)]))
