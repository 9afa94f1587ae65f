"""``python -m falco`` and the installed command ``falco``."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main() -> int:
    """Run the command line of this process; the exit code."""
    from falco.cli import main as run
    from falco.cli.process import Process

    try:
        return run(
            sys.argv[1:],
            stdout=sys.stdout.buffer,
            stderr=sys.stderr.buffer,
            env=os.environ,
            cwd=Path.cwd(),
            process=Process(),
        )
    finally:
        _let_go_of_output()


def _let_go_of_output() -> None:
    """Keep the interpreter from complaining at its end about output that nobody reads; we said so already."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
