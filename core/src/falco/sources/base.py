"""Sources and decoders: where events come from, and what is in a batch.

    Source.batches() --batch--> Decoder.select(batch, rules) --(residual, event)--> residual(event)

A *source* is a transport: it says where batches come from.  A *decoder* turns a batch, under the rules in
force, into pairs (residual, event): the events that some rule may still match, each with the function that
decides it.  Several sources may share the decoder of their event source.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from falco.events import Envelope, Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import msgspec

    from falco.conditions.checked import Check
    from falco.ruleset import DispatchField, Residual, Ruleset
    from falco.sources.recording import Recorder, RecordingLimits
    from falco.sources.stream import InputStream

B_co = TypeVar("B_co", covariant=True)
B_contra = TypeVar("B_contra", contravariant=True)
E = TypeVar("E", bound=Envelope)
Ev = TypeVar("Ev", bound=Event)


def _warn(sentence: str) -> None:
    """What ``report`` does until a pipeline says otherwise."""
    import structlog  # a fifth of a worker's start, and hardly ever needed

    structlog.get_logger(__name__).warning("input_reported", message=sentence)


class Source(ABC, Generic[B_co]):
    """Where batches come from: a file, a socket, a queue, the kernel.

    Constructed as ``Source(config, open_params)``: *config* is an instance of ``config_type`` made from the
    ``init_config`` of falco.yaml (the plain mapping where no type is declared), *open_params* its text ("" when
    absent).  Construction opens nothing; ``open`` does, or ``batches`` where nobody called it, and raises
    ``SourceError`` when it cannot.
    """

    event_source: ClassVar[str]
    """The event source: picks the decoder, the fields and the rules."""
    config_type: ClassVar[type[msgspec.Struct] | None] = None
    acknowledges: ClassVar[bool] = False
    """True: alerts must have left their queues, not merely be in them, before the generator is resumed."""
    can_wait: ClassVar[bool] = True
    """False (live kernel): a full queue drops and counts instead of blocking."""
    summary: ClassVar[Mapping[str, str | Sequence[str]]] = {}
    """Title -> field: what ``falco scan`` counts alerts by, beside rules and priorities. Titles are plain words.

    Title -> several fields: a path, innermost first; alerts are counted in a tree. At most a dozen.
    """
    stream: InputStream | None = None
    """An open pipe that is to be read in place of what *open_params* names; ``falco scan`` sets it."""
    is_closed: bool = False
    """Whether ``close`` was called: what ``batches`` looks at each time it is resumed."""
    report: Callable[[str], None] = staticmethod(_warn)
    """Takes a sentence for the log, from any thread: what was refused, and where. The pipeline sets it."""

    def __init__(self, config: Any, open_params: str) -> None:
        self.config = config
        self.open_params = open_params

    def __str__(self) -> str:
        """What it reads, for messages."""
        return f"{self.event_source} {self.open_params}".rstrip()

    def open(self) -> None:
        """Acquire what ``batches`` reads, on the source's own thread.

        A run evaluates nothing before all its sources are open, and not at all if one of them refuses; what is first
        acquired by ``batches`` may fail half-way. It is released by ``batches``: at its end, or at once when ``close``
        was called before it began.

        Raises:
            SourceError: It cannot be acquired.
        """

    @abstractmethod
    def batches(self) -> Iterator[B_co]:
        """Batches in order, on the source's own thread.

        The yield is the transaction: control comes back only after everything in the batch was evaluated and
        its alerts are queued, so commit right after the yield.  Idle: yield an empty batch at least once a
        second, so that reload and stop are prompt.
        """

    @classmethod
    def recognises(cls, head: bytes) -> bool:  # noqa: ARG003  the default recognises nothing
        """Whether a file is for this source, by its first 64 KiB, gzip undone.

        ``falco scan`` then opens it, with its path as *open_params*.
        """
        return False

    @property
    def bytes_read(self) -> int:
        """Bytes of the input that were taken so far, as it lies on the disk, for progress; any thread. 0 = not told."""
        return 0

    def focus(self, rules: Ruleset[Any]) -> None:
        """Filter at the origin, if you can. Called before the first batch and after a reload, between two batches."""

    def close(self) -> None:
        """End ``batches`` at its next resume. Any thread, any number of times."""
        self.is_closed = True

    def split(self, parts: int) -> Sequence[Source[B_co]]:  # noqa: ARG002  the default cannot be split
        """At most *parts* independent, picklable sources in input order for ``--jobs``; the default cannot be split."""
        return (self,)

    def counters(self) -> Mapping[str, int]:
        """What was dropped or refused so far, by reason in words (``lines too long``); shown with the statistics."""
        return {}

    def kernel_counters(self) -> Mapping[str, int]:
        """What the kernel has counted so far, by Falco's names: ``n_evts`` (dropped ones too), ``n_drops`` and others.

        ``syscall_event_drops`` looks at it. The default, for what is not read from a kernel, is empty.
        """
        return {}


class Decoder(ABC, Generic[B_contra, E]):
    """What is in a batch. One instance a source, driven by one thread; may keep state and reuse event objects."""

    event_source: ClassVar[str]
    dispatch: ClassVar[Sequence[DispatchField]] = ()
    """Cheap fields that ``select`` reads before the payload is decoded; their values are the key of ``rules.table``."""
    count: int = 0
    """Events so far, skipped ones included: the source of ``evt.num``."""
    start_ns: int | None = None
    """Time of the first event, skipped ones included, for times since then; None before, or not kept."""
    report: Callable[[str], None] = staticmethod(_warn)
    """Takes a sentence for the log: what was refused, and where. The pipeline sets it."""

    @staticmethod
    def assume(check: Check) -> bool | None:  # noqa: ARG004  the default knows nothing
        """Truth of *check* for every event that ``select`` looks up in ``rules.table``; None = depends on the event."""
        return None

    @abstractmethod
    def select(self, batch: B_contra, rules: Ruleset[E]) -> Iterable[tuple[Residual[E], E]]:
        """Candidates of one batch, in order, normally a generator. An event is valid until the next is asked for."""

    def counters(self) -> Mapping[str, int]:
        """What was refused so far, by reason in words; shown with the statistics."""
        return {}

    def recorder(self, limits: RecordingLimits) -> Recorder | None:  # noqa: ARG002  the default cannot record
        """Records what the decoder is given from now on, when it is told to; None = such events are not recorded."""
        return None


class EventList(Decoder["Sequence[Ev]", Ev]):
    """The decoder of sources whose batches are lists of events: numbers each and pairs it with ``rules.everything``."""

    def select(self, batch: Sequence[Ev], rules: Ruleset[Ev]) -> Iterable[tuple[Residual[Ev], Ev]]:
        """Every event of the batch."""
        everything, num = rules.everything, self.count
        if self.start_ns is None and batch:
            self.start_ns = batch[0].time_ns
        start_ns = self.start_ns
        for event in batch:
            num += 1
            event.num = self.count = num
            event.start_ns = start_ns
            yield everything, event
