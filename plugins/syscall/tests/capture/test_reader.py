from __future__ import annotations

from io import BytesIO
from itertools import chain
from pathlib import Path
from struct import pack

import pytest

from falco.errors import SourceError
from falco_syscall.capture import (
    CaptureError,
    CaptureEvent,
    CaptureReader,
    Comment,
    InterfaceList,
    MachineInfo,
    ProcessList,
    Section,
    UserList,
)
from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.capture.event_table import CODES
from falco_syscall.capture.writer import block, item_block

CLOSE_E, CLOSE_X = CODES["SYSCALL_CLOSE_E"], CODES["SYSCALL_CLOSE_X"]
OPEN_E, OPEN_X = CODES["SYSCALL_OPEN_E"], CODES["SYSCALL_OPEN_X"]
ZERO, THREE = bytes(8), b"\3" + bytes(7)


def event(code: int, *params: bytes, tid: int = 1, time_ns: int = 5) -> bytes:
    return item_block(CaptureEvent(0, time_ns, tid, 0, code, list(params)))


def capture(*blocks: bytes) -> CaptureReader:
    return CaptureReader(BytesIO(b"".join((item_block(Section()), *blocks))))


CLOSE = event(CLOSE_X, ZERO, THREE)
UNKNOWN = block(0x216, pack("<HQqIHI", 0, 5, 1, 26, 454, 0))
SHOWN_OPEN = event(OPEN_X, THREE, b"/x\0", bytes(4), bytes(4), bytes(4), ZERO)


def numbered(reader: CaptureReader) -> list[tuple[int, str, bool]]:
    return [(e.num, e.name, e.hidden) for e in reader.events()]


def test_the_items_come_in_the_order_of_the_file():
    data = CaptureBuilder().process(10, "sh").event("close", 10, fd=3, comments=["why"]).to_bytes()

    assert [type(item) for item in CaptureReader(BytesIO(data))] == [
        Section,
        MachineInfo,
        InterfaceList,
        UserList,
        ProcessList,
        CaptureEvent,
        Comment,
    ]


def test_an_event_knows_its_name_and_parameters():
    found = next(capture(CLOSE).events())

    assert found.name == "close"
    assert found.info.constant == "SYSCALL_CLOSE_X"
    assert found.param("fd") == THREE
    with pytest.raises(KeyError):
        found.param("path")


def test_absorbed_events_are_not_numbered():
    reader = capture(event(CLOSE_E, THREE), event(CLOSE_X, ZERO), CLOSE)

    assert [(e.num, e.params, e.stored_code) for e in reader.events()] == [
        (1, [ZERO, THREE], CLOSE_X),
        (2, [ZERO, THREE], CLOSE_X),
    ]
    assert reader.absorbed_events == 1
    assert reader.last_num == 2


def test_enter_events_that_only_state_uses_are_numbered_and_hidden():
    reader = capture(event(OPEN_E, b"/x\0", bytes(4), bytes(4)), SHOWN_OPEN)

    assert numbered(reader) == [(1, "open", True), (2, "open", False)]


def test_state_only_events_are_numbered_and_hidden():
    hidden = CaptureEvent(0, 5, 1, 0, CLOSE_X, [ZERO, THREE], hidden=True)

    assert numbered(capture(item_block(hidden), CLOSE)) == [(1, "close", True), (2, "close", False)]


CONTAINER = event(CODES["CONTAINER_JSON_2_E"], b"{}\0")


def test_metadata_events_are_hidden_until_the_first_other_event():
    reader = capture(CONTAINER, CONTAINER, CLOSE, CONTAINER)

    assert [hidden for _, _, hidden in numbered(reader)] == [True, True, False, False]


@pytest.mark.parametrize("dropped", [event(CLOSE_E, THREE), UNKNOWN])
def test_an_event_that_disappears_ends_the_metadata_events_too(dropped: bytes):
    assert [hidden for _, _, hidden in numbered(capture(CONTAINER, dropped, CONTAINER))] == [True, False]


def test_joined_captures_go_on_counting_and_start_their_metadata_anew():
    one = CaptureBuilder().process(10, "sh").event("close", 10).event("close", 10).to_bytes()
    items = list(CaptureReader(BytesIO(one * 3)))

    assert [i.num for i in items if isinstance(i, CaptureEvent)] == [1, 2, 3, 4, 5, 6]
    assert sum(isinstance(i, Section) for i in items) == 3
    assert numbered(capture(CLOSE, item_block(Section()), CONTAINER, CLOSE))[1:] == [
        (2, "container", True),
        (3, "close", False),
    ]


def test_enter_events_survive_into_the_next_section():
    reader = capture(event(CLOSE_E, THREE), item_block(Section()), event(CLOSE_X, ZERO))

    assert [e.params for e in reader.events()] == [[ZERO, THREE]]


def test_a_capture_without_events_is_refused_after_its_metadata():
    reader = capture(item_block(MachineInfo("host")))
    items = iter(reader)

    assert [next(items), next(items)] == [Section(), MachineInfo("host")]
    with pytest.raises(CaptureError, match="no events"):
        next(items)


def test_an_empty_file_is_refused():
    with pytest.raises(SourceError, match="it is empty"):
        list(CaptureReader(BytesIO(b"")))


def test_events_of_a_newer_driver_are_counted_and_not_numbered():
    reader = capture(CLOSE, UNKNOWN, CLOSE)

    assert [n for n, _, _ in numbered(reader)] == [1, 2]
    assert reader.unknown_events == 1
    assert reader.problems == []


BROKEN = block(0x216, pack("<HQqIHI", 0, 5, 1, 30, CLOSE_X, 500) + bytes(4))
TOO_MANY = event(OPEN_X, THREE, b"/x\0", bytes(4), bytes(4), bytes(4), ZERO, b"new")
WRONG_ENTER = event(CODES["SYSCALL_READ_E"], THREE, bytes(4)) + event(CLOSE_X, ZERO)
NO_RULE = event(OPEN_E, b"/x\0")
WRONG_SIZE = event(CLOSE_X, ZERO, b"\3")
FAULTS = [
    (BROKEN, [], "an event was left out: 500 parameters do not fit"),
    (TOO_MANY, ["open"], "SYSCALL_OPEN_X has 7 parameters instead of 6"),
    (WRONG_ENTER, ["close"], "SYSCALL_CLOSE_X does not follow its enter event"),
    (NO_RULE, [], "SYSCALL_OPEN_E with 1 parameters is not known"),
    (WRONG_SIZE, ["close"], "parameter fd of SYSCALL_CLOSE_X has 1 bytes"),
    (block(0x7777, b"what"), [], "a block of unknown type 0x7777 was passed over"),
    (item_block(MachineInfo()), [], "a metadata block among the events"),
]


@pytest.mark.parametrize(("fault", "names", "message"), FAULTS)
def test_a_block_that_makes_no_sense_is_told_and_the_others_are_read(fault: bytes, names: list[str], message: str):
    reader = capture(CLOSE, fault, CLOSE)

    assert [e.name for e in reader.events()] == ["close", *names, "close"]
    assert reader.problem_count == 1
    assert message in str(reader.problems[0])
    assert reader.problems[0].offset >= 28 + len(CLOSE)
    assert str(reader.problems[0]).endswith(f"(at byte {reader.problems[0].offset})")


@pytest.mark.parametrize(("fault", "names", "message"), FAULTS)
def test_a_strict_reader_ends_there(fault: bytes, names: list[str], message: str):
    reader = CaptureReader(BytesIO(item_block(Section()) + CLOSE + fault + CLOSE), strict=True)
    got: list[CaptureEvent] = []

    with pytest.raises(CaptureError) as caught:
        got.extend(reader.events())
    assert message in str(caught.value)
    assert len(got) == 1


def test_a_parameter_of_a_wrong_size_is_emptied():
    assert next(capture(WRONG_SIZE).events()).params == [ZERO, b""]


def test_only_the_first_problems_are_kept_but_all_are_counted():
    reader = capture(CLOSE, *[BROKEN] * 250)
    list(reader)

    assert len(reader.problems) == 100
    assert reader.problem_count == 250


def test_an_unknown_block_among_events_that_is_damaged_ends_the_capture():
    damaged = pack("<II", 0x7777, 16) + b"abcd" + pack("<I", 99)
    reader = capture(CLOSE, damaged, CLOSE)

    with pytest.raises(CaptureError, match="the length 16 at its head and 99 at its end"):
        list(reader)
    assert reader.last_num == 1


def test_an_unknown_block_before_the_events_need_not_be_whole_at_its_end():
    assert len(list(capture(pack("<II", 0x7777, 16) + b"abcdefgh", CLOSE).events())) == 1


def test_trailers_of_events_are_not_looked_at():
    assert len(list(capture(CLOSE[:-4] + b"\0\0\0\0", CLOSE).events())) == 2


def test_comments_name_the_event_they_were_attached_to():
    comment = pack("<HH", 1, 2) + b"hi\0\0" + bytes(4)
    stored = event(CLOSE_E, THREE)
    absorbed = block(0x216, stored[8:-4] + comment)
    shown = block(0x216, CLOSE[8:-4] + comment)
    section = block(0x0A0D0D0A, item_block(Section())[8:-4] + comment)
    items = list(CaptureReader(BytesIO(section + absorbed + shown)))

    assert [i for i in items if isinstance(i, Comment)] == [Comment("hi"), Comment("hi"), Comment("hi", 1)]


def test_a_reader_closes_what_it_opened_and_nothing_else(tmp_path: Path):
    path = CaptureBuilder().event("close", 10).write(tmp_path / "x.scap")
    with CaptureReader(path) as reader:
        assert len(list(reader.events())) == 1
    assert reader._owned is not None
    assert reader._owned.closed
    reader.close()
    with path.open("rb") as file, CaptureReader(file):
        pass
    assert file.closed
    with path.open("rb") as file:
        CaptureReader(file).close()
        assert not file.closed


def test_a_missing_file_is_the_systems_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        CaptureReader(tmp_path / "missing.scap")


def test_a_compressed_capture_reads_like_a_plain_one():
    builder = CaptureBuilder().process(10, "sh").event("close", 10)

    assert list(CaptureReader(BytesIO(builder.to_bytes(compress=True)))) == list(builder.reader())


def test_the_first_format_reads_like_the_second():
    from falco_syscall.capture.writer import old_event_block

    stored = [CaptureEvent(0, 5, 1, 2, CLOSE_X, [ZERO, THREE]), CaptureEvent(0, 6, 1, 2, CLOSE_X, [ZERO])]
    old = capture(*map(old_event_block, stored))
    new = capture(*map(item_block, stored))

    assert list(old.events()) == list(new.events())
    assert all(chain(old.events(), ["read once"]))
