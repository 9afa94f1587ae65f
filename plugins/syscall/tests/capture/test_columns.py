"""What columns make of a capture is what the plain reader makes of it."""

from io import BytesIO
from struct import pack

import pytest

from falco_syscall.capture import CaptureEvent, CaptureReader
from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.capture.chunks import ChunkReader
from falco_syscall.capture.columns import NUMBERED, ColumnConverter
from falco_syscall.capture.event_table import CODES
from falco_syscall.capture.writer import item_block


def by_columns(capture, chunk_bytes=1 << 20):
    said = []
    converter = ColumnConverter(said.append)
    found = []
    for chunk in ChunkReader(BytesIO(capture), chunk_bytes=chunk_bytes):
        columns = converter.convert(chunk)
        found += [columns.event(place) for place in range(len(chunk)) if columns.traits[place] & NUMBERED]
    return found, converter, said


def calls(schema):
    capture = CaptureBuilder(schema=schema).process(10, "sh").process(11, "cat")
    for turn in range(30):
        tid = 10 + turn % 2
        capture.event("openat", tid, fd=3, dirfd="AT_FDCWD", name=f"/etc/{turn}", flags="O_RDONLY")
        capture.event("socket", 21 - tid, fd=4, domain="AF_INET", type=1, proto=6)
        capture.event("read", tid, res=4, data=b"data", fd=3, size=4)
        capture.event("connect", tid, res=0, tuple=("10.0.0.1", turn, "10.0.0.2", 443), fd=4)
        capture.event("close", tid, res=0, fd=3, state_only=turn % 5 == 0)
    return capture.to_bytes()


@pytest.mark.parametrize("schema", ["current", "old"])
@pytest.mark.parametrize("chunk_bytes", [200, 1000, 1 << 20])
def test_every_event_is_numbered_converted_and_completed_like_by_the_reader(schema, chunk_bytes):
    capture = calls(schema)
    reader = CaptureReader(BytesIO(capture))

    expected = list(reader.events())
    found, converter, _ = by_columns(capture, chunk_bytes)

    assert found == expected
    assert (converter.last_num, converter.lost_enters) == (reader.last_num, reader.lost_enters)


def test_an_exit_without_its_enter_is_counted():
    capture = CaptureBuilder(schema="old").process(10, "sh").event("close", 10, res=0, fd=3).to_bytes()
    events = [chunk for chunk in ChunkReader(BytesIO(capture)) if len(chunk)]
    chunk = events[0]
    chunk.starts, chunk.heads, chunk.ends, chunk.codes = (
        column[1:] for column in (chunk.starts, chunk.heads, chunk.ends, chunk.codes)
    )
    converter = ColumnConverter(lambda sentence: None)

    columns = converter.convert(chunk)

    assert converter.lost_enters == 1
    assert columns.event(0).params[1] == bytes(8)


def test_an_enter_event_of_another_thread_completes_nothing():
    events = [
        stored("SYSCALL_CLOSE_E", 10, [pack("<q", 3)]),
        stored("SYSCALL_CLOSE_X", 11, [bytes(8)]),
        stored("SYSCALL_CLOSE_X", 10, [bytes(8)]),
    ]
    capture = CaptureBuilder(schema="old").process(10, "sh").event("read", 10, res=0, fd=1).to_bytes()

    found, converter, _ = by_columns(capture + b"".join(events))

    assert [(event.tid, event.params[1]) for event in found[1:]] == [(11, bytes(8)), (10, pack("<q", 3))]
    assert converter.lost_enters == 1


def stored(constant, tid, params):
    code = CODES[constant]
    return item_block(CaptureEvent(0, 1, tid, 0, code, params, False, code), ())


def test_a_parameter_of_impossible_size_is_reported_and_left_empty():
    capture = CaptureBuilder().process(10, "sh").event("close", 10, res=0, fd=b"12").to_bytes()

    found, _, said = by_columns(capture)

    assert found[0].params[1] == b""
    assert "2 bytes" in said[0]
