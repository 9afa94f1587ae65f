import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from falco import OutputError
from falco.testing.outputs import OutputContract
from falco_outputs.lines import LineWriter
from falco_outputs.stdout import StdoutConfig, StdoutOutput


class TestStdout(OutputContract):
    @pytest.fixture
    def make_output(self, output_context):
        self.stream = output_context.stdout
        return lambda: StdoutOutput(StdoutConfig(), output_context)

    def delivered(self):
        return self.stream.getvalue().decode().split("\n")[:-1]


def channel(output_context, stream, *, is_buffered=False):
    return StdoutOutput(StdoutConfig(), replace(output_context, stdout=stream, is_buffered=is_buffered))


def test_a_line_is_there_as_soon_as_it_is_written(output_context):
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", buffering=0) as seen, os.fdopen(writer, "wb") as stream:
        output = channel(output_context, stream)
        output.open()
        output.write("one")

        assert seen.read(100) == b"one\n"


def test_buffered_lines_wait_for_the_flush(output_context):
    stream = io.BytesIO()
    output = channel(output_context, stream, is_buffered=True)
    output.write("one")

    assert stream.getvalue() == b""
    output.flush()
    assert stream.getvalue() == b"one\n"


def test_bytes_that_are_not_utf8_come_out_as_they_were(output_context):
    stream = io.BytesIO()
    channel(output_context, stream).write("a\udcffb")

    assert stream.getvalue() == b"a\xffb\n"


def test_nobody_reading_is_an_output_error(output_context):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb", buffering=0) as stream:
        output = channel(output_context, stream)
        with pytest.raises(OutputError, match="nobody reads it any more"):
            output.write("one")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("is_buffered", [False, True])
def test_a_full_disk_is_an_output_error_for_every_line_it_takes_not(output_context, is_buffered):
    with Path("/dev/full").open("wb", buffering=0) as stream:
        output = channel(output_context, stream, is_buffered=is_buffered)
        if is_buffered:
            output.write("x" * 40_000)
        for _ in range(2):
            with pytest.raises(OutputError, match="No space left on device"):
                output.write("x" * 40_000)


class Reluctant:
    """Takes a few bytes at a time, and nothing once it is full."""

    def __init__(self, step, room):
        self.step, self.room, self.taken = step, room, b""

    def write(self, data):
        if len(self.taken) >= self.room:
            raise OSError(28, "No space left on device")
        part = bytes(data[: min(self.step, self.room - len(self.taken))])
        self.taken += part
        return len(part)


def test_a_line_is_written_whole_however_little_is_taken_at_a_time():
    raw = Reluctant(2, 100)
    LineWriter(raw, is_buffered=False).write("a longer line")

    assert raw.taken == b"a longer line\n"


def test_after_half_a_line_the_next_one_starts_on_a_new_line():
    raw = Reluctant(5, 5)
    lines = LineWriter(raw, is_buffered=False)
    with pytest.raises(OSError, match="No space"):
        lines.write("a longer line")
    raw.room = 100
    lines.write("next")

    assert raw.taken == b"a lon\nnext\n"


def test_gathered_lines_stay_when_they_cannot_be_written():
    raw = Reluctant(100, 0)
    lines = LineWriter(raw, is_buffered=True)
    lines.write("one")
    with pytest.raises(OSError, match="No space"):
        lines.flush()
    raw.room = 100
    lines.flush()

    assert raw.taken == b"one\n"
