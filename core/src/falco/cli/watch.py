"""Whether files of the configuration or of the rules have changed.

Files are looked at, not subscribed to: that works on every system, through symbolic links that are switched over
(ConfigMaps), and for files that do not exist yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

Signature: TypeAlias = tuple[tuple[Path, int, int, int], ...]
"""Path, time of change in ns, size and number of each file that is there."""


class Watch:
    """Remembers how *places* looked when it was made.

    Args:
        places: Files, and directories whose files count, not those below.
    """

    def __init__(self, places: Iterable[Path]) -> None:
        self._places = tuple(places)
        self._known = self._last = self._signature()

    def has_changed(self) -> bool:
        """Whether something is different and looked the same the last two times that this was asked.

        Whoever writes a file slowly, or several files one after another, is thus waited for. What is reported is
        not reported again.
        """
        now = self._signature()
        is_quiet, self._last = now == self._last, now
        if now == self._known or not is_quiet:
            return False
        self._known = now
        return True

    def _signature(self) -> Signature:
        found = []
        for place in self._places:
            for path in _files(place):
                try:
                    status = path.stat()
                except OSError:
                    continue  # gone between two looks: the next one will tell
                found.append((path, status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(found)


def _files(place: Path) -> list[Path]:
    try:
        return sorted(path for path in place.iterdir() if path.is_file()) if place.is_dir() else [place]
    except OSError:
        return []
