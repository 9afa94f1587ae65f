from __future__ import annotations

import gzip
import random
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_syscall.capture.stream import CaptureStream


def drain(stream: CaptureStream, size: int = 1 << 16) -> bytes:
    pieces = []
    while piece := stream.read(size):
        assert len(piece) <= size
        pieces.append(piece)
    return b"".join(pieces)


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def test_a_file_that_is_not_gzip_is_taken_as_it_is():
    stream = CaptureStream(BytesIO(b"plain" * 1000))

    assert not stream.is_gzip
    assert drain(stream) == b"plain" * 1000
    assert stream.damage is None


@given(st.lists(st.binary(max_size=3000), min_size=1, max_size=4), st.integers(1, 5000))
def test_gzip_members_are_joined(members: list[bytes], size: int):
    stream = CaptureStream(BytesIO(b"".join(map(gzip.compress, members))))

    assert drain(stream, size) == b"".join(members)
    assert stream.is_gzip
    assert stream.damage is None


def test_what_follows_the_last_member_and_is_not_gzip_is_ignored():
    stream = CaptureStream(BytesIO(gzip.compress(b"events") + b"trailing bytes"))

    assert drain(stream) == b"events"
    assert stream.damage is None


def test_a_cut_gzip_file_gives_what_it_has_and_says_so():
    data = noise(500_000)
    stream = CaptureStream(BytesIO(gzip.compress(data)[:400_000]))

    got = drain(stream)

    assert data.startswith(got)
    assert len(got) > 390_000
    assert stream.damage is not None
    assert "truncated" in stream.damage


@pytest.mark.parametrize("size", [1, 7, 100, 1 << 16])
def test_what_a_cut_gzip_file_gives_does_not_depend_on_the_size_of_the_pieces(size: int):
    packed = gzip.compress(b"0123456789" * 500)
    for cut in range(15, len(packed), 3):
        assert drain(CaptureStream(BytesIO(packed[:cut])), size) == drain(CaptureStream(BytesIO(packed[:cut])))


def test_a_wrong_checksum_is_told_after_all_data():
    packed = bytearray(gzip.compress(b"events" * 100_000))
    packed[-8] ^= 1
    stream = CaptureStream(BytesIO(bytes(packed)))

    assert drain(stream) == b"events" * 100_000
    assert stream.damage is not None
    assert "incorrect data check" in stream.damage


@pytest.mark.parametrize("at", [20, 50_000, 150_000])
def test_damage_in_the_middle_keeps_what_is_before_it(at: int):
    data = b"".join(b"%d," % i for i in range(100_000))
    packed = bytearray(gzip.compress(data))
    packed[at:] = b"\xff" * (len(packed) - at)
    stream = CaptureStream(BytesIO(bytes(packed)))

    got = drain(stream)

    assert stream.damage is not None
    # The first bytes after the fault may be wrong before zlib can notice it.
    same = next((i for i, (a, b) in enumerate(zip(got, data, strict=False)) if a != b), len(got))
    assert same >= at - 20


def test_a_gzip_bomb_is_inflated_a_piece_at_a_time():
    stream = CaptureStream(BytesIO(gzip.compress(bytes(50_000_000))))

    assert len(stream.read(1000)) == 1000
    assert len(stream._input) < 100_000
    assert len(drain(stream)) == 50_000_000 - 1000


def test_nothing_is_read_after_damage():
    stream = CaptureStream(BytesIO(gzip.compress(b"x" * 100)[:-9]))
    drain(stream)

    assert stream.read(10) == b""
    assert stream.read(10) == b""
