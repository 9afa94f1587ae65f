"""Who listens on a port: what ``/proc`` tells, where there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_LISTENING: Final = "0A"


def listener(port: int, proc: Path = _PROC) -> str:
    """``falco (process 123)`` for the process that listens on TCP *port*; "" if nobody says, or may say."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    if not sockets:
        return ""
    for process in proc.glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in sockets for link in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text(encoding='utf-8').strip()} (process {process.name})"
        except (OSError, UnicodeDecodeError):
            continue  # gone, or of somebody else
    return ""


def _inodes(port: int, proc: Path) -> set[str]:
    """Inodes of the sockets that listen on *port*."""
    found = set()
    for table in ("net/tcp", "net/tcp6"):
        try:
            lines = (proc / table).read_text(encoding="ascii").splitlines()[1:]
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            columns = line.split()
            if len(columns) > 9 and columns[3] == _LISTENING and int(columns[1].rpartition(":")[2], 16) == port:
                found.add(columns[9])
    return found
