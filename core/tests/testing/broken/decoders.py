"""Decoders under their contract: good ones, and one for each promise that is not kept."""

from dataclasses import dataclass

import pytest

from falco import Decoder, Event, EventList, Field, FieldType
from falco.testing import DecoderContract


@dataclass
class Letter(Event):
    kind: str
    size: int = 0
    before: int = 0


FIELDS = (
    Field("letter.kind", lambda _: lambda event: event.kind, doc="Kind."),
    Field("letter.size", lambda _: lambda event: event.size, FieldType.INT64, doc="Size."),
    Field("letter.before", lambda _: lambda event: event.before, FieldType.INT64, doc="Size of the letter before."),
)
BATCHES = [[("a", 1), ("b", 2), ("a", 3)], [("c", 4), ("a", 5)]]


class Letters(Decoder[list[tuple[str, int]], Letter]):
    """Dispatches on the kind."""

    event_source = "letters"
    dispatch = (("letter.kind", "letter.unknown_spelling"),)
    before = 0

    @staticmethod
    def assume(check):
        return True if check.left.name == "letter.size" and check.operator.name == "EXISTS" else None

    def key(self, kind):
        return (kind,)

    def made(self, kind, size):
        event = Letter(kind=kind, size=size, before=self.before, time_ns=1)
        event.num = self.count
        return event

    def select(self, batch, rules):
        for kind, size in batch:
            self.count += 1
            residual = rules.table[self.key(kind)]
            if residual is not None:
                yield residual, self.made(kind, size)
            self.before = size


class _Contract(DecoderContract):
    fields = FIELDS
    Plugin = Letters

    @pytest.fixture
    def make_decoder(self):
        return self.Plugin

    @pytest.fixture
    def batches(self):
        return BATCHES


class TestGood(_Contract):
    pass


class TestGoodList(DecoderContract):
    fields = FIELDS

    @pytest.fixture
    def make_decoder(self):
        return EventList

    @pytest.fixture
    def batches(self):
        return [[Letter(kind="a", size=1, time_ns=1), Letter(kind="b", time_ns=2)], [], [Letter(kind="c", time_ns=3)]]


class TestFromZero(_Contract):
    breaks = "test_events_are_numbered_from_one"

    class Plugin(Letters):
        def made(self, kind, size):
            event = super().made(kind, size)
            event.num -= 1
            return event


class TestCountsCandidates(_Contract):
    breaks = "test_without_rules_events_still_count"

    class Plugin(Letters):
        def select(self, batch, rules):
            for kind, size in batch:
                residual = rules.table[kind,]
                if residual is not None:
                    self.count += 1
                    yield residual, self.made(kind, size)


class TestSkips(_Contract):
    breaks = "test_what_is_skipped_matches_no_rule"

    class Plugin(Letters):
        def key(self, kind):
            return ("a" if kind == "b" else kind,)


class TestWrongKey(_Contract):
    breaks = "test_dispatch_values_equal_their_fields"

    class Plugin(Letters):
        def key(self, kind):
            return (kind.upper(),)


class TestKeyOfNoField(_Contract):
    breaks = "test_dispatch_values_equal_their_fields"

    class Plugin(Letters):
        dispatch = (("letter.sort",),)


class TestAssumesTooMuch(_Contract):
    breaks = "test_assumptions_hold"

    class Plugin(Letters):
        @staticmethod
        def assume(check):
            return check.operator.name == "NE" if check.left.name == "letter.size" and check.right == (0,) else True


class Remembering(Letters):
    """Uses one event object for all, and what it was asked stays."""

    event = Letter(kind="", time_ns=1)

    def made(self, kind, size):
        self.event.kind, self.event.size, self.event.before, self.event.num = kind, size, self.before, self.count
        return self.event


def remembered(event):
    return event.__dict__.setdefault("memo", event.size)


class TestRemembers(_Contract):
    breaks = "test_an_event_answers_for_itself"
    Plugin = Remembering
    fields = (FIELDS[0], Field("letter.size", lambda _: remembered, FieldType.INT64, doc="Size."), FIELDS[2])

    @pytest.fixture
    def make_decoder(self):
        def make():
            Remembering.event = Letter(kind="", time_ns=1)
            return Remembering()

        return make


class TestReadsAhead(_Contract):
    breaks = "test_an_event_depends_on_nothing_after_it"

    class Plugin(Letters):
        def select(self, batch, rules):
            following = [size for _, size in batch[1:]] + [0]
            for (kind, size), after in zip(batch, following, strict=True):
                self.count += 1
                self.before = after
                residual = rules.table[kind,]
                if residual is not None:
                    yield residual, self.made(kind, size)
