"""What can be wrong with a capture, told with the place."""

from __future__ import annotations

from falco import SourceError


class CaptureError(SourceError):
    """A capture that cannot be read any further, or at all.

    Attributes:
        offset: Where the fault was met: bytes from the start of the capture (after decompression),
            or None if it has no place.
    """

    def __init__(self, message: str, offset: int | None = None) -> None:
        super().__init__(message if offset is None else f"{message} (at byte {offset})")
        self.offset = offset
