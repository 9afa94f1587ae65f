"""Names of files that were perhaps meant."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Final

_MOST: Final = 1000
"""Names that are compared: a directory may be large."""


def nearest(path: Path) -> str:
    """A hint for the end of a message about *path*, which is not there; "" when nothing is like it."""
    folder = path.parent
    while not folder.is_dir() and folder != folder.parent:
        path, folder = folder, folder.parent
    try:
        names = [entry.name for entry, _ in zip(folder.iterdir(), range(_MOST), strict=False)]
    except OSError:
        return ""
    close = get_close_matches(path.name, sorted(names), n=3)
    return f" (in {folder} there is: {', '.join(close)})" if close else ""
