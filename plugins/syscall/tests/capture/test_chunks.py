"""The scan finds what a walk from block to block finds."""

from __future__ import annotations

from io import BytesIO
from struct import pack

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_syscall.capture.blocks import EVENT_FORMS, blocks
from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.capture.capture_file import CaptureFile
from falco_syscall.capture.chunks import ChunkReader, chain
from falco_syscall.capture.errors import CaptureError
from falco_syscall.capture.event_table import EVENTS
from falco_syscall.capture.metadata import Comment, MachineInfo, Metadata, ProcessInfo, ProcessList, Section
from falco_syscall.capture.stored_event import MalformedEvent, StoredEvent, read_event
from falco_syscall.capture.stream import CaptureStream
from falco_syscall.capture.writer import block, item_block

Found = tuple[list[Metadata | StoredEvent], str | None, list[str], int]


class Walk(CaptureFile):
    """Reads blocks one at a time."""

    def found(self) -> Found:
        items: list[Metadata | StoredEvent] = []
        error = None
        try:
            for found in blocks(CaptureStream(self._owned or self._file)):
                form = EVENT_FORMS.get(found.kind)
                if form is None:
                    items += self._other_block(found)
                    continue
                self._has_events = True
                try:
                    event = read_event(form, found.body)
                except MalformedEvent as fault:
                    self._report(found.offset, f"an event was left out: {fault}")
                    continue
                if isinstance(event, int):
                    self.unknown_events += 1
                else:
                    items.append(event._replace(tail=b""))
            self._end_section()
        except CaptureError as caught:
            error = str(caught)
        return without_comments(items), error, list(map(str, self.problems)), self.unknown_events

    def __init__(self, data: bytes) -> None:
        super().__init__(BytesIO(data))
        self._file = BytesIO(data)


def without_comments(items: list[Metadata | StoredEvent]) -> list[Metadata | StoredEvent]:
    return [item for item in items if not isinstance(item, Comment)]


def scanned(data: bytes, chunk_bytes: int, relay: int | None = None) -> Found:
    """What is read in chunks; *relay*: after so many, another reader goes on as soon as it can."""
    reader = ChunkReader(BytesIO(data), chunk_bytes=chunk_bytes)
    items: list[Metadata | StoredEvent] = []
    error = None
    try:
        chunks, done = iter(reader), 0
        while (chunk := next(chunks, None)) is not None:
            assert len(chunk) or chunk.metadata
            items += chunk.metadata
            items += [chunk.event(index)._replace(tail=b"") for index in range(len(chunk))]
            done += 1
            if relay is not None and done > relay and reader.progress is not None:
                progress, relay = reader.progress, None
                reader = ChunkReader(BytesIO(data), chunk_bytes=chunk_bytes)
                reader.resume(progress)
                chunks = iter(reader)
    except CaptureError as caught:
        error = str(caught)
    return without_comments(items), error, list(map(str, reader.problems)), reader.unknown_events


SECTION = item_block(Section())
KINDS = sorted(EVENT_FORMS)
LOOK_ALIKES = [pack("<II", kind, size) for kind in KINDS[:6] for size in (0, 12, 40, 44, 48, 64, 0xFFFFFFFF)]

payloads = st.one_of(
    st.binary(max_size=24),
    st.lists(st.sampled_from(LOOK_ALIKES), max_size=6).map(b"".join),
    st.integers(0, 300).map(bytes),
)
codes = st.one_of(st.integers(0, len(EVENTS) + 2), st.sampled_from([3, 5, 7, 322, 324, 402, 280, 286, 65535]))


@st.composite
def event_blocks(draw: st.DrawFn) -> bytes:
    kind, code = draw(st.sampled_from(KINDS)), draw(codes)
    form = EVENT_FORMS[kind]
    params = draw(st.lists(payloads, max_size=6))
    width = "I" if form.counted and code < len(EVENTS) and EVENTS[code].is_large else "H"
    content = pack(f"<{len(params)}{width}", *map(len, params)) + b"".join(params)
    size = (26 if form.counted else 22) + len(content)
    count = len(params)
    fault = draw(st.integers(0, 20))
    if fault == 0:
        size = draw(st.sampled_from([0, 25, 26, size - 1, size + 1, size + 9, 0xFFFFFFFF]))
    elif fault == 1:
        count = draw(st.sampled_from([0, count + 1, 63, 64, 65, 10_000, 0xFFFFFFFF]))
    body = pack("<H", draw(st.integers(0, 9)))
    if form.flagged:
        body += pack("<I", draw(st.integers(0, 3)))
    body += pack("<QqIH", draw(st.integers(0, 99)), draw(st.integers(-1, 99)), size, code)
    body += pack("<I", count) if form.counted else b""
    body += content
    if fault == 2:
        body = body[: draw(st.integers(0, len(body)))]
    elif fault == 3:
        body += bytes(draw(st.integers(1, 9)))
    if fault == 4:
        return pack("<II", kind, len(body) + 12) + body + pack("<I", len(body) + 12)
    return block(kind, body)


others = st.sampled_from(
    [
        SECTION,
        item_block(MachineInfo("x")),
        item_block(ProcessList((ProcessInfo(tid=1, pid=1),))),
        block(0x7777, b"unknown"),
        block(0x215, b"broken entries"),
        pack("<II", 0x216, 5),
        b"?",
    ]
)
streams = st.lists(st.integers(0, 12).flatmap(lambda n: event_blocks() if n else others), max_size=30)


@given(streams, st.sampled_from([1, 64, 300, 5000, 1 << 20]), st.integers(0, 30))
def test_scan_and_walk_find_the_same(parts: list[bytes], chunk_bytes: int, cut: int):
    data = SECTION + b"".join(parts)
    data = data[: len(data) - cut] if cut > 20 else data

    assert scanned(data, chunk_bytes) == Walk(data).found()


@given(streams, st.sampled_from([1, 64, 300, 5000]), st.integers(0, 30), st.integers(0, 5))
def test_another_reader_goes_on_where_one_stops(parts: list[bytes], chunk_bytes: int, cut: int, relay: int):
    data = SECTION + b"".join(parts)
    data = data[: len(data) - cut] if cut > 20 else data

    assert scanned(data, chunk_bytes, relay) == Walk(data).found()


def test_a_run_of_events_is_one_chunk_whose_columns_agree_with_the_events():
    builder = CaptureBuilder()
    for number in range(1000):
        builder.event("close" if number % 3 else "read", number, fd=number)
    (chunk,) = ChunkReader(BytesIO(builder.to_bytes()))

    assert len(chunk) == 1000
    stored = [chunk.event(i) for i in range(1000)]
    assert chunk.codes.tolist() == [e.code for e in stored]
    assert chunk.flags is None
    tids = np.ndarray(len(chunk.data) - 7, np.dtype("<i8"), chunk.data, 0, (1,))[chunk.heads + 8]
    assert tids.tolist() == list(range(1000))


def test_metadata_is_not_lost_with_a_chain_of_events_that_are_left_out():
    broken = block(0x216, pack("<HQqIHI", 0, 5, 1, 9, 5, 0))
    data = SECTION + item_block(MachineInfo("x")) + broken * 3 + item_block(MachineInfo("y"))

    assert scanned(data, 1 << 20) == Walk(data).found()
    assert scanned(data, 1 << 20)[0] == [Section(), MachineInfo("x"), MachineInfo("y")]


@pytest.mark.parametrize("kind", [0x204, 0x216])
def test_events_and_metadata_keep_their_order_whatever_the_kind(kind: int):
    count = pack("<I", 0) if kind == 0x216 else b""
    event = block(kind, pack("<HQqIH", 0, 5, 1, 22 + len(count), 15) + count)
    odd = pack("<II", kind, len(event) + 1) + event[8:-4] + b"+" + pack("<I", len(event) + 1)
    other = item_block(MachineInfo("x"))
    for parts in (
        [event, other, event], [other, event, other], [odd, other, odd, event], [odd, event, other], [event, odd, event, event],
        [block(0x204, event[8:-4] if kind == 0x204 else pack("<HQqIH", 0, 5, 1, 22, 15)), event, other, event],
    ):  # fmt: skip
        data = SECTION + b"".join(parts)
        assert scanned(data, 1 << 20) == Walk(data).found()


@pytest.mark.parametrize("count", [63, 64, 255, 256, 257, 300, 512, 20_000])
def test_however_many_parameters_an_event_claims_their_lengths_are_checked(count: int):
    content = b"\xff\xff" * count + bytes(100)
    broken = block(0x216, pack("<HQqIHI", 0, 5, 1, 26 + len(content), 5, count) + content)
    data = SECTION + broken

    assert scanned(data, 1 << 20) == Walk(data).found()
    assert "bytes after the event" in scanned(data, 1 << 20)[2][0]


def test_dump_flags_are_a_column():
    builder = CaptureBuilder().event("close", 1).event("close", 1, state_only=True)
    *_, chunk = ChunkReader(BytesIO(builder.to_bytes()))

    assert chunk.flags is not None
    assert chunk.flags.tolist() == [0, 1]


def test_a_parameter_that_looks_like_a_block_is_passed_over():
    look_alike = pack("<II", 0x216, 40) + bytes(28) + pack("<I", 40)
    builder = CaptureBuilder()
    for _ in range(50):
        builder.event("write", 1, data=(look_alike + b"text") * 5)
    data = b"".join(builder.to_bytes().split(SECTION)[1:])
    first = data.index(pack("<I", 0x216))
    starts, after = chain(data, first)

    assert len(starts) == 50
    assert after[-1] == len(data)


@pytest.mark.parametrize("data", [b"", b"abc", pack("<I", 0x216), pack("<II", 0x216, 0), bytes(100)])
def test_what_is_no_chain_is_none(data: bytes):
    starts, after = chain(data)

    assert len(starts) == len(after) == 0


def test_kinds_that_alternate_are_not_scanned_again_and_again(monkeypatch: pytest.MonkeyPatch):
    from falco_syscall.capture import chunks

    event = CaptureBuilder().event("close", 1).to_bytes()[-60:]
    event = event[event.index(pack("<I", 0x216)) :]
    looked_at = 0
    real = chunks.chain

    def counting(data: bytes, at: int = 0) -> object:
        nonlocal looked_at
        looked_at += len(data) - at
        return real(data, at)

    monkeypatch.setattr(chunks, "chain", counting)
    data = SECTION + (event + block(0x7777, b"x")) * 40_000
    total = sum(len(c) for c in ChunkReader(BytesIO(data), chunk_bytes=1 << 16))

    assert total == 40_000
    assert looked_at <= 10 * len(data)
