"""What ``falco scan`` is given: files and directories, and which event source reads each."""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from falco.cli.session import Session
from falco.documents.nearby import nearest
from falco.errors import ConfigError
from falco.plugins.activation import SYSCALL
from falco.sources import InputStream, Source
from falco.sources.stream import GZIP

STDIN: Final = "-"
_HEAD_BYTES: Final = 1 << 16
_GZIP_WINDOW: Final = 31


@dataclass(frozen=True, slots=True)
class Input:
    """One file, or standard input; *name* as messages show it, *size* in bytes on the disk, 0 = not known.

    *stream* is what a pipe is read from: it has been opened to see what it holds.
    """

    name: str
    where: str
    source: str
    size: int
    stream: InputStream | None = None


class Inputs:
    """What *names* stand for, in order; the files of a directory (not those below) from the oldest to the newest.

    Args:
        session: Knows the event sources.
        names: Files, directories, ``-``.
        source: The event source of all of them; "" = what they hold decides.

    Raises:
        ConfigError: A name leads nowhere, or nobody says, or can say, what is in a file.
    """

    def __init__(self, session: Session, names: Sequence[str], source: str) -> None:
        self._cwd = session.around.cwd
        self._types = _openable(session)
        if source and source not in self._types:
            raise ConfigError(f"no event source '{source}' can be opened; configured: {self._known}")
        self._source = source
        self.passed_over: list[str] = []
        """Files of directories that no event source recognises."""
        self.found: list[Input] = []
        for name in names:
            self.found += self._inputs(name)

    @property
    def _known(self) -> str:
        return ", ".join(self._types) or "none"

    def _inputs(self, name: str) -> Iterator[Input]:
        if name == STDIN:
            yield self._pipe(name, name, InputStream.standard_input())
            return
        path = self._cwd / name
        try:
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                yield Input(name, str(path), self._source_of(path, name), status.st_size)
                return
            if not stat.S_ISDIR(status.st_mode):
                yield self._pipe(name, str(path), InputStream(path.open("rb", buffering=0)))
                return
            files = sorted((one.stat().st_mtime_ns, one) for one in path.iterdir() if one.is_file())
        except FileNotFoundError:
            raise ConfigError(f"there is no file '{name}'{nearest(path)}") from None
        except OSError as error:
            raise ConfigError(f"cannot read '{name}': {error.strerror}") from None
        for _, file in files:
            shown = f"{name.rstrip('/')}/{file.name}"
            try:
                yield Input(shown, str(file), self._source_of(file, shown), file.stat().st_size)
            except ConfigError:
                self.passed_over.append(shown)

    def _pipe(self, name: str, where: str, stream: InputStream) -> Input:
        shown = "standard input" if name == STDIN else f"'{name}'"
        return Input(name, where, self._source or self._recognised(_inflated(stream.look()), shown), 0, stream)

    def _source_of(self, path: Path, name: str) -> str:
        return self._source or self._recognised(_head(path), f"'{name}'")

    def _recognised(self, head: bytes, shown: str) -> str:
        if not head:
            return self._only(self._plugins, shown)
        for source, cls in self._types.items():
            if cls.recognises(head):
                return source
        return self._only([source for source in self._plugins if not _can_tell(self._types[source])], shown)

    @property
    def _plugins(self) -> list[str]:
        return [source for source in self._types if source != SYSCALL]

    def _only(self, sources: Sequence[str], what: str) -> str:
        if len(sources) != 1:
            raise ConfigError(
                f"{what} is not recognised; if it holds events all the same, say with --source which: {self._known}"
            )
        return sources[0]


def _openable(session: Session) -> Mapping[str, type[Source[Any]]]:
    """The event sources that a file can be for: system calls, and those that falco.yaml configures."""
    return {
        name: found.source_type
        for name, found in session.event_sources.items()
        if found.source_type is not None and (name == SYSCALL or found.plugin.entry is not None)
    }


def _can_tell(cls: type[Source[Any]]) -> bool:
    return any("recognises" in vars(one) for one in cls.__mro__ if one is not Source)


def _head(path: Path) -> bytes:
    """The beginning of the file, inflated."""
    with path.open("rb") as file:
        return _inflated(file.read(_HEAD_BYTES))


def _inflated(head: bytes) -> bytes:
    """*head*, or what is in it if it is gzip."""
    if not head.startswith(GZIP):
        return head
    try:
        return zlib.decompressobj(_GZIP_WINDOW).decompress(head, _HEAD_BYTES)
    except zlib.error:
        return b""
