"""``python -m falco`` and the installed command ``falco``."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import BinaryIO, Final, TextIO, cast

_EXIT_INTERRUPTED: Final = 130


def main() -> int:
    """Run the command line of this process; the exit code."""
    try:
        from falco.cli import main as run
        from falco.cli.process import Process

        return run(
            sys.argv[1:],
            stdout=_binary(sys.stdout, os.O_RDONLY),
            stderr=_binary(sys.stderr, os.O_WRONLY),
            env=os.environ,
            cwd=Path.cwd(),
            process=Process(),
        )
    except KeyboardInterrupt:  # before anybody listens to signals: most of that time goes into imports
        return _EXIT_INTERRUPTED
    finally:
        _let_go_of_output()


def _binary(stream: TextIO | None, mode: int) -> BinaryIO:
    """The bytes below *stream*; where it was closed before we started, the null device opened for *mode*.

    Opened in any case, because the next file would get its number and our output with it; standard output for reading,
    because then each write fails and is said, in place of being lost.
    """
    return cast("BinaryIO", io.FileIO(os.open(os.devnull, mode), "w")) if stream is None else stream.buffer


def _let_go_of_output() -> None:
    """Keep the interpreter from complaining at its end about output that cannot be written; we said so already."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:  # closed before we started
            continue
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    sys.exit(main())
