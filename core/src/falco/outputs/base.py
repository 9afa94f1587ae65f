"""Output channels: where alerts go."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

import msgspec
import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from falco.alerts import Alert


def extension(description: str, **bounds: float) -> msgspec.Meta:
    """Of a key of a channel that Falco has but without this key: it belongs below ``x-falco-py``.

    Args:
        description: What it is for.
        bounds: Of a number: ``gt`` or ``ge``, ``lt`` or ``le``.
    """
    return msgspec.Meta(description=description, extra={"is_extension": True}, **bounds)  # type: ignore[call-overload,no-any-return]  # overloads say which go together


def _say(sentence: str, number: int) -> None:
    """What ``lose`` does until a dispatcher says otherwise."""
    structlog.get_logger(__name__).error(f"{sentence} ({number} alerts lost)")


@dataclass(frozen=True, slots=True)
class OutputContext:
    """What a channel needs of its surroundings.

    ``render`` makes the line of an alert, without the newline.  ``stdout`` is the process's standard output
    (owned by the caller, never closed by a channel).  ``report`` takes a sentence for the log; any thread.
    Relative file names start at ``cwd``.
    """

    render: Callable[[Alert], str]
    is_json: bool
    is_buffered: bool
    stdout: BinaryIO
    env: Mapping[str, str]
    report: Callable[[str], None]
    cwd: Path = Path()


class Output(ABC):
    """One channel, switched on by ``<name>_output.enabled`` in falco.yaml.

    Constructed as ``Output(config, context)`` with *config* an instance of ``config_type``, made from the keys of
    ``<name>_output``.  All methods run on the channel's own thread; ``flush``, ``reopen`` and ``close`` may be
    called any number of times.
    """

    name: ClassVar[str]
    config_type: ClassVar[type[msgspec.Struct]]
    lossless: ClassVar[bool] = False
    """True: a full queue makes a source that can wait wait; False: the alert is dropped and counted."""
    lose: Callable[[str, int], None] = staticmethod(_say)
    """Takes why, and how many, alerts that ``write`` took are not delivered after all. The dispatcher sets it."""

    def __init__(self, config: Any, context: OutputContext) -> None:
        self.config = config
        self.context = context

    def open(self) -> None:  # noqa: B027  optional
        """Acquire what the channel writes to. Raises ``OutputError`` with the reason; the channel is then skipped."""

    @abstractmethod
    def write(self, alert: Alert) -> None:
        """Deliver one alert. Raises ``OutputError``: the alert is counted as lost for this channel and reported."""

    def flush(self) -> None:  # noqa: B027  optional
        """Make everything written visible. Called whenever the queue runs empty."""

    def reopen(self) -> None:  # noqa: B027  optional
        """Close and open again, for log rotation (SIGUSR1)."""

    def close(self) -> None:  # noqa: B027  optional
        """Flush and release everything."""

    def abandon(self) -> None:  # noqa: B027  optional
        """Wait for nothing any more: whatever runs on the channel's thread is to come to its end within a second.

        Called by another thread, once, when a signal ended the run and the time to deliver is over. For channels that
        leave something behind otherwise, such as a process; the others are cut off where they are.
        """
