from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from falco.errors import SourceError
from falco_syscall.capture.builder import CaptureBuilder
from falco_syscall.source import Engine, SyscallSource


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    builder = CaptureBuilder().process(10, "sh")
    for _ in range(3000):
        builder.event("close", 10, res=0, fd=3)
    path = tmp_path / "t.scap"
    builder.write(path)
    return path


def test_a_capture_is_handed_out_in_batches(capture: Path) -> None:
    source = SyscallSource(Engine("replay"), str(capture))

    batches = list(source.batches())
    assert sum(len(batch) for batch in batches) == 3000
    assert source.counters() == {}


def test_a_closed_source_ends_at_its_next_resume(capture: Path) -> None:
    source = SyscallSource(Engine("replay"), str(capture))
    batches = source.batches()
    next(batches)
    source.close()

    assert list(batches) == []


def test_what_is_whole_of_a_damaged_capture_is_handed_out_first(capture: Path, tmp_path: Path) -> None:
    content = capture.read_bytes()
    content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    cut = tmp_path / "cut.scap"
    cut.write_bytes(content[:-10])
    source = SyscallSource(Engine("replay"), str(cut))
    seen = 0

    with pytest.raises(SourceError, match=r"cut\.scap"):
        for batch in source.batches():
            seen += len(batch)
    assert seen == 2999


def test_a_missing_capture_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"cannot open capture .*none\.scap: No such file"):
        list(SyscallSource(Engine("replay"), str(tmp_path / "none.scap")).batches())


def test_live_capture_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(SourceError, match=r"engine\.kind 'modern_ebpf' needs live capture.*engine\.kind: nodriver"):
        list(SyscallSource(Engine("modern_ebpf"), "").batches())


def test_nothing_said_is_the_live_capture_of_the_default_and_not_a_capture_without_a_name() -> None:
    with pytest.raises(SourceError, match=r"engine\.kind 'kmod' needs live capture.*engine\.kind: nodriver"):
        list(SyscallSource(Engine(), "").batches())


def test_a_capture_that_is_named_needs_no_kind(capture: Path) -> None:
    assert sum(len(batch) for batch in SyscallSource(Engine(), str(capture)).batches()) == 3000
