"""The process that `ahead` starts: reads a capture and prepares its chunks for a ruleset."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import BinaryIO

from falco_syscall.capture import CaptureError
from falco_syscall.capture.chunks import ChunkReader
from falco_syscall.replaying.ahead import Ending
from falco_syscall.replaying.preparing import Preparer
from falco_syscall.replaying.slots import SLOTS, Slots


def serve(file: BinaryIO, slots: Slots, pipe: Connection, chunk_bytes: int) -> None:
    """Read *file* to its end, and hand over what is prepared, as long as slots are free."""
    try:
        reader = ChunkReader(file, chunk_bytes=chunk_bytes)
        error = _hand_over(reader, slots, pipe)
    except OSError as fault:
        pipe.send(Ending(fault.strerror or str(fault)))
        return
    pipe.send(Ending(error, reader.problems, reader.problem_count, reader.unknown_events))


def _hand_over(reader: ChunkReader, slots: Slots, pipe: Connection) -> str | None:
    wants, preparer, free = pipe.recv(), Preparer(), list(range(SLOTS))
    try:
        for chunk in reader:
            prepared = preparer.prepare(chunk, wants)
            while not free or pipe.poll():
                free.append(pipe.recv())
            data, chunk.data = chunk.data, b""
            parcel = slots.put(free.pop(), prepared, data)
            pipe.send(parcel)
    except CaptureError as fault:
        return str(fault)
    return None


def main() -> None:
    """Take from the command line the descriptors of the file, the memory and the pipe, and the size of chunks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal tells both processes; the other one ends this one
    file, memory, pipe, chunk_bytes = map(int, sys.argv[1:])
    with suppress(EOFError, ConnectionError), Connection(pipe) as connection, os.fdopen(file, "rb") as capture:
        serve(capture, Slots(memory), connection, chunk_bytes)


if __name__ == "__main__":
    main()
