"""What is appended to a file comes out once, whatever rotates it."""

import os
import threading
import time

import pytest

from falco.testing.sources import SourceContract
from falco_k8s_audit.config import Config
from falco_k8s_audit.records import Limits
from falco_k8s_audit.refusals import Refusals
from falco_k8s_audit.source import AuditSource
from falco_k8s_audit.tail import TailTransport

_PATIENCE_S = 20.0


def line(name):
    return b'{"auditID":"%s"}\n' % name.encode()


class Follower:
    """A tail on a thread of its own; a poll is one step of the test, so nothing depends on time."""

    def __init__(self, path, limits=None):
        self.sentences = []
        self.tail = TailTransport(str(path), limits or Limits(), Refusals(self.sentences.append), poll_s=0)
        self.batches = self.tail.batches()
        self.found = []
        self.places = []

    def poll(self, times=1):
        """Take what there is, until nothing comes *times* five times in a row."""
        empty = 0
        while empty < 5 * times:
            batch = next(self.batches)
            self.found += [bytes(record) for record in batch]
            self.places += [batch.where(i) for i in range(len(batch))]
            empty = 0 if batch else empty + 1
        return self

    @property
    def names(self):
        return [record.split(b'"')[3].decode() if record.count(b'"') > 3 else record for record in self.found]


@pytest.fixture
def log(tmp_path):
    return tmp_path / "audit.log"


def append(path, *names, end=b""):
    with open(path, "ab") as file:
        file.write(b"".join(map(line, names)) + end)


def test_begins_at_the_end_and_follows(log):
    append(log, "old")
    follower = Follower(log).poll()
    append(log, "a", "b")
    follower.poll()
    append(log, "c")

    assert follower.poll().names == ["a", "b", "c"]


def test_a_line_comes_out_when_it_has_ended(log):
    append(log, "old", end=b'{"auditID":')
    follower = Follower(log).poll()
    append(log, end=b'"a"')
    assert follower.poll().names == []
    append(log, end=b"}\n")

    assert follower.poll().names == ["a"]


def test_a_file_that_appears_later_is_read_from_its_beginning(log):
    follower = Follower(log).poll(3)
    append(log, "a")

    assert follower.poll().names == ["a"]
    assert follower.sentences == []


def test_a_truncated_file_is_read_from_its_beginning(log):
    append(log, "old")
    follower = Follower(log).poll()
    append(log, "a", "b", "c")
    follower.poll()
    log.write_bytes(line("d"))

    assert follower.poll().names == ["a", "b", "c", "d"]


def test_a_truncated_file_that_grew_beyond_its_old_size_within_a_poll_is_noticed(log):
    append(log, "old")
    follower = Follower(log).poll()
    append(log, "a")
    follower.poll()
    log.write_bytes(b"".join(line(f"n{i}") for i in range(100)))

    assert follower.poll().names == ["a", *(f"n{i}" for i in range(100))]


def test_the_last_line_before_a_truncation_comes_out_although_it_never_ended(log):
    append(log, "old")
    follower = Follower(log).poll()
    append(log, "a", end=line("b").rstrip())
    follower.poll()
    log.write_bytes(line("c"))

    assert follower.poll().names == ["a", "b", "c"]


def test_copytruncate_repeats_nothing(log):
    append(log, "old")
    follower = Follower(log).poll()
    for round_ in range(3):
        append(log, f"a{round_}", f"b{round_}")
        follower.poll()
        log.with_name("audit.log.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)
        append(log, f"c{round_}")
        follower.poll()

    assert follower.names == [f"{name}{i}" for i in range(3) for name in "abc"]


def test_rotation_by_rename_loses_and_repeats_nothing(log):
    append(log, "old")
    follower = Follower(log).poll()
    append(log, "a", end=b'{"auditID":"b"')
    follower.poll()
    writer = open(log, "ab")
    log.rename(log.with_name("audit.log.1"))
    writer.write(b"}\n" + line("c"))
    writer.flush()
    append(log, "e")
    follower.poll()
    writer.write(line("d"))
    writer.close()
    follower.poll()
    append(log, "f")

    assert sorted(follower.poll().names) == ["a", "b", "c", "d", "e", "f"]
    assert [name for name in follower.names if name in "abcd"] == ["a", "b", "c", "d"]


def test_the_last_line_of_a_rotated_file_comes_out_although_it_never_ends(log):
    append(log, "old")
    follower = Follower(log).poll()
    append(log, "a", end=line("b").rstrip())
    log.rename(log.with_name("audit.log.1"))
    append(log, "c")

    assert sorted(follower.poll(40).names) == ["a", "b", "c"]


def test_two_rotations_within_a_poll_lose_nothing(log):
    append(log, "old")
    log.with_name("audit.log.9").write_bytes(line("ancient"))
    os.utime(log.with_name("audit.log.9"), (1, 1))
    follower = Follower(log).poll()
    append(log, "a")
    follower.poll()
    append(log, "b")
    log.rename(log.with_name("audit.log.2"))
    append(log, "c")
    log.rename(log.with_name("audit.log.1"))
    append(log, "d")

    assert follower.poll(2).names == ["a", "b", "c", "d"]


def test_many_rotations_lose_and_repeat_nothing(log):
    append(log, "old")
    follower = Follower(log).poll()
    expected = []
    for i in range(30):
        expected += [f"a{i}", f"b{i}"]
        append(log, f"a{i}")
        if i % 3:
            follower.poll()
        append(log, f"b{i}")
        for age in range(40, 0, -1):
            if (older := log.with_name(f"audit.log.{age}")).exists():
                older.rename(log.with_name(f"audit.log.{age + 1}"))
        log.rename(log.with_name("audit.log.1"))

    append(log, "end")

    assert sorted(follower.poll(3).names) == sorted([*expected, "end"])


def test_a_deleted_file_that_comes_back_is_read_from_its_beginning(log):
    append(log, "old")
    follower = Follower(log).poll()
    append(log, "a")
    log.unlink()
    follower.poll(2)
    append(log, "b")

    assert follower.poll(2).names == ["a", "b"]


def test_a_file_that_is_rotated_and_deleted_within_a_poll_loses_nothing(log):
    append(log, "old")
    follower = Follower(log).poll()
    append(log, "a")
    rotated = log.rename(log.with_suffix(".1"))
    append(rotated, "b")
    rotated.unlink()
    append(log, "c")

    assert follower.poll(3).names == ["a", "b", "c"]


def test_a_file_that_is_deleted_and_made_anew_within_a_poll_loses_nothing(log):
    append(log, "old")
    follower = Follower(log).poll()
    append(log, "a")
    log.unlink()
    append(log, "b")

    assert follower.poll(3).names == ["a", "b"]


def test_a_line_beyond_the_limit_is_cut_and_the_next_comes_out(log):
    append(log)
    follower = Follower(log, Limits(100, 100)).poll()
    append(log, end=b"x" * 1_000_000)
    follower.poll(5)
    append(log, end=b"x" * 1_000_000 + b"\n" + line("a"))
    follower.poll(5)

    assert follower.found == [b"x" * 101 + b"\n", line("a")]


def test_messages_name_the_line(log):
    append(log, "old")
    follower = Follower(log).poll()
    append(log, "a", "b")
    follower.poll()
    log.write_bytes(line("c"))
    start = len(line("old"))

    assert follower.poll().places == [
        f"{log}, from byte {start} on, line 1",
        f"{log}, from byte {start} on, line 2",
        f"{log}:1",
    ]


def test_a_path_that_cannot_be_opened_is_reported_once(tmp_path):
    (tmp_path / "audit.log").mkdir()
    follower = Follower(tmp_path / "audit.log").poll(5)

    assert len(follower.sentences) == 1
    assert "cannot be opened: Is a directory" in follower.sentences[0]


def test_close_wakes_a_tail_that_waits(log):
    tail = TailTransport(str(log), Limits(), Refusals(print), poll_s=3600)
    done = threading.Event()
    thread = threading.Thread(target=lambda: (list(tail.batches()), done.set()), daemon=True)
    thread.start()
    time.sleep(0.05)
    tail.close()

    assert done.wait(_PATIENCE_S)
    thread.join()


def test_the_scheme_file_is_a_tail(log):
    source = AuditSource(Config(), f"file://{log.parent}/audit%2elog")
    log.touch()
    batches = source.batches()
    next(batches)
    append(log, "a")
    found = [record for batch in (next(batches) for _ in range(3)) for record in batch]
    source.close()

    assert found == [line("a")]
    assert isinstance(source.transport, TailTransport)
    batches.close()


class TestContract(SourceContract):
    is_endless = True

    @pytest.fixture
    def make_source(self, log):
        log.touch()
        return lambda: AuditSource(Config(), f"file://{log}")
