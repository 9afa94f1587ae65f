"""From the items of a capture to the events that rules look at: one at a time, everything applied at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from falco import Check, Decoder, FieldUse, Operator
from falco_syscall.capture import CaptureEvent
from falco_syscall.capture.event_table import EventFlag, EventInfo, EventSource
from falco_syscall.event import SyscallEvent
from falco_syscall.state import new_machine
from falco_syscall.state.threads import MOST_THREADS

if TYPE_CHECKING:
    from falco import Residual, Ruleset
    from falco_syscall.capture import Metadata

Item: TypeAlias = "Metadata | CaptureEvent"


def is_of_kernel(info: EventInfo) -> bool:
    """Whether it is more than a note of the driver or a message: the capture begins with the first such event."""
    is_message = info.source in {EventSource.METAEVENT, EventSource.PLUGIN}
    return not is_message and EventFlag.SKIPPARSERESET not in info.flags


_OF_NAMES: Final = frozenset({"fd.cip.name", "fd.sip.name", "fd.lip.name", "fd.rip.name"})


def watched_names(checks: Iterable[Check]) -> set[str]:
    """The domain names that addresses are compared with."""
    return {
        name
        for check in checks
        if isinstance(check.left, FieldUse) and check.left.name in _OF_NAMES and isinstance(check.right, tuple)
        for name in check.right
        if isinstance(name, str)
    }


def assume(check: Check) -> bool | None:
    """Numbers of events begin at 1: rules say "never" as ``evt.num = 0`` and "always" as ``evt.num >= 0``."""
    if not (isinstance(check.left, FieldUse) and check.left.name == "evt.num" and isinstance(check.right, tuple)):
        return None
    match check.operator, check.right:
        case (Operator.EQ, (0,)) | (Operator.LT, (0 | 1,)) | (Operator.LE, (0,)):
            return False
        case (Operator.NE, (0,)) | (Operator.GT, (0,)) | (Operator.GE, (0 | 1,)):
            return True
    return None


class SyscallDecoder(Decoder[Sequence["Item"], SyscallEvent]):
    """Keeps the state of the machine; pairs every event that is shown with the rules.

    This is the plain decoder that defines what a capture means; faster ones must agree with it.
    """

    event_source = "syscall"
    dispatch = (("evt.type",),)

    def __init__(self) -> None:
        self.machine = new_machine()
        self._start_ns = 0
        self._previous_ns = 0
        self._entered: dict[int, SyscallEvent] = {}
        self._rules: Ruleset[SyscallEvent] | None = None

    def select(
        self, batch: Sequence[Item], rules: Ruleset[SyscallEvent]
    ) -> Iterator[tuple[Residual[SyscallEvent], SyscallEvent]]:
        """The events of the batch that are shown and that some rule may match by their type, in order."""
        if rules is not self._rules:
            self._rules = rules
            self.machine.names.watch(watched_names(rules.checks))
        table = rules.table
        for event in self.events(batch):
            residual = table[event.name,]
            if residual is not None:
                yield residual, event

    @staticmethod
    def assume(check: Check) -> bool | None:
        """See the function."""
        return assume(check)

    def events(self, batch: Sequence[Item]) -> Iterator[SyscallEvent]:
        """Apply every item of the batch; the events that are shown, each valid until the next is asked for."""
        for item in batch:
            if not isinstance(item, CaptureEvent):
                self.machine.load(item)
                continue
            if not self._start_ns and is_of_kernel(item.info):
                self._start_ns = item.time_ns
            event = SyscallEvent(
                *(item.num, item.time_ns, item.tid, item.cpu, item.code, item.params, self.machine),
                previous_ns=self._previous_ns or item.time_ns,
                start_ns=self._start_ns,
            )
            self._previous_ns = event.time_ns
            self.count = event.num
            self._match_enter(event)
            self.machine.apply(event)
            if not item.hidden:
                yield event

    def _match_enter(self, event: SyscallEvent) -> None:
        """Keep the few enter events that are left until their exit comes."""
        if event.info.source is not EventSource.SYSCALL:
            return
        if event.info.is_enter:
            self._entered[event.tid] = event
            if len(self._entered) > MOST_THREADS:
                del self._entered[next(iter(self._entered))]
        else:
            enter = self._entered.pop(event.tid, None)
            if enter is not None and enter.code == event.code - 1:
                event.enter_of = lambda: enter

    def counters(self) -> Mapping[str, int]:
        """What was not kept, by reason."""
        return {reason: number for reason, number in self.machine.counters().items() if number}
