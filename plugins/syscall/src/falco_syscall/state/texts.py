"""Lists of texts in one buffer, each followed by a NUL: arguments, environments, control groups."""

from __future__ import annotations

from functools import lru_cache
from typing import Final


def split(raw: bytes) -> tuple[str, ...]:
    """The texts of a buffer. The last NUL may be missing; a buffer of one NUL has no text, not an empty one."""
    content = raw.removesuffix(b"\0")
    return tuple(part.decode("utf-8", "surrogateescape") for part in content.split(b"\0")) if content else ()


_RENAMED: Final = {"perf": "perf_event", "mem": "memory", "io": "blkio"}


@lru_cache(maxsize=1024)
def split_cgroups(raw: bytes) -> tuple[tuple[str, str], ...] | None:
    """(subsystem, path) of each control group; None if an item has no ``=``, in which case none of them counts."""
    groups = []
    for item in split(raw):
        subsystem, equals, path = item.partition("=")
        if not equals:
            return None
        name = subsystem.replace("_cgroup", "", 1)
        groups.append((_RENAMED.get(name, name), path))
    return tuple(groups)
