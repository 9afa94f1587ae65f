from __future__ import annotations

from io import BytesIO
from pathlib import Path
from struct import pack

import pytest

from falco_syscall.capture.blocks import MAX_EVENT_BYTES, MAX_METADATA_BYTES, Block, blocks
from falco_syscall.capture.errors import CaptureError
from falco_syscall.capture.metadata import Section
from falco_syscall.capture.stream import CaptureStream
from falco_syscall.capture.writer import block, item_block

SECTION = item_block(Section())


def read(data: bytes) -> list[Block]:
    return list(blocks(CaptureStream(BytesIO(data))))


def partly(data: bytes) -> tuple[list[Block], str]:
    got: list[Block] = []
    with pytest.raises(CaptureError) as caught:
        got.extend(blocks(CaptureStream(BytesIO(data))))
    return got, str(caught.value)


def test_blocks_come_in_order_with_their_places():
    got = read(SECTION + block(0x216, b"abcd") + block(0x221, b"efgh"))

    assert [(b.kind, b.offset, b.size, b.body) for b in got[1:]] == [
        (0x216, 28, 16, b"abcd"),
        (0x221, 44, 16, b"efgh"),
    ]


def test_the_length_is_taken_as_it_is_even_if_not_a_multiple_of_four():
    odd = pack("<II", 0x216, 17) + b"abcde" + pack("<I", 17)

    assert [b.body for b in read(SECTION + odd + block(0x216, b"next"))[1:]] == [b"abcde", b"next"]


def test_a_block_of_unknown_type_is_passed_over():
    got = read(SECTION + block(0x7777, bytes(3_000_000)) + block(0x216, b"abcd"))

    assert [(b.kind, b.body) for b in got[1:]] == [(0x7777, b""), (0x216, b"abcd")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", ""),
        (b"abc", "it has only 3 bytes"),
        (b"#!/bin/sh\necho", "it starts with the bytes 23 21 2f 62"),
        (block(0x201, bytes(180)), "instead of a section header"),
    ],
)
def test_what_is_no_capture_is_told_from_its_start(data: bytes, message: str):
    if not data:
        assert read(data) == []
        return
    got, error = partly(data)

    assert got == []
    assert message in error


def test_a_cut_in_a_head_a_body_and_a_trailer_keep_the_blocks_before():
    whole = SECTION + block(0x216, b"abcd")
    for cut, what in ((3, "a block's head"), (10, "type 0x216"), (15, "type 0x216")):
        got, error = partly(whole + block(0x216, b"efgh")[:cut])

        assert [b.kind for b in got[1:]] == [0x216]
        assert what in error
        assert "truncated" in error
        assert f"only {cut} are there" in error
        assert "(at byte 44)" in error


def test_an_impossible_length_ends_the_capture():
    got, error = partly(SECTION + pack("<III", 0x216, 8, 8))

    assert len(got) == 1
    assert "impossible length 8" in error


@pytest.mark.parametrize(("kind", "limit"), [(0x216, MAX_EVENT_BYTES), (0x215, MAX_METADATA_BYTES)])
def test_a_block_that_claims_gigabytes_in_a_sparse_file_is_refused_unread(tmp_path: Path, kind: int, limit: int):
    sparse = tmp_path / "sparse.scap"
    with sparse.open("wb") as file:
        file.write(SECTION + pack("<II", kind, 0x7FFFFFFC))
        file.truncate(0x7FFFFFFC)
    with sparse.open("rb") as file:
        stream = CaptureStream(file)

        with pytest.raises(CaptureError, match=f"claims to have 2147483644 bytes: {limit} are the limit"):
            list(blocks(stream))
        assert file.tell() < 1 << 22


def test_an_unknown_block_of_gigabytes_is_passed_over_in_constant_memory(tmp_path: Path):
    import tracemalloc

    size = 1 << 28
    sparse = tmp_path / "sparse.scap"
    with sparse.open("wb") as file:
        file.write(SECTION + pack("<II", 0x7777, size))
        file.seek(len(SECTION) + size - 4)
        file.write(pack("<I", size) + block(0x216, b"last"))
    with sparse.open("rb") as file:
        tracemalloc.start()
        kinds = [b.kind for b in blocks(CaptureStream(file))]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert kinds[1:] == [0x7777, 0x216]
    assert peak < 16 << 20
