"""Chunks that another process has read and prepared are those that this one would have read."""

import errno
import gzip
import os
import random
import signal
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from falco.errors import SourceError
from falco.pipeline import evaluate
from falco_syscall.capture.chunks import ChunkReader
from falco_syscall.column_decoder import ColumnDecoder
from falco_syscall.replaying import ahead as reading_ahead
from falco_syscall.replaying.ahead import ReadAhead, is_worth_it
from falco_syscall.replaying.preparing import unheard
from falco_syscall.source import Engine, SyscallSource
from replay.equality import CONDITIONS, Awaited, ahead, columnar, dispatched, rule, told
from replay.streams import KINDS, Stream

RULES = tuple(rule(condition) for condition in CONDITIONS[1:])
OTHERS = (rule("evt.type in (open, openat)"), rule("evt.type = read"))


@pytest.fixture(scope="module")
def capture(tmp_path_factory):
    """Three streams of events one after the other: three sections, in chunks that begin and end anywhere."""
    path = tmp_path_factory.mktemp("ahead") / "streams.scap"
    path.write_bytes(b"".join(Stream(random.Random(seed), 60, KINDS).bytes() for seed in (1, 2, 3)))
    return path


@pytest.fixture
def source(capture, monkeypatch):
    """Of a capture that is long enough for a process of its own."""
    monkeypatch.setattr(reading_ahead, "_PLAIN_BYTES", 0)
    monkeypatch.setattr(reading_ahead.os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(reading_ahead, "ReadAhead", partial(Awaited, chunk_bytes=700))
    found = SyscallSource(Engine("replay"), str(capture))
    found.said = []
    found.report = found.said.append
    return found


def alerts(source, rules=RULES):
    decoder, ruleset = ColumnDecoder(), dispatched(rules)
    source.focus(ruleset)
    return [told(alert) for batch in source.batches() for alert in evaluate(decoder, batch, ruleset)]


def begun(source):
    """Its process, which has taken over, and the batches that are still to come."""
    source.open()
    source.focus(dispatched(RULES))
    process, batches = source._ahead._process, source.batches()
    for _ in range(3):
        next(batches)
    return process, batches


@pytest.mark.parametrize("chunk_bytes", [700, 1 << 20])
@pytest.mark.parametrize("packed", [False, True])
def test_rules_find_the_same(capture, tmp_path, packed, chunk_bytes):
    path = capture
    if packed:
        path = tmp_path / "streams.scap.gz"
        path.write_bytes(gzip.compress(capture.read_bytes()))

    found, count, known = ahead(path, RULES, chunk_bytes)

    assert found
    assert (found, count, known) == columnar(capture, RULES, chunk_bytes)


def test_a_cut_capture_ends_in_the_same_words(capture, tmp_path):
    cut = tmp_path / "cut.scap"
    cut.write_bytes(capture.read_bytes()[:-7])

    found = ahead(cut, RULES, 700)

    assert "truncated" in found[0][-1]
    assert found == columnar(cut, RULES, 700)


def test_what_was_left_out_is_told(capture, tmp_path):
    odd = tmp_path / "odd.scap"
    content = capture.read_bytes()
    unknown = bytes.fromhex("99090000100000000000000010000000")  # a block of a type that nobody knows
    odd.write_bytes(content + unknown)
    reader = ChunkReader(odd)
    assert [*reader]

    with odd.open("rb") as file, closing(Awaited(file, chunk_bytes=700)) as other:
        assert [*other.prepared(reading_wants())]

    assert reader.problem_count == other.reader.problem_count == 1
    assert reader.problems == other.reader.problems


def reading_wants():
    from falco_syscall.replaying.interest import interest_of

    return interest_of(dispatched(RULES)).wants


def test_rules_that_change_meanwhile_are_in_force_from_the_next_chunk_on(capture):
    def run(batches):
        decoder, found = ColumnDecoder(), []
        for index, batch in enumerate(batches):
            found += map(told, evaluate(decoder, batch, dispatched(OTHERS if index > 1 else RULES)))
        return found

    with capture.open("rb") as file, closing(Awaited(file, chunk_bytes=2000)) as reader:
        found = run(reader.prepared(reading_wants()))

    assert {name for _, name, *_ in found} >= {other.name for other in OTHERS}
    assert found == run(ChunkReader(capture, chunk_bytes=2000))


def test_a_long_capture_is_read_by_a_process_of_its_own(source, capture):
    source.open()
    process = source._ahead._process

    found = alerts(source)

    assert found == columnar(capture, RULES, 700)[0]
    assert source.said == []
    assert process.poll() == 0
    assert source.bytes_read == 0  # it is closed


def test_a_process_that_cannot_start_leaves_the_work_to_this_one(source, capture, monkeypatch):
    monkeypatch.setattr(reading_ahead, "_PROGRAM", "falco_syscall.no_such_module")

    found = alerts(source)

    assert found == columnar(capture, RULES, 700)[0]
    assert source.said == []


@pytest.mark.parametrize("refused", ["subprocess.Popen", "os.memfd_create"])
def test_a_system_that_refuses_a_process_or_memory_leaves_the_work_to_this_one(source, capture, monkeypatch, refused):
    def refuse(*args, **options):
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    where, name = refused.split(".")
    monkeypatch.setattr(getattr(reading_ahead, where), name, refuse)

    found = alerts(source)

    assert found == columnar(capture, RULES, 700)[0]
    assert source.said == []


def test_the_process_imports_nothing_from_where_the_capture_is_examined(source, capture, tmp_path, monkeypatch):
    for name in ("numpy", "struct", "falco_syscall"):
        (tmp_path / f"{name}.py").write_text("open('imported', 'w').close()\n")
    monkeypatch.chdir(tmp_path)

    source.open()
    process = source._ahead._process

    assert alerts(source) == columnar(capture, RULES, 700)[0]
    assert process.poll() == 0
    assert not (tmp_path / "imported").exists()


def test_a_chunk_is_handed_over_without_what_waits_for_later_ones(capture):
    with capture.open("rb") as file, closing(Awaited(file, chunk_bytes=700)) as reader:
        *_, received = reader.prepared(reading_wants())

    assert received.columns.say is unheard


def test_a_process_that_is_late_is_not_waited_for(capture):
    class Late(ReadAhead):
        def _is_waiting(self):
            return False

    with capture.open("rb") as file, closing(Late(file, chunk_bytes=700)) as reader:
        assert sum(len(chunk.numbered) for chunk in reader.prepared(reading_wants()))
        assert reader._process.poll() is None


def test_a_process_that_is_killed_is_an_error_and_not_an_end(source):
    process, batches = begun(source)
    process.kill()

    with pytest.raises(SourceError, match="the process that reads it has ended: signal 9"):
        list(batches)


def test_signals_to_both_processes_leave_the_end_to_the_other_one(source):
    process, batches = begun(source)
    process.terminate()
    process.send_signal(signal.SIGINT)

    assert [*batches]
    assert process.poll() == 0


def test_closing_waits_for_no_process_that_is_held(source, capture, monkeypatch):
    monkeypatch.setattr(reading_ahead, "_GRACE_S", 0.1)
    process, batches = begun(source)
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    closing_later = threading.Timer(0.5, source.close)
    closing_later.start()

    assert len([*batches]) < len([*ChunkReader(capture, chunk_bytes=700)])

    closing_later.join()
    assert process.poll() == -signal.SIGKILL


def test_closing_ends_the_process(source):
    process, batches = begun(source)
    source.close()

    assert list(batches) == []
    assert process.poll() is not None


def test_the_process_holds_nobody_who_reads_the_output_of_this_one(source):
    source.open()
    with source._file, closing(source._ahead):
        theirs = Path(f"/proc/{source._ahead._process.pid}/fd/1")
        assert theirs.samefile(os.devnull)


def test_without_rules_nothing_can_be_prepared_and_chunks_come_as_they_are(source, capture):
    assert sum(map(len, source.batches())) == sum(map(len, ChunkReader(capture)))


def test_short_captures_pipes_and_machines_with_one_processor_get_no_process(source, capture, monkeypatch):
    with capture.open("rb") as file:
        assert is_worth_it(file)
        monkeypatch.setattr(reading_ahead.os, "sched_getaffinity", lambda process: {0})
        assert not is_worth_it(file)
        monkeypatch.setattr(reading_ahead.os, "sched_getaffinity", lambda process: {0, 1})
        monkeypatch.setattr(reading_ahead, "_PLAIN_BYTES", capture.stat().st_size + 1)
        assert not is_worth_it(file)
    read, write = reading_ahead.os.pipe()
    with open(read, "rb") as pipe, open(write, "wb"):
        assert not is_worth_it(pipe)
