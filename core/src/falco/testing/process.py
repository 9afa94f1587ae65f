"""What the contracts ask of the process."""

from __future__ import annotations

import os
from pathlib import Path


def open_files() -> int:
    """Descriptors that this process holds; 0 where the system does not tell."""
    directory = Path("/proc/self/fd")
    return len(os.listdir(directory)) if directory.is_dir() else 0  # noqa: PTH208  the path itself holds one open
