from __future__ import annotations

from struct import pack

import pytest

from falco_syscall.capture import metadata_blocks
from falco_syscall.capture.blocks import Block
from falco_syscall.capture.errors import CaptureError
from falco_syscall.capture.metadata import (
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
    User,
    UserList,
)
from falco_syscall.capture.metadata_blocks import read_metadata, read_section, section_comments


def block(kind: int, body: bytes, trailer: int | None = None) -> Block:
    size = len(body) + 12
    return Block(kind, 100, size, body, size if trailer is None else trailer)


def read(kind: int, body: bytes) -> Metadata:
    return read_metadata(block(kind, body))


def s(text: bytes) -> bytes:
    return pack("<H", len(text)) + text


def process(version: int) -> bytes:
    """A process as the writers of a version stored it, without the length and the tail of version 9."""
    body = pack("<QQQ", 11, 10, 1)
    body += pack("<q", 7) if version >= 6 else b""
    body += pack("<q", 8) if version >= 8 else b""
    body += s(b"comm") + s(b"exe")
    body += s(b"/exepath") if version >= 7 else b""
    body += s(b"a\0b\0") + s(b"/cwd") + pack("<qIII", 1024, 2, 3, 4)
    body += pack("<IIIQQ", 5, 6, 7, 8, 9) if version >= 2 else b""
    body += s(b"A=1\0") if version >= 3 else b""
    body += pack("<qq", 111, 110) + s(b"cpu=/x\0") if version >= 4 else b""
    body += s(b"/root") if version >= 5 else b""
    return body


def expected(version: int, **tail: object) -> ProcessInfo:
    known: dict[str, object] = {}
    if version >= 6:
        known["sid"] = 7
    if version >= 8:
        known["vpgid"] = 8
    if version >= 7:
        known["exepath"] = "/exepath"
    if version >= 2:
        known |= {"vmsize_kb": 5, "vmrss_kb": 6, "vmswap_kb": 7, "pfmajor": 8, "pfminor": 9}
    if version >= 3:
        known["env"] = b"A=1\0"
    if version >= 4:
        known |= {"vtid": 111, "vpid": 110, "cgroups": b"cpu=/x\0"}
    if version >= 5:
        known["root"] = "/root"
    return ProcessInfo(
        tid=11, pid=10, ptid=1, comm="comm", exe="exe", args=b"a\0b\0", cwd="/cwd",
        fdlimit=1024, flags=2, uid=3, gid=4, **known, **tail,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "version"),
    [
        (0x202, 1), (0x8000ABCD, 1), (0x207, 2), (0x8013ABCD, 2), (0x209, 3), (0x8014ABCD, 3),
        (0x210, 4), (0x211, 5), (0x212, 6), (0x213, 7), (0x214, 8),
    ],
)  # fmt: skip
def test_process_lists_of_every_version_are_read(kind: int, version: int):
    assert read(kind, process(version) * 2) == ProcessList((expected(version),) * 2)


TAIL = pack("<QIIBQQQBQQQBBq", 1, 2, 3, 1, 4, 5, 6, 1, 7, 8, 9, 1, 1, 10)
NAMED_TAIL = {
    "pidns_init_start_ns": 1, "tty": 2, "loginuid": 3, "exe_writable": True, "cap_inheritable": 4, "cap_permitted": 5,
    "cap_effective": 6, "exe_upper_layer": True, "exe_ino": 7, "exe_ino_ctime_ns": 8, "exe_ino_mtime_ns": 9,
    "exe_from_memfd": True, "exe_lower_layer": True, "pgid": 10,
}  # fmt: skip


def entry(tail: bytes) -> bytes:
    body = process(9) + tail
    return pack("<I", len(body) + 4) + body


def but(*without: str) -> dict[str, object]:
    return {k: v for k, v in NAMED_TAIL.items() if k not in without}


@pytest.mark.parametrize(
    ("tail", "known"),
    [
        (b"", {}),
        (pack("<I", 3), {"loginuid": 3}),
        (pack("<IBQQQ", 3, 1, 4, 5, 6), {k: NAMED_TAIL[k] for k in list(NAMED_TAIL)[2:7]}),
        (TAIL[:-10], but("exe_from_memfd", "exe_lower_layer", "pgid")),
        (TAIL[:-1], but("pgid")),
        (TAIL, NAMED_TAIL),
        (TAIL + b"of a newer writer", NAMED_TAIL),
    ],
)
def test_the_tail_of_a_process_is_read_as_far_as_it_goes(tail: bytes, known: dict[str, object]):
    assert read(0x215, entry(tail) * 2) == ProcessList((expected(9, **known),) * 2)


def test_the_last_bytes_of_a_list_are_filling():
    assert read(0x215, entry(b"") + b"\0\0\0") == ProcessList((expected(9),))


def test_texts_are_cut_at_nul_and_keep_bytes_that_are_no_utf_8():
    body = pack("<QQQ", 1, 1, 0) + s(b"na\xffme\0rest") + s(b"") + s(b"") + s(b"") + pack("<qIII", 0, 0, 0, 0)
    listed = read(0x202, body)

    assert isinstance(listed, ProcessList)
    assert listed.processes[0].comm == "na\udcffme"


V4, V6 = bytes(range(4)), bytes(range(16))
FDS = [
    (pack("<B", 3) + V4 + V4 + pack("<HHB", 1, 2, 2), FdInfo(fd=5, type=FdType.IPV4_SOCKET, ino=6, source_ip=V4, dest_ip=V4, source_port=1, dest_port=2, l4=2)),
    (pack("<B", 4) + V6 + V6 + pack("<HHB", 1, 2, 3), FdInfo(fd=5, type=FdType.IPV6_SOCKET, ino=6, source_ip=V6, dest_ip=V6, source_port=1, dest_port=2, l4=3)),
    (pack("<B", 5) + V4 + pack("<HB", 1, 2), FdInfo(fd=5, type=FdType.IPV4_SERVER_SOCKET, ino=6, source_ip=V4, source_port=1, l4=2)),
    (pack("<B", 6) + V6 + pack("<HB", 1, 2), FdInfo(fd=5, type=FdType.IPV6_SERVER_SOCKET, ino=6, source_ip=V6, source_port=1, l4=2)),
    (pack("<BQQ", 8, 1, 2) + s(b"/run/x\n"), FdInfo(fd=5, type=FdType.UNIX_SOCKET, ino=6, source=1, dest=2, name="/run/x\n")),
    (pack("<BI", 16, 1) + s(b"/etc/x"), FdInfo(fd=5, type=FdType.FILE_V2, ino=6, open_flags=1, name="/etc/x")),
    (pack("<B", 0), FdInfo(fd=5, type=FdType.UNKNOWN, ino=6)),
    *[
        (pack("<B", n) + s(b"name"), FdInfo(fd=5, type=FdType(n), ino=6, name="name"))
        for n in (1, 2, 7, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21)
    ],
]  # fmt: skip


@pytest.mark.parametrize(("payload", "info"), FDS)
def test_descriptors_of_every_type_are_read(payload: bytes, info: FdInfo):
    first = pack("<qQ", 5, 6) + payload
    second = pack("<I", len(first) + 4) + first

    assert read(0x203, pack("<q", 10) + first * 2) == FdList(10, (info, info))
    assert read(0x218, pack("<q", 10) + second * 2) == FdList(10, (info, info))


def test_the_device_of_a_file_is_read_if_there_is_room():
    body = pack("<qQBI", 5, 6, 16, 1) + s(b"/x") + pack("<I", 77)
    listed = read(0x218, pack("<q", 10) + pack("<I", len(body) + 4) + body)

    assert isinstance(listed, FdList)
    assert listed.fds[0].dev == 77


def test_a_descriptor_of_unknown_type_is_kept_as_unsupported_if_its_length_is_known():
    body = pack("<qQB", 5, 6, 99) + b"whatever"
    entry = pack("<I", len(body) + 4) + body

    assert read(0x218, pack("<q", 10) + entry) == FdList(
        10, (FdInfo(fd=5, type=FdType.UNSUPPORTED, ino=6, name="unknown-type:[99]"),)
    )
    with pytest.raises(CaptureError, match="unknown type 99"):
        read(0x203, pack("<q", 10) + body)


def test_interfaces_of_both_versions_are_read():
    bodies = [
        pack("<HH", 1, 2) + V4 * 3 + pack("<Q", 9) + b"lo",
        pack("<HH", 2, 2) + V6 * 3 + pack("<Q", 9) + b"lo",
        pack("<HH", 3, 2) + V4 * 3 + b"lo",
        pack("<HH", 4, 2) + V6 * 3 + b"lo",
    ]
    interfaces = InterfaceList(
        (
            Interface("lo", V4, V4, V4, 9),
            Interface("lo", V6, V6, V6, 9),
            Interface("lo", V4, V4, V4),
            Interface("lo", V6, V6, V6),
        )
    )

    assert read(0x205, b"".join(bodies)) == interfaces
    assert read(0x219, b"".join(pack("<I", len(b)) + b for b in bodies)) == interfaces
    with pytest.raises(CaptureError, match="an interface of unknown type 5"):
        read(0x205, pack("<HH", 5, 2) + V6 * 3)


def test_users_of_both_versions_are_read():
    user = pack("<BII", 0, 1000, 100) + s(b"ann") + s(b"/home/ann") + s(b"/bin/sh")
    group = pack("<BI", 1, 100) + s(b"staff")
    users = UserList((User(1000, 100, "ann", "/home/ann", "/bin/sh"),), (Group(100, "staff"),))

    assert read(0x206, user + group) == users
    assert read(0x220, b"".join(pack("<I", len(e) + 6) + e + b"++" for e in (user, group))) == users


def test_the_machine_is_read_and_must_have_its_size():
    body = pack("<IQQ128sQQQQ", 4, 1 << 33, 32768, b"host", 5, 6, 0, 0)

    assert read(0x201, body) == MachineInfo("host", 4, 1 << 33, 32768, 5, 6)
    for other in (body[:-8], body + bytes(8)):
        with pytest.raises(CaptureError, match="instead of 180"):
            read(0x201, other)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (0x202, process(1)[:-1]),
        (0x215, entry(b"")[:-5]),
        (0x215, pack("<I", 20) + process(9)),
        (0x215, pack("<I", 0xFFFFFFFF) + process(9)),
        (0x215, bytes(64)),
        (0x218, b"\0" * 7),
        (0x220, pack("<I", 4) + bytes(8)),
    ],
)
def test_lists_that_contradict_themselves_are_refused_with_the_place(kind: int, body: bytes):
    with pytest.raises(CaptureError, match=r"block of type .* \(at byte [12]\d\d\)"):
        read(kind, body)


def test_an_entry_that_says_it_is_shorter_than_its_content_is_refused():
    user = pack("<BII", 0, 1, 2) + s(b"a") + s(b"b") + s(b"c")
    with pytest.raises(CaptureError, match="the length of an entry contradicts its content"):
        read(0x220, pack("<I", len(user) + 3) + user)


def test_a_list_without_end_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metadata_blocks, "MAX_ENTRIES", 3)
    read(0x203, bytes(8) + bytes(17) * 3)

    with pytest.raises(CaptureError, match="more than 3 entries"):
        read(0x203, bytes(8) + bytes(17) * 4)


def test_a_trailer_that_differs_from_the_head_is_refused():
    with pytest.raises(CaptureError, match="the length 192 at its head and 77 at its end"):
        read_metadata(block(0x201, bytes(180), 77))


def section(magic: int = 0x1A2B3C4D, major: int = 1, more: bytes = b"") -> Block:
    return block(0x0A0D0D0A, pack("<IHHQ", magic, major, 2, 0) + more, 1)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (section(magic=0x4D3C2B1A), "big-endian"),
        (section(magic=5), "magic number 0x5"),
        (section(major=2), "format version 2.2"),
        (block(0x0A0D0D0A, b"short"), "too short"),
    ],
)
def test_sections_of_another_format_are_refused(header: Block, message: str):
    with pytest.raises(CaptureError, match=message):
        read_section(header)


def test_comments_of_a_section_are_read():
    options = (
        pack("<HH", 1, 5) + b"hello\0\0\0" + pack("<HH", 7, 2) + b"xx\0\0" + pack("<HH", 1, 2) + b"ho\0\0" + bytes(4)
    )

    assert section_comments(section(more=options)) == ["hello", "ho"]
    assert section_comments(section()) == []
