"""Captures that end anywhere or have any bit wrong: never worse than an error that says where."""

from __future__ import annotations

import gzip
import os
import random
from io import BytesIO

import pytest

from falco_syscall.capture import CaptureError, CaptureEvent, CaptureReader, Metadata
from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.capture.chunks import ChunkReader
from falco_syscall.capture.metadata import Comment

FLIPS = int(os.environ.get("FALCO_CAPTURE_FLIPS", "3000"))


def small(schema: str) -> bytes:
    builder = (
        CaptureBuilder(schema=schema)  # type: ignore[arg-type]
        .process(10, "sh", exe="/bin/sh", args=["-c", "x"], env=["A=1"], cgroups=["cpu=/x"])
        .file(10, 0, "/dev/null")
        .socket(10, 1, ("192.0.2.1", 1), ("192.0.2.2", 2))
        .socket(10, 2, ("::1", 80))
        .user(0, "root")
        .group(0, "root")
        .interface("lo", "127.0.0.1")
        .event("openat", 10, fd=3, dirfd="AT_FDCWD", name="/etc/shadow", flags="O_RDONLY")
        .event("read", 10, res=3, fd=3, data=b"abc", size=3)
        .event("container", 10, json="{}")
        .event("close", 10, fd=3, comments=["the end"])
        .event("execve", 10, exe="/bin/cat")
    )
    return builder.to_bytes()


CAPTURES = [small("current"), small("old"), small("current") * 2]


def read(data: bytes) -> tuple[list[Metadata | CaptureEvent], str | None]:
    items: list[Metadata | CaptureEvent] = []
    try:
        items.extend(CaptureReader(BytesIO(data)))
    except CaptureError as error:
        return items, str(error)
    return items, None


@pytest.mark.parametrize("data", CAPTURES)
def test_a_capture_cut_at_any_byte_gives_what_is_whole_and_says_that_it_is_cut(data: bytes):
    whole, error = read(data)
    assert error is None
    ends = [i for i in range(len(data)) if not i or data[i : i + 4] in KINDS]
    counts = []
    for cut in range(len(data)):
        items, error = read(data[:cut])
        assert items == whole[: len(items)]
        counts.append(len(items))
        if error is None:
            assert cut in ends
        else:
            assert "truncated" in error or "no events" in error or "not a capture" in error
    assert counts == sorted(counts)


KINDS = {(0x216).to_bytes(4, "little"), (0x221).to_bytes(4, "little"), (0x0A0D0D0A).to_bytes(4, "little")}


def test_a_compressed_capture_cut_at_any_byte_gives_a_beginning():
    whole, _ = read(CAPTURES[0])
    packed = gzip.compress(CAPTURES[0])
    for cut in range(len(packed)):
        items, error = read(packed[:cut])
        assert items == whole[: len(items)]
        assert error is not None


def flipped(data: bytes, dice: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 5))):
        damaged[dice.randrange(len(damaged))] ^= 1 << dice.randrange(8)
    if dice.random() < 0.1:
        del damaged[dice.randrange(len(damaged)) :]
    return bytes(damaged)


@pytest.mark.timeout(0)
def test_a_capture_with_wrong_bits_is_read_or_refused_and_by_both_readers_alike():
    dice = random.Random(FLIPS)
    packed = [gzip.compress(data) for data in CAPTURES]
    for _ in range(FLIPS):
        data = flipped(dice.choice(CAPTURES if dice.random() < 0.8 else packed), dice)
        items, error = read(data)

        assert [i.num for i in items if isinstance(i, CaptureEvent)] == list(
            range(1, sum(isinstance(i, CaptureEvent) for i in items) + 1)
        )
        chunks = ChunkReader(BytesIO(data), chunk_bytes=dice.choice((64, 1000, 1 << 20)))
        said: list[Metadata] = []
        chunk_error = None
        try:
            for chunk in chunks:
                said += chunk.metadata
                for index in range(len(chunk)):
                    chunk.event(index)
        except CaptureError as caught:
            chunk_error = str(caught)
        assert chunk_error == error
        assert [m for m in said if not isinstance(m, Comment)] == [
            i for i in items if not isinstance(i, CaptureEvent | Comment)
        ]
