"""Records to audit events: the fast path reads a few keys of a record, the general path everything that is odd.

A record is an audit event, a list of them (``EventList``, or a plain array), or something to refuse. For a plain
audit event msgspec reads the dispatch fields and skips the rest, and most events end there: no rule is left for
their key. All else goes to the general path and is evaluated without any assumption: wrong types, ``null``, bad
UTF-8 in a key, a missing ``auditID``, an unusual time stamp.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeAlias

import msgspec

from falco import Check, Decoder, FieldUse, Operator
from falco_k8s_audit import document, timestamps, wrapping
from falco_k8s_audit.document import Array, Node, Object, Scalar, Slice
from falco_k8s_audit.event import AuditEvent
from falco_k8s_audit.records import DEFAULT_LIMITS, Limits, Records
from falco_k8s_audit.refusals import Place, Reason, Refusals
from falco_k8s_audit.view import View

if TYPE_CHECKING:
    from falco import DispatchField, Residual, Ruleset

_ABSENT: Any = None
"""Default of a key that is missing. Declared ``str`` all the same, so that ``null`` does not decode: it is a text."""
_MISS: Any = object()
_NOT_RECOGNIZED: Final = "data not recognized as a k8s audit event"
_SHOWN: Final = 40
"""Characters of a bad time stamp in a message."""
_STAMPS: Final = ("stageTimestamp", "requestReceivedTimestamp", "timestamp")
"""Where the time of an event is: the first of these keys that there is."""


class _Seconds(dict[str, bool]):
    """``seconds[text]``: whether *text* is a second as Kubernetes writes it, ``2026-03-01T06:00:00.``, of 1971 to 2261.

    Many events have the same one, so that little of a time stamp is left to be looked at for each.
    """

    CAPACITY: Final = 4_096

    def __missing__(self, text: str) -> bool:
        is_second = text[4:20:3] == "--T::." and text[11:13] != "24" and "1971" < text < "2262" and "\0" not in text
        if is_second:
            try:
                datetime.fromisoformat(text[:-1])
            except ValueError:
                is_second = False
        if len(self) >= self.CAPACITY:
            self.clear()
        self[text] = is_second
        return is_second


class _User(msgspec.Struct, gc=False, frozen=True):
    username: str = _ABSENT


class _Target(msgspec.Struct, gc=False, frozen=True):
    resource: str = _ABSENT
    subresource: str = _ABSENT


class _Item(msgspec.Struct, gc=False):
    """What is read of an audit event before a rule asks for more; an item of a list has no ``kind``."""

    auditID: msgspec.Raw  # noqa: N815  the key's name; only its presence counts
    stageTimestamp: str  # noqa: N815  the key's name
    stage: str = _ABSENT
    verb: str = _ABSENT
    objectRef: _Target = _Target()  # noqa: N815  the key's name
    user: _User = _User()


class _Event(_Item, gc=False, kw_only=True):
    kind: Literal["Event"]


class _EventList(msgspec.Struct, gc=False):
    kind: Literal["EventList"]
    items: list[msgspec.Raw]


_read_event = msgspec.json.Decoder(_Event).decode
_read_item = msgspec.json.Decoder(_Item).decode
_read_list = msgspec.json.Decoder(_EventList).decode


_Read: TypeAlias = "Callable[[Slice], _Item]"


def _spellings(field: str, pointer: str) -> DispatchField:
    return (field, *(f"{name}.value[{slash}{pointer}]" for name in ("jevt", "json") for slash in ("/", "")))


class AuditDecoder(Decoder[Sequence[bytes], AuditEvent]):
    """Decodes batches of records: ``Records`` from our sources, any sequence of bytes from elsewhere."""

    event_source = "k8s_audit"
    dispatch: ClassVar[Sequence[DispatchField]] = (
        _spellings("ka.stage", "stage"),
        _spellings("ka.verb", "verb"),
        _spellings("ka.target.resource", "objectRef/resource"),
        _spellings("ka.target.subresource", "objectRef/subresource"),
        _spellings("ka.user.name", "user/username"),
    )

    def __init__(self) -> None:
        self._refusals = Refusals(self._say)
        self._seconds = _Seconds()
        self._views: defaultdict[Residual[AuditEvent], View] = defaultdict(View)
        self._viewed: Ruleset[AuditEvent] | None = None
        self.general = 0
        """Records that took the general path."""
        self.decoded_fully = 0
        """Events that some rule may match, so that their document is opened."""

    def _say(self, sentence: str) -> None:
        self.report(sentence)

    @staticmethod
    def assume(check: Check) -> bool | None:
        """The official rules spell "always" and "never" as ``jevt.rawtime exists`` and ``jevt.rawtime=0``.

        True of every event of the fast path: it has a time, later than the epoch, and a number from 1 on.
        """
        if not isinstance(check.left, FieldUse) or check.left.name not in {"jevt.rawtime", "json.rawtime", "evt.num"}:
            return None
        if check.operator is Operator.EXISTS:
            return True
        is_zero = check.modifier is None and check.right in {("0",), (0,)}
        return {Operator.EQ: False, Operator.NE: True}.get(check.operator) if is_zero else None

    def counters(self) -> Mapping[str, int]:
        """What was refused so far."""
        return self._refusals.counters()

    def select(
        self, batch: Sequence[bytes], rules: Ruleset[AuditEvent]
    ) -> Iterable[tuple[Residual[AuditEvent], AuditEvent]]:
        """The events of the batch that some rule may match, in order."""
        if isinstance(batch, Records):
            return self._candidates(batch, _read_event, rules, batch.where, batch.limits)
        return self._candidates(batch, _read_event, rules, "record {}".format, DEFAULT_LIMITS)

    def _candidates(
        self,
        records: Iterable[Slice],
        read: _Read,
        rules: Ruleset[AuditEvent],
        where: Callable[[int], str],
        limits: Limits,
    ) -> Iterator[tuple[Residual[AuditEvent], AuditEvent]]:
        """The hot loop. *where* names the record of an index."""
        table, seconds, num = rules.table, self._seconds, self.count
        residual_of, views = table.get, self._views_of(rules)
        first = num  # num - first is the index of the record: shifted where a record is not one event
        # Until the first event, whose time the others are measured from, everything takes the general path.
        limit = limits.event if self.start_ns is not None else -1
        for record in records:
            try:
                key = read(record)
            except document.REFUSED:
                pass
            else:
                stamp = key.stageTimestamp
                # As Kubernetes writes it, to the microsecond, and within what assume() says.
                if (
                    stamp[26:] == "Z"
                    and stamp[20:26].isdecimal()
                    and stamp.isascii()
                    and seconds[stamp[:20]]
                    and len(record) <= limit
                ):
                    target = key.objectRef
                    parts = key.stage, key.verb, target.resource, target.subresource, key.user.username
                    residual = residual_of(parts, _MISS)
                    if residual is _MISS and "\0" not in "".join(filter(None, parts)):
                        residual = table[parts]
                    if residual is not _MISS:
                        num += 1
                        if residual is not None:
                            self.count = num
                            self.decoded_fully += 1
                            yield residual, AuditEvent(record, num, stamp, self.start_ns, views[residual])
                        continue
            self.count = num
            yield from self._general(record, read, rules, Place(where, num - first), limits)
            first += self.count - num - 1
            num = self.count
            limit = limits.event if self.start_ns is not None else -1
        self.count = num

    def _views_of(self, rules: Ruleset[AuditEvent]) -> Mapping[Residual[AuditEvent], View]:
        """What the rules left for an event read of it, by the function that decides them."""
        if rules is not self._viewed:
            self._views.clear()
            self._viewed = rules
        return self._views

    def _general(
        self, record: Slice, read: _Read, rules: Ruleset[AuditEvent], place: Place, limits: Limits
    ) -> Iterator[tuple[Residual[AuditEvent], AuditEvent]]:
        """Everything that is not a plain audit event."""
        self.general += 1
        if len(record) > limits.record and (size := len(bytes(record).strip(document.BLANKS))) > limits.record:
            self._refusals.add(Reason.RECORD_TOO_LARGE, place, f"larger than {limits.record} bytes: size>={size}")
            return
        if read is _read_item:
            yield from self._event(record, rules, place, limits)
            return
        try:
            items: Iterable[Slice] = _read_list(record).items
        except document.REFUSED:
            data = bytes(record).strip(document.BLANKS)
            if not data:
                return
            problem = document.check(data)
            node = None if problem else document.opened(data)
            kind = node.get("kind") if isinstance(node, Object) else None
            if isinstance(node, Array):
                elements = document.elements(data)
                yield from self._candidates(elements, _read_event, rules, lambda i: f"{place}, element {i}", limits)
                return
            if kind == "Event":
                yield from self._event(data, rules, place, limits)
                return
            if not isinstance(node, Object) or kind != "EventList":
                yield from self._wrapped(data, problem, rules, place, limits)
                return
            listed = node.get("items")
            if not isinstance(listed, Array):
                self._refusals.add(Reason.NOT_AUDIT, place, f"{_NOT_RECOGNIZED}: an EventList without items")
                return
            items = document.elements(listed.raw, is_flat=True)
        yield from self._candidates(items, _read_item, rules, lambda i: f"{place}, item {i}", limits)

    def _wrapped(
        self, data: bytes, problem: str, rules: Ruleset[AuditEvent], place: Place, limits: Limits
    ) -> Iterator[tuple[Residual[AuditEvent], AuditEvent]]:
        """The events in what is neither one nor a list of them, or its refusal: *problem*, if it is not JSON."""
        if events := wrapping.events_of(data):
            yield from self._candidates(events, _read_event, rules, lambda _: str(place), limits)
        elif problem:
            self._refusals.add(Reason.NOT_JSON, place, f"cannot parse JSON: {problem}{wrapping.hint(data)}")
        else:
            self._refusals.add(Reason.NOT_AUDIT, place, f"{_NOT_RECOGNIZED}{wrapping.hint(data)}")

    def _event(
        self, record: Slice, rules: Ruleset[AuditEvent], place: Place, limits: Limits
    ) -> Iterator[tuple[Residual[AuditEvent], AuditEvent]]:
        """One event, with nothing assumed of it but that its kind is right, or its refusal."""
        node = document.opened(record)
        stamp = _stamp(node)
        if stamp is None:
            self._refusals.add(Reason.NO_TIME, place, "can't read stageTimestamp")
        elif not isinstance(stamp, str) or timestamps.parse(stamp) is None:
            shown = document.text(stamp)[:_SHOWN]
            self._refusals.add(Reason.BAD_TIME, place, f'parsing time "{shown}": not an RFC 3339 time stamp')
        elif (size := len(record)) > limits.event:
            self._refusals.add(Reason.EVENT_TOO_LARGE, place, f"event larger than maxEventSize: size={size}")
        else:
            self.count += 1
            self.decoded_fully += 1
            event = AuditEvent(record, self.count, stamp, self.start_ns)
            if self.start_ns is None:
                self.start_ns = event.start_ns
            yield rules.everything, event


def _stamp(node: Node) -> Node | None:
    """The time stamp of an event; Kubernetes writes a time that is not set as ``null``."""
    found = (node.get(name) for name in _STAMPS) if isinstance(node, Object) else ()
    return next((s for s in found if s is not None and not (isinstance(s, Scalar) and s.text == "null")), None)
