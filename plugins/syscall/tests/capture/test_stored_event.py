from __future__ import annotations

from struct import pack

import pytest

from falco_syscall.capture.blocks import EVENT_FORMS
from falco_syscall.capture.event_table import CODES
from falco_syscall.capture.stored_event import MalformedEvent, comments, read_event

CLOSE = CODES["SYSCALL_CLOSE_X"]
EIGHT = bytes(range(8))


def counted(code: int, lengths: bytes, values: bytes, *, count: int, size: int | None = None) -> bytes:
    size = 26 + len(lengths) + len(values) if size is None else size
    return pack("<HQqIHI", 3, 1000, -1, size, code, count) + lengths + values


def uncounted(code: int, lengths: list[int], values: bytes, *, more: int = 0) -> bytes:
    packed = pack(f"<{len(lengths)}H", *lengths)
    return pack("<HQqIH", 3, 1000, 7, 22 + len(packed) + len(values) + more, code) + packed + values


def test_an_event_has_the_values_of_its_header():
    event = read_event(EVENT_FORMS[0x216], counted(CLOSE, pack("<HH", 8, 8), EIGHT * 2, count=2))

    assert not isinstance(event, int)
    assert (event.time_ns, event.tid, event.cpu, event.code, event.flags) == (1000, -1, 3, CLOSE, 0)
    assert event.params == [EIGHT, EIGHT]


def test_dump_flags_stand_before_the_header():
    body = counted(CLOSE, pack("<H", 8), EIGHT, count=1)
    event = read_event(EVENT_FORMS[0x217], body[:2] + pack("<I", 5) + body[2:])

    assert not isinstance(event, int)
    assert (event.cpu, event.flags, event.params) == (3, 5, [EIGHT])


@pytest.mark.parametrize("kind", [0x216, 0x221])
def test_the_code_decides_how_wide_lengths_are_not_the_block(kind: int):
    large = read_event(EVENT_FORMS[kind], counted(CODES["CONTAINER_JSON_2_E"], pack("<I", 8), EIGHT, count=1))
    small = read_event(EVENT_FORMS[kind], counted(CLOSE, pack("<H", 8), EIGHT, count=1))

    assert not isinstance(large, int)
    assert not isinstance(small, int)
    assert large.params == small.params == [EIGHT]


def test_what_follows_the_event_is_its_tail():
    body = counted(CLOSE, pack("<H", 8), EIGHT, count=1)
    event = read_event(EVENT_FORMS[0x216], body + b"tail")

    assert not isinstance(event, int)
    assert event.tail == b"tail"


@pytest.mark.parametrize("lengths", [[], [8], [8, 8], [0, 8]])
def test_the_first_format_tells_the_number_of_parameters_by_their_lengths(lengths: list[int]):
    event = read_event(EVENT_FORMS[0x204], uncounted(CLOSE, lengths, bytes(sum(lengths))))

    assert not isinstance(event, int)
    assert [len(p) for p in event.params] == lengths


def test_the_first_format_has_narrow_lengths_for_every_code():
    event = read_event(EVENT_FORMS[0x204], uncounted(CODES["CONTAINER_JSON_2_E"], [8], EIGHT))

    assert not isinstance(event, int)
    assert event.params == [EIGHT]


@pytest.mark.parametrize("code", [280, 286])
def test_notifications_of_the_first_format_say_three_bytes_too_many(code: int):
    event = read_event(EVENT_FORMS[0x204], uncounted(code, [4, 4], b"abc\0def\0", more=3) + b"\0\0\0")

    assert not isinstance(event, int)
    assert event.params == [b"abc\0", b"def\0"]


def test_a_code_that_the_table_does_not_have_is_returned():
    assert read_event(EVENT_FORMS[0x216], counted(454, pack("<H", 8), EIGHT, count=1)) == 454
    assert read_event(EVENT_FORMS[0x216], counted(65535, b"", b"", count=1_000_000)) == 65535


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        (0x216, bytes(27), "27 bytes, too few"),
        (0x217, bytes(31), "31 bytes, too few"),
        (0x204, bytes(23), "23 bytes, too few"),
        (0x216, counted(CLOSE, pack("<H", 8), EIGHT, count=1, size=25), "claims 25 bytes: 26 to 36"),
        (0x216, counted(CLOSE, pack("<H", 8), EIGHT, count=1, size=37), "claims 37 bytes"),
        (0x216, counted(CLOSE, pack("<H", 8), EIGHT, count=1_000_000), "1000000 parameters do not fit"),
        (0x216, counted(CLOSE, pack("<H", 9), EIGHT, count=1), "end 1 bytes after the event"),
        (0x204, uncounted(CLOSE, [9], EIGHT), "no number of parameters"),
        (0x204, uncounted(CLOSE, [7], EIGHT), "no number of parameters"),
    ],
)
def test_lengths_that_contradict_each_other_are_told(kind: int, body: bytes, message: str):
    with pytest.raises(MalformedEvent, match=message):
        read_event(EVENT_FORMS[kind], body)


OPTIONS = pack("<HH", 1, 3) + b"one\0" + pack("<HH", 9, 1) + b"x\0\0\0" + pack("<HH", 1, 4) + b"four" + bytes(4)


@pytest.mark.parametrize("filling", [0, 1, 2, 3])
def test_comments_may_follow_filling(filling: int):
    assert comments(bytes(filling) + OPTIONS) == ["one", "four"]


@pytest.mark.parametrize("tail", [b"", b"\0\0\0", b"\1\0\xff\xff", pack("<HH", 1, 9) + b"short", b"\1\0"])
def test_what_is_no_comment_is_ignored(tail: bytes):
    assert comments(tail) == []
