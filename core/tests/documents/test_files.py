import os
import sys
import threading
from pathlib import Path

import pytest

from falco.documents.files import read_bytes

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


def test_a_file_is_read(tmp_path):
    (tmp_path / "f").write_bytes(b"a: b\n")

    assert read_bytes(tmp_path / "f") == b"a: b\n"


def test_of_a_large_file_one_byte_more_than_the_limit_is_read(tmp_path):
    (tmp_path / "f").write_bytes(b"x" * 300_000)

    assert len(read_bytes(tmp_path / "f", limit=200_000)) == 200_001


@posix
def test_a_device_without_end_is_read_up_to_the_limit():
    assert len(read_bytes(Path("/dev/zero"), limit=100_000)) == 100_001


@posix
def test_a_pipe_that_is_written_is_read_to_its_end(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"x" * 200_000,))
    writer.start()
    found = read_bytes(tmp_path / "pipe", pipe_s=60)
    writer.join()

    assert found == b"x" * 200_000


@posix
def test_a_pipe_that_nobody_writes_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match="nothing has come from whoever should write it"):
        read_bytes(tmp_path / "pipe", pipe_s=0.05)


@posix
def test_a_pipe_that_is_not_closed_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    descriptor = os.open(tmp_path / "pipe", os.O_RDWR)
    try:
        os.write(descriptor, b"a: b\n")
        with pytest.raises(OSError, match="not all of it has come"):
            read_bytes(tmp_path / "pipe", pipe_s=0.05)
    finally:
        os.close(descriptor)


def test_what_cannot_be_opened_says_why(tmp_path):
    with pytest.raises(IsADirectoryError if sys.platform != "win32" else PermissionError):
        read_bytes(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "nowhere")
    with pytest.raises(OSError, match="a NUL character cannot stand in a name"):
        read_bytes(tmp_path / "a\0b")
