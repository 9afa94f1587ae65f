"""Where a request ends, read strictly: two servers that disagree on it can be made to see different requests.

cheroot takes what Python's ``int`` takes for a length, and the last of several. Here a length is digits, of a request
there is one, and none beside ``Transfer-Encoding``; everything else is answered with 400, counted and reported.
"""

from __future__ import annotations

import re
from typing import Any, Final

from cheroot.server import ChunkedRFile, HeaderReader, HTTPRequest

_LENGTH: Final = b"Content-Length"
_ENCODING: Final = b"Transfer-Encoding"
_CHUNK: Final = re.compile(rb"[0-9A-Fa-f]{1,16}[ \t]*(?:;[^\r\n]*)?\r\n")


class Headers(HeaderReader):
    """Reads headers, and refuses those that leave open where the body ends."""

    def __call__(self, rfile: Any, hdict: dict[bytes, bytes] | None = None) -> dict[bytes, bytes]:
        """The headers, also put into *hdict*.

        Raises:
            ValueError: They are malformed.
        """
        found = super().__call__(rfile, _Framing())
        if (length := found.get(_LENGTH)) is not None:
            if not length.isdigit():
                raise ValueError("invalid Content-Length")
            if _ENCODING in found:
                raise ValueError("both Content-Length and Transfer-Encoding")
        headers = {} if hdict is None else hdict
        headers.update(found)
        return headers


class _Framing(dict[bytes, bytes]):
    """Headers of which those on framing may be there once."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        if name in {_LENGTH, _ENCODING} and name in self:
            raise ValueError(f"more than one {name.decode()}")
        super().__setitem__(name, value)


class Request(HTTPRequest):
    """A request; one that cannot be understood is told of like all that are refused."""

    header_reader = Headers()

    def simple_response(self, status: str, msg: str = "") -> None:
        """Answer without a body; used by cheroot for what is malformed."""
        if not status.startswith("1"):
            self.server.refuse(self.conn.sender, f"{status}: {msg}" if msg else status)
        super().simple_response(status, msg)


class Chunks(ChunkedRFile):
    """A body in chunks.

    Args:
        file: The connection's.
        limit: Bytes, framing included.
    """

    def __init__(self, file: Any, limit: int) -> None:
        super().__init__(_Sizes(file), limit)


class _Sizes:
    """A file whose lines are sizes of chunks."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.read = file.read

    def readline(self) -> bytes:
        """The next line.

        Raises:
            ValueError: It is no size.
        """
        line: bytes = self._file.readline()
        if not _CHUNK.fullmatch(line):
            raise ValueError(f"Bad chunked transfer size: {line[:20]!r}")
        return line
