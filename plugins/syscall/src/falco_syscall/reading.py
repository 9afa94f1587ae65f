"""The process that `ahead` starts: reads a capture and prepares its chunks for a ruleset."""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import BinaryIO

from falco_syscall.ahead import Ending
from falco_syscall.capture import CaptureError
from falco_syscall.capture.chunks import ChunkReader
from falco_syscall.preparing import Preparer
from falco_syscall.slots import SLOTS, Slots


def _serve(file: BinaryIO, slots: Slots, pipe: Connection, chunk_bytes: int) -> None:
    """Read *file*, hand over what is prepared."""
    wants, preparer, free = pipe.recv(), Preparer(), list(range(SLOTS))
    reader, error = ChunkReader(file, chunk_bytes=chunk_bytes), None
    try:
        for chunk in reader:
            prepared = preparer.prepare(chunk, wants)
            while pipe.poll(None if not free else 0):
                free.append(pipe.recv())
            data, chunk.data = chunk.data, b""
            parcel = slots.put(free[-1], prepared, data)
            pipe.send(parcel)
            if parcel.slot >= 0:
                free.remove(parcel.slot)
            prepared.columns.chunk.data = data
    except (CaptureError, OSError) as fault:
        error = str(fault)
    pipe.send(Ending(error, reader.problems, reader.problem_count, reader.unknown_events))


def main() -> None:
    """The process: descriptors of the file, of the memory and of the pipe, and the size of chunks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells both processes; the other one ends this one
    file, memory, pipe, chunk_bytes = map(int, sys.argv[1:])
    with suppress(EOFError, BrokenPipeError, ConnectionResetError), Connection(pipe) as connection:
        _serve(open(file, "rb"), Slots(memory), connection, chunk_bytes)


if __name__ == "__main__":
    main()
