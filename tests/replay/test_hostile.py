"""Captures that were made to harm: memory stays bounded, what is not kept is counted, both decoders do the same."""

import gzip
import re
import struct

import numpy as np
import pytest
from recorded.command import falco

from falco_syscall.capture import CaptureEvent
from falco_syscall.capture.builder import START_NS, CaptureBuilder, event_named
from falco_syscall.capture.values import default
from falco_syscall.capture.writer import item_block
from falco_syscall.state import machine, tables, threads
from replay.equality import columnar, plain, rule
from replay.streams import head

RULES = [
    rule("evt.type in (open, openat, execve)"),
    rule(
        "evt.type = read",
        "%evt.num %evt.deltatime %evt.reltime %proc.duration %thread.exectime %fd.name %proc.aname[3]",
    ),
]
SCANNED = """
- rule: Opened
  desc: d
  condition: evt.type = openat
  output: opened %fd.name
  priority: INFO
"""


def same(capture):
    """What both decoders find, in chunks of any size."""
    data = capture if isinstance(capture, bytes) else capture.to_bytes()
    found = plain(data, RULES)
    for chunk_bytes in (300, 1 << 20):
        assert columnar(data, RULES, chunk_bytes) == found
    return found


@pytest.fixture
def scan(tmp_path):
    """``scan(data)``: exit code, alerts and messages of a scan."""

    def run(data):
        if data is not None:
            (tmp_path / "c.scap").write_bytes(data)
        (tmp_path / "r.yaml").write_text(SCANNED)
        ran = falco(["scan", "-r", "r.yaml", "c.scap"], tmp_path)
        return ran.code, re.findall(r"opened (\S+)", ran.stdout), ran.stderr

    return run


def story():
    capture = CaptureBuilder().process(10, "sh")
    for number in range(4):
        capture.event("openat", 10, fd=number, dirfd="AT_FDCWD", name=f"/etc/{number}", flags="O_RDONLY")
    return capture


def many_threads(count, call):
    """An event of each of *count* threads that nobody has seen."""
    info, tid = event_named(call), struct.pack("<q", 0x1234567)
    block = item_block(
        CaptureEvent(0, START_NS, 0x1234567, 0, info.code, [default(p) for p in info.params], False, 0), ()
    )
    at = block.index(tid)
    blocks = np.frombuffer(block * count, np.uint8).reshape(count, len(block)).copy()
    blocks[:, at : at + 8] = np.arange(100, 100 + count, dtype="<i8").view(np.uint8).reshape(count, 8)
    return head() + blocks.tobytes()


def test_of_a_million_threads_those_beyond_the_limit_are_counted(scan):
    code, _, said = scan(many_threads(1_000_000, "futex"))

    assert code == 0
    beyond = 1_000_000 + 2 - threads.MOST_THREADS
    assert f"c.scap: threads beyond the limit: {beyond}\n" in said


def test_both_decoders_keep_the_same_threads(monkeypatch):
    monkeypatch.setattr(machine, "MOST_THREADS", 50)

    assert len(same(many_threads(200, "futex"))[2]) == 50
    assert len(same(many_threads(200, "setuid"))[2]) == 50


def test_descriptors_that_are_never_closed_are_counted_beyond_the_limit_even_of_threads_that_are_gone(scan):
    capture = CaptureBuilder().process(10, "sh")
    for number in range(tables.MOST_DESCRIPTORS + 100):
        capture.event("openat", 10, fd=number, dirfd="AT_FDCWD", name="/x", flags="O_RDONLY")
    capture.event("procexit", 10).event("futex", 11)
    data = capture.to_bytes()

    code, alerts, said = scan(data * 2)

    assert (code, len(alerts)) == (1, 2 * (tables.MOST_DESCRIPTORS + 100))
    assert "descriptors beyond the limit: 200\n" in said


def test_forks_of_a_process_with_many_descriptors_do_not_fill_the_memory(monkeypatch, scan):
    monkeypatch.setattr(threads, "MOST_COPIES", 500)
    capture = CaptureBuilder().process(10, "sh", fdlimit=9999)
    for number in range(100):
        capture.event("open", 10, fd=number, name="/x", flags="O_RDONLY")
    for child in range(1000, 1020):
        about = {"tid": 10, "pid": 10, "ptid": 1, "vtid": 10, "vpid": 10, "exe": "sh", "comm": "sh"}
        capture.event("clone", 10, res=child, **about)
    capture.event("open", 1019, fd=0, name="/y", flags="O_RDONLY")
    capture.event("close", 1001, res=0, fd=1)

    state = same(capture)[2]
    # What was opened, and no more copies than the limit; a child that got none still has what it opens itself.
    assert sum(len(descriptors) for *_, descriptors in state.values()) <= 101 + 500
    assert len(state[1019][-1]) == 1
    assert re.search(r"descriptors that forked processes did not get: 1[0-9]00\n", scan(capture.to_bytes())[2])


def test_processes_that_come_and_go_are_not_taken_for_ones_that_stay(monkeypatch):
    monkeypatch.setattr(threads, "MOST_COPIES", 500)
    capture = CaptureBuilder().process(10, "sh", fdlimit=9999)
    for number in range(100):
        capture.event("open", 10, fd=number, name="/x", flags="O_RDONLY")
    for child in range(1000, 1100):
        about = {"tid": 10, "pid": 10, "ptid": 1, "vtid": 10, "vpid": 10, "exe": "sh", "comm": "sh"}
        capture.event("clone", 10, res=child, **about)
        capture.event("read", child, res=1, fd=7, data=b"x", size=1)
        capture.event("procexit", child)

    reads = [values for _, name, _, values in same(capture)[0] if "read" in name]
    assert len(reads) == 100
    assert all("/x" in values for values in reads)


def test_parents_in_a_circle_end_somewhere():
    capture = CaptureBuilder().process(10, "a", ptid=12).process(11, "b", ptid=10).process(12, "c", ptid=11)
    for tid in (10, 11, 12):
        capture.event("execve", tid, res=0, exe="x", comm="x").event("read", tid, res=1, fd=0, data=b"x", size=1)
    for tid in (10, 11, 12):
        capture.event("procexit", tid, reaper_tid=11)
        capture.event("read", 12, res=1, fd=0, data=b"x", size=1)

    alerts, count, _ = same(capture)
    assert (len(alerts), count) == (9, 12)


def test_a_clock_that_goes_back_harms_nothing():
    capture = CaptureBuilder().process(10, "sh")
    for at_ns in (START_NS, START_NS - 5, 0, 1, START_NS + 5, (1 << 64) - 1, START_NS):
        capture.event("read", 10, at_ns=at_ns, res=1, fd=0, data=b"x", size=1)
        capture.event("execve", 10, at_ns=at_ns, res=0, exe="x", comm="x")

    alerts, count, _ = same(capture)
    assert (len(alerts), count) == (14, 14)


def test_enter_events_without_exits_and_exits_without_enters_are_counted():
    info = CaptureBuilder(schema="old").process(10, "sh").event("close", 10, res=0, fd=3)
    whole = info.to_bytes()
    enter, leave = (whole[at:] for at in _event_blocks(whole))
    enter = enter[: len(enter) - len(leave)]
    begin = whole[: len(whole) - len(enter) - len(leave)]

    assert same(begin + enter * 1000)[1] == 0
    assert same(begin + enter + leave)[1] == 1
    alerts, count, _ = same(begin + enter * 3 + leave * 3)
    assert (alerts, count) == ([], 3)


def _event_blocks(data):
    at, found = 0, []
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind in {0x204, 0x216}:
            found.append(at)
        at += size
    return found


def test_events_of_unknown_kinds_are_counted_and_those_around_them_evaluated(scan):
    data = story().to_bytes()
    second = _event_blocks(data)[1]
    code_at = data.index(struct.pack("<HI", event_named("openat").code, 7), second)
    newer = data[:code_at] + struct.pack("<H", 60_000) + data[code_at + 2 :]

    assert same(newer)[1] == 3
    code, alerts, said = scan(newer)
    assert (code, alerts) == (1, ["/etc/0", "/etc/2", "/etc/3"])
    assert "events of a newer kernel driver: 1\n" in said


def test_a_length_that_leads_beyond_the_end_is_told_with_its_place(scan):
    data = story().to_bytes()
    third = _event_blocks(data)[2]
    wrong = data[: third + 4] + struct.pack("<I", 5000) + data[third + 8 :]

    same(wrong)
    code, alerts, said = scan(wrong)
    assert (code, alerts) == (2, ["/etc/0", "/etc/1"])
    assert f"(at byte {third})" in said


def test_a_length_inside_an_event_that_is_wrong_costs_that_event_only(scan):
    data = bytearray(story().to_bytes())
    first = _event_blocks(data)[0]
    data[data.index(struct.pack("<HI", event_named("openat").code, 7), first) + 6] = 200

    same(bytes(data))
    code, alerts, said = scan(bytes(data))
    assert (code, alerts) == (1, ["/etc/1", "/etc/2", "/etc/3"])
    assert "blocks of the capture left out: 1\n" in said
    assert str(first) in said


def test_a_block_that_claims_two_gigabytes_of_a_sparse_file_is_refused_after_what_was_readable(scan, tmp_path):
    data = story().to_bytes()
    with (tmp_path / "c.scap").open("wb") as file:
        file.write(data + struct.pack("<II", 0x216, 1 << 31))
        file.truncate(len(data) + (1 << 31))

    code, alerts, said = scan(None)
    assert (code, len(alerts)) == (2, 4)
    assert f"(at byte {len(data)})" in said


def test_a_compressed_capture_that_was_cut_is_evaluated_up_to_there(scan):
    capture = story()
    for number in range(5000):
        capture.event("read", 10, res=1, fd=number, data=bytes([number % 251]), size=number)
    packed = gzip.compress(capture.to_bytes())

    code, alerts, said = scan(packed[: len(packed) // 2])
    assert (code, len(alerts)) == (2, 4)
    assert re.search(r"gzip data ends before its end mark.*\(at byte \d+\)", said)


def test_the_damaged_captures_of_the_oracle_are_the_same_to_both_decoders(oracle):
    found = sorted((oracle / "syscall" / "scapfmt" / "files").iterdir())
    assert found
    for path in found:
        for chunk_bytes in (300, 1 << 20):
            assert columnar(path, RULES, chunk_bytes) == plain(path, RULES), path.name
