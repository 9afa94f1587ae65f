"""Lines of any length pass in bounded memory, and every line comes out once."""

import gzip
import io
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from falco_k8s_audit.lines import LineBuffer, LineReader

_LINES = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=20)


def cut(line, limit):
    return line[: limit + 1]


def read_all(data, limit, start=0, stop=None, buffer=8192):
    file = io.BytesIO(data)
    file.seek(start)
    reader = LineReader(file, limit, start, stop)
    return io.BufferedReader(reader, buffer).readlines(), reader


@given(_LINES, st.integers(0, 12), st.sampled_from([1, 2, 7, 64]), st.booleans())
def test_lines_beyond_the_limit_are_cut_and_no_other(lines, limit, buffer, ends):
    data = b"\n".join(lines) + (b"\n" if ends and lines else b"")
    expected = [cut(line, limit) for line in data.split(b"\n")]
    if expected[-1] == b"":
        expected.pop()

    found, reader = read_all(data, limit, buffer=buffer)

    assert [line.removesuffix(b"\n") for line in found] == expected
    assert sum(map(len, found)) + sum(reader.excesses) <= len(data)


@given(_LINES, st.integers(1, 12), st.lists(st.integers(1, 9), min_size=1))
def test_blocks_of_any_size_give_the_same_lines(lines, limit, sizes):
    data = b"".join(line + b"\n" for line in lines) + b"rest"
    buffer, found, at = LineBuffer(limit), [], 0
    while at < len(data):
        for size in sizes:
            found += buffer.feed(data[at : at + size])
            at += size

    assert [line.removesuffix(b"\n") for line in found] == [cut(line, limit) for line in lines]
    assert buffer.finish() == [cut(b"rest", limit)]
    assert buffer.feed(b"next\n") == [cut(b"next", limit) + b"\n"]


@given(_LINES, st.integers(1, 8), st.integers(1, 64))
def test_parts_cover_each_line_once(lines, parts, buffer):
    data = b"\n".join(lines)
    edges = [len(data) * i // parts for i in range(parts + 1)]
    found = []
    for start, stop in pairwise(edges):
        begin = 0 if not start else data.find(b"\n", start - 1) + 1 or len(data)
        found += read_all(data, 1000, begin, stop, buffer)[0]

    assert b"".join(found) == data


def test_an_endless_line_takes_no_more_memory_than_the_limit():
    class Endless:
        left = 50 << 20

        def readinto(self, buffer):
            count = min(len(buffer), self.left)
            buffer[:count] = b"x" * count
            self.left -= count
            return count

    buffered = io.BufferedReader(LineReader(Endless(), 1 << 20), 1 << 17)
    tracemalloc.start()
    try:
        lines = buffered.readlines(1 << 18)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [len(line) for line in lines] == [(1 << 20) + 1]
    assert peak < 6 << 20


def test_a_damaged_input_delivers_what_came_before_and_says_why_it_ended():
    packed = gzip.compress(b"".join(b"%d\n" % i for i in range(100_000)))
    reader = LineReader(gzip.GzipFile(fileobj=io.BytesIO(packed[: len(packed) // 2])), 100)
    lines = io.BufferedReader(reader).readlines()

    assert lines[:2] == [b"0\n", b"1\n"]
    assert len(lines) > 1000
    assert isinstance(reader.error, EOFError)


@pytest.mark.parametrize("line", [b"a\rb\n", b"a\x0bb\n", b"a\x85b\n", b"a\xe2\x80\xa8b\n"])
def test_only_a_line_feed_ends_a_line(line):
    assert LineBuffer(100).feed(line) == [line]
    assert read_all(line, 1)[0] == [line[:2] + b"\n"]
