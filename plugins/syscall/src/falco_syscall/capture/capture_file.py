"""What both readers of captures share: the file, its sections, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, NamedTuple, Self

from falco_syscall.capture.blocks import METADATA, SECTION, Block
from falco_syscall.capture.errors import CaptureError
from falco_syscall.capture.metadata import Comment, Metadata
from falco_syscall.capture.metadata_blocks import read_metadata, read_section, section_comments
from falco_syscall.capture.stream import CaptureStream

MAX_PROBLEMS: Final = 100


class Problem(NamedTuple):
    """Something in a capture that was left out, or taken as well as possible.

    Attributes:
        offset: Place of the block in the (inflated) capture, in bytes.
    """

    offset: int
    message: str

    def __str__(self) -> str:
        return f"{self.message} (at byte {self.offset})"


class CaptureFile:
    """An open capture.

    Attributes:
        problems: What was left out or guessed: the first hundred.
        problem_count: How many there were.
        unknown_events: Events left out because their code is not in the table: the capture is
            from a newer driver.
    """

    def __init__(self, capture: str | Path | BinaryIO, *, strict: bool = False) -> None:
        """Opens a capture.

        Args:
            capture: A path, or a file open for reading bytes, which the caller closes.
            strict: End where the reference reader ends, at the first block that makes no sense.

        Raises:
            OSError: The file cannot be opened or read.
        """
        self._owned: BinaryIO | None = None
        if isinstance(capture, str | Path):
            self._owned = capture = Path(capture).open("rb")  # noqa: SIM115 - closed by close()
        self._stream = CaptureStream(capture)
        self._strict = strict
        self._sections = 0
        self._has_events = False
        self.problems: list[Problem] = []
        self.problem_count = 0
        self.unknown_events = 0

    def _other_block(self, block: Block) -> Iterator[Metadata]:
        """What a block that is not an event says."""
        if block.kind == SECTION:
            self._end_section(block.offset)
            self._sections += 1
            self._has_events = False
            yield read_section(block)
            yield from map(Comment, section_comments(block))
        elif block.kind in METADATA:
            if self._has_events:
                self._report(block.offset, "a metadata block among the events")
            yield read_metadata(block)
        elif self._has_events:
            if block.trailer != block.size:
                raise CaptureError(
                    f"a block of unknown type {block.kind:#x} has the length {block.size} at its head "
                    f"and {block.trailer} at its end: the capture is damaged",
                    block.offset,
                )
            self._report(block.offset, f"a block of unknown type {block.kind:#x} was passed over")

    def _end_section(self, offset: int | None = None) -> None:
        """Call at the end of the capture.

        Raises:
            CaptureError: There was nothing in it.
        """
        if self._sections and not self._has_events:
            raise CaptureError("the capture has no events", offset)
        if not self._sections and offset is None:
            raise CaptureError("this is not a capture: it is empty", 0)

    def _report(self, offset: int, message: str) -> None:
        if self._strict:
            raise CaptureError(message, offset)
        self.problem_count += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(Problem(offset, message))

    def close(self) -> None:
        """Closes the file if the reader opened it; the end of the iteration does it too."""
        if self._owned is not None:
            self._owned.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
