"""From the chunks of a capture to the events that some rule may match: what nobody wants is only counted.

Equal to the plain decoder in everything that rules can see. Events that change no state and that no rule may match
are never decoded; a thread that only they belong to is met when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from falco import Decoder
from falco_syscall.decoder import assume
from falco_syscall.dispatch import DISPATCH
from falco_syscall.event import SyscallEvent

if TYPE_CHECKING:
    from falco import Check, RecordingLimits, Residual, Ruleset
    from falco_syscall.capture.chunks import Chunk
    from falco_syscall.recording import Recorder
    from falco_syscall.replaying.preparing import Prepared


class ColumnDecoder(Decoder["Chunk | Prepared", SyscallEvent]):
    """Keeps the state of the machine; yields the events that a rule may match.

    Attributes:
        replay: Does the work.
    """

    event_source = "syscall"
    dispatch = DISPATCH

    def __init__(self) -> None:
        # numpy takes longer to import than a short run without a capture takes altogether.
        from falco_syscall.replaying.replay import Replay

        self.replay = Replay(self._say)
        self._recorder: Recorder | None = None

    @staticmethod
    def assume(check: Check) -> bool | None:
        """Like the plain decoder."""
        return assume(check)

    def recorder(self, limits: RecordingLimits) -> Recorder:
        """Records the events as they are after conversion, after the state as it was at the first of them."""
        from falco_syscall.recording import Recorder  # few runs record

        self._recorder = Recorder(limits, self._say)
        return self._recorder

    def _say(self, sentence: str) -> None:
        self.report(f"capture: {sentence}")

    def counters(self) -> Mapping[str, int]:
        """What was not kept or not understood, by reason."""
        return self.replay.counters()

    def select(
        self, batch: Chunk | Prepared, rules: Ruleset[SyscallEvent]
    ) -> Iterator[tuple[Residual[SyscallEvent], SyscallEvent]]:
        """The events of the chunk that a rule may match, in order; each is valid until the next is asked for."""
        replay = self.replay
        taken = replay.take(batch, rules)
        if taken is not None:
            if self.start_ns is None:
                self.start_ns = taken.first_ns
            for residual, event in taken:
                self.count = event.num
                yield residual, event
            if self._recorder is not None and self._recorder.is_on:
                self._recorder.take(taken.captured())
        self.count = replay.last_num
