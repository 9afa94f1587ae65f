"""The process that `ahead` starts: reads the rest of a capture and prepares its chunks for a ruleset."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import BinaryIO

from falco_syscall.capture import CaptureError
from falco_syscall.capture.chunks import ChunkReader
from falco_syscall.replaying.ahead import Ending, Task
from falco_syscall.replaying.preparing import unheard
from falco_syscall.replaying.slots import SLOTS, Slots


def serve(file: BinaryIO, slots: Slots, pipe: Connection, chunk_bytes: int) -> None:
    """Wait for the task, then read *file* to its end and hand over what is prepared, as long as slots are free."""
    pipe.send(None)
    task: Task = pipe.recv()
    file.seek(0)
    reader = ChunkReader(file, chunk_bytes=chunk_bytes)
    error, free = None, list(range(SLOTS))
    try:
        reader.resume(task.progress)
        for chunk in reader:
            prepared = task.preparer.prepare(chunk, task.wants)
            prepared.columns.say = unheard  # whoever takes it listens; the converter stays here with all that it keeps
            while not free or pipe.poll():
                free.append(pipe.recv())
            data, chunk.data = chunk.data, b""
            pipe.send(slots.put(free.pop(), prepared, data))
    except CaptureError as fault:
        error = str(fault)
    except ConnectionError:
        raise
    except OSError as fault:
        error = fault.strerror or str(fault)
    pipe.send(Ending(error, reader.problems, reader.problem_count, reader.unknown_events))


def main() -> None:
    """Take from the command line the descriptors of the file, the memory and the pipe, and the size of chunks."""
    for number in (signal.SIGINT, signal.SIGTERM):  # terminals and service managers tell both processes of a run:
        signal.signal(number, signal.SIG_IGN)  # the other one drains what it has, and ends this one by closing the pipe
    file, memory, pipe, chunk_bytes = map(int, sys.argv[1:])
    with suppress(EOFError, ConnectionError), Connection(pipe) as connection, os.fdopen(file, "rb") as capture:
        serve(capture, Slots(memory), connection, chunk_bytes)


if __name__ == "__main__":
    main()
