"""Paths: joining and normalising as Falco does it (symbolic links are never resolved)."""

from __future__ import annotations

from typing import Final

from falco import text_size as size

AT_FDCWD: Final = -100
"""The descriptor that stands for the working directory in calls like openat."""
UNKNOWN: Final = "<UNKNOWN>"
"""What stands for a directory whose descriptor is not known."""
ABSENT: Final = "<NA>"
"""What stands for a path that the driver could not read."""

UNREADABLE: Final = "(NULL)"
"""What the driver writes for it."""

_MOST_BYTES: Final = 1024
_TOO_LONG: Final = "/DIR_TOO_LONG/FILENAME_TOO_LONG"


def concat(base: str, name: str) -> str:
    """*name* below *base*.

    Only *name* is normalised, while it is appended: *base* is taken as it is and gets no slash, but ``..`` may
    remove its last components, never its first character. An absolute *name* makes *base* irrelevant, a
    relative result stays relative, an empty *name* stays empty.
    """
    if len(base) + len(name) >= _MOST_BYTES or size(base) + size(name) >= _MOST_BYTES:
        return _TOO_LONG
    if not name:
        return ""
    if name.startswith("/"):
        if not ("//" in name or "/." in name or name.endswith("/")):
            return name
        base = "/"
    path = base
    for component in name.split("/"):
        is_glued = path != "" and not path.endswith("/")  # only before the first component
        if component == ".." and not is_glued:
            if path != "/":
                path = path[: path.rfind("/", 0, -1) + 1]
        elif component and (component != "." or is_glued):
            path += component + "/"
    return path[:-1] if len(path) > 1 and path.endswith("/") else path


def as_directory(path: str) -> str:
    """*path* with a slash at its end; empty stays empty."""
    return path if not path or path.endswith("/") else path + "/"


def single_slashes(path: str) -> str:
    """*path* with every run of slashes shortened to one."""
    while "//" in path:
        path = path.replace("//", "/")
    return path


def directory_of(path: str) -> str:
    """The text before the last slash; the whole path if it ends in one, ``/`` if there is none before that."""
    if path.endswith("/") and path:
        return path
    cut = path.rfind("/")
    return path[:cut] if cut > 0 else "/"


def filename_of(path: str) -> str:
    """The text after the last slash; the whole path if it ends in one, ``/`` if there is none."""
    if path.endswith("/"):
        return path
    cut = path.rfind("/")
    return path[cut + 1 :] if cut >= 0 else "/"
