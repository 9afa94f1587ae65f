"""Files that a person names, read without waiting for ever or for more than there is room for."""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import time
from typing import TYPE_CHECKING, Final

from falco.documents.reader import MAX_BYTES

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK: Final = 1 << 16
PIPE_S: Final = 5.0
"""Seconds in which a pipe must have been written and closed; ``falco -c <(…)`` does it in no time."""


def read_bytes(path: Path, *, limit: int = MAX_BYTES, pipe_s: float = PIPE_S) -> bytes:
    """What is in the file *path*, or one byte more than *limit* where that is more.

    Pipes and devices may stand for a file.

    Raises:
        OSError: It cannot be read, or is a pipe or terminal from which not all comes within *pipe_s* seconds;
            ``strerror`` is a sentence for a person.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "a NUL character cannot stand in a name")
    if sys.platform == "win32":
        with path.open("rb") as file:
            return file.read(limit + 1)
    else:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return _read(descriptor, limit + 1, time.monotonic() + pipe_s)
        finally:
            os.close(descriptor)


def _read(descriptor: int, size: int, deadline_s: float) -> bytes:
    """Up to *size* bytes of an open file that does not block."""
    blocks: list[bytes] = []
    is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
    while size > 0:
        if not is_file and not select.select((descriptor,), (), (), max(0.0, deadline_s - time.monotonic()))[0]:
            what = "not all of it has come" if blocks else "nothing has come"
            raise OSError(errno.ETIMEDOUT, f"it is no file, and {what} from whoever should write it")
        block = os.read(descriptor, min(size, _BLOCK))
        if not block:
            break
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)
