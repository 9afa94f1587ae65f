"""Standard input comes out as it goes in, and does not hold up stop and reload."""

import gzip
import io
import os

import pytest

from falco_k8s_audit.config import Config
from falco_k8s_audit.records import Limits
from falco_k8s_audit.refusals import Refusals
from falco_k8s_audit.source import AuditSource
from falco_k8s_audit.stdin import StdinTransport


def read(stream, sentences=None, limits=None):
    sentences = [] if sentences is None else sentences
    return StdinTransport(limits or Limits(), Refusals(sentences.append), stream)


def test_lines_come_out_as_they_come():
    reading, writing = os.pipe()
    with open(reading, "rb") as stream:
        transport = read(stream)
        batches = transport.batches()
        os.write(writing, b'{"a":1}\n{"b":')
        first = next(batches)
        os.write(writing, b"2}\n")
        second = next(batches)
        idle = next(batches)
        os.write(writing, b'{"c":3}')
        os.close(writing)
        rest = [record for batch in batches for record in batch]

    assert (list(first), list(second), list(idle), rest) == ([b'{"a":1}\n'], [b'{"b":2}\n'], [], [b'{"c":3}'])
    assert second.where(0) == "standard input:2"


def test_documents_over_several_lines_come_out_whole():
    data = b'{\n "a": [\n  1\n ]\n}\n'

    assert [r for batch in read(io.BytesIO(data * 2)).batches() for r in batch] == [data, data]


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_gzip_is_undone_however_it_comes(step):
    class Dribbling(io.BytesIO):
        def read1(self, size):
            return super().read1(min(size, step))

    packed = gzip.compress(b'{"a":1}\n') + gzip.compress(b'{"b":2}\n')

    assert [r for batch in read(Dribbling(packed)).batches() for r in batch] == [b'{"a":1}\n', b'{"b":2}\n']


@pytest.mark.parametrize("keep", [-4, -30])
def test_what_was_packed_before_the_damage_comes_out_and_the_damage_is_said(keep):
    lines = [b'{"n":%d}\n' % i for i in range(20_000)]
    sentences = []
    found = [r for batch in read(io.BytesIO(gzip.compress(b"".join(lines))[:keep]), sentences).batches() for r in batch]

    assert found[:19_000] == lines[:19_000]
    assert sentences[-1].startswith("standard input: cannot be read to its end: Compressed file ended before")


def test_an_error_of_reading_is_reported_and_ends_the_input():
    class Broken(io.BytesIO):
        def read1(self, size):
            raise OSError(5, "Input/output error")

    sentences = []
    found = [record for batch in read(Broken(), sentences).batches() for record in batch]

    assert found == []
    assert sentences == ["standard input: cannot be read: [Errno 5] Input/output error"]


def test_close_ends_an_input_that_waits():
    reading, writing = os.pipe()
    with open(reading, "rb") as stream:
        transport = read(stream)
        batches = transport.batches()
        next(batches)
        transport.close()

        assert list(batches) == []
        os.close(writing)


def test_the_path_dash_is_standard_input(monkeypatch, tmp_path):
    (tmp_path / "events").write_bytes(b'{"a":1}\n')
    with (tmp_path / "events").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        source = AuditSource(Config(), "-")

        assert [record for batch in source.batches() for record in batch] == [b'{"a":1}\n']


@pytest.mark.parametrize("size", [99, 100, 101, 1000])
def test_lines_beyond_the_limit_are_cut(size):
    found = [r for batch in read(io.BytesIO(b"x" * size + b"\n{}\n"), limits=Limits(100, 100)).batches() for r in batch]

    assert found == [b"x" * min(size, 101) + b"\n", b"{}\n"]
