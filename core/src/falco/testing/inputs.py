"""What the contracts ask of batches and of the process."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def flatten(batches: Iterable[Any]) -> list[Any]:
    """All items of all batches, in order."""
    return [item for batch in batches for item in batch]


def open_files() -> int:
    """Descriptors that this process holds; 0 where the system does not tell."""
    directory = Path("/proc/self/fd")
    return len(os.listdir(directory)) if directory.is_dir() else 0  # noqa: PTH208  the path itself holds one open
