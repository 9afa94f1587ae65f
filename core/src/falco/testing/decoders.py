"""The contract of a decoder, as tests to inherit.

    class TestMyDecoder(DecoderContract):
        fields = falco_register_fields("my_source")

        @pytest.fixture
        def make_decoder(self):
            return MyDecoder

        @pytest.fixture
        def batches(self):
            return [[b"a", b"b"], [b"c"]]

The decoder is held to the interpreter, which walks every condition for every event: whatever the decoder skips
must be what no rule matches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, Final

import pytest

from falco.conditions.checked import Check, Operator
from falco.fields import Field, FieldUse, Getter
from falco.fields.registry import FieldError, Fields
from falco.ruleset import UNKNOWN, CompiledRule, Key, Residual, Ruleset
from falco.ruleset.interpreter import holds
from falco.sources import Decoder
from falco.testing.passing import contract_rule, passing_rule

MakeDecoder = Callable[[], Decoder[Any, Any]]
_ENOUGH: Final = 50
"""Values of one field that become rules."""


class DecoderContract:
    """What the engine relies on; inherit, give ``fields``, ``make_decoder`` and ``batches``."""

    fields: ClassVar[Iterable[Field[Any]]] = ()
    """Of the event source."""
    expressions: ClassVar[Sequence[str]] = ()
    """Fields with arguments that are looked at too: ``name[argument]``."""

    @pytest.fixture
    def make_decoder(self) -> MakeDecoder:
        """A function that makes a fresh decoder, each time it is called."""
        raise NotImplementedError("give the fixture make_decoder")

    @pytest.fixture
    def batches(self) -> Sequence[Any]:
        """Batches as the source yields them, odd input among them."""
        raise NotImplementedError("give the fixture batches")

    def test_events_are_numbered_from_one(self, make_decoder: MakeDecoder, batches: Sequence[Any]) -> None:
        decoder = make_decoder()
        numbers = [event.num for event in self._events(decoder, batches)]

        assert numbers, "no event came out of the batches"
        assert numbers == list(range(1, len(numbers) + 1))
        assert decoder.count == len(numbers)

    def test_without_rules_events_still_count(self, make_decoder: MakeDecoder, batches: Sequence[Any]) -> None:
        everything = sum(1 for _ in self._events(make_decoder(), batches))
        decoder = make_decoder()
        rules: Ruleset[Any] = Ruleset((), dispatch=decoder.dispatch, assume=decoder.assume, first_only=False)
        for batch in batches:
            for _ in decoder.select(batch, rules):
                pass

        assert decoder.count == everything

    def test_what_is_skipped_matches_no_rule(self, make_decoder: MakeDecoder, batches: Sequence[Any]) -> None:
        checks = self._checks(make_decoder(), batches)
        expected = [
            (event.num, check)
            for event in self._events(make_decoder(), batches)
            for check in checks
            if holds(check, event)
        ]
        decoder = make_decoder()
        rules: Ruleset[Any] = Ruleset(
            [contract_rule(i, check) for i, check in enumerate(checks)],
            dispatch=decoder.dispatch,
            assume=decoder.assume,
            first_only=False,
        )
        actual = [
            (event.num, checks[hit.rule.index])
            for batch in batches
            for residual, event in decoder.select(batch, rules)
            for hit in residual(event)
        ]

        assert checks, "no field has a value in the batches"
        assert sorted(map(repr, actual)) == sorted(map(repr, expected)), "dispatch or assumptions lose or add matches"

    def test_dispatch_values_equal_their_fields(self, make_decoder: MakeDecoder, batches: Sequence[Any]) -> None:
        decoder = make_decoder()
        if not decoder.dispatch:
            pytest.skip("the decoder has no dispatch fields")
        known = self._known()
        getters = [
            [(text, use.field.bind(use.argument)) for text in names if (use := _use(known, text)) is not None]
            for names in decoder.dispatch
        ]
        wrong: list[str] = []

        def compare(key: Key, event: Any) -> None:
            for part, spellings in zip(key, getters, strict=True):
                wrong.extend(
                    f"event {event.num}: {text} is {value!r}, the decoder dispatches on {part!r}"
                    for text, get in spellings
                    if part is not UNKNOWN and (value := get(event)) != part
                )

        assert all(getters), f"a dispatch field is none of the fields: {decoder.dispatch}"
        self._dispatched(decoder, batches, compare)
        assert not wrong, "\n".join(wrong[:_ENOUGH])

    def test_assumptions_hold(self, make_decoder: MakeDecoder, batches: Sequence[Any]) -> None:
        decoder = make_decoder()
        assumed = [
            (check, truth)
            for check in self._checks(make_decoder(), batches)
            if (truth := decoder.assume(check)) is not None
        ]
        wrong: list[str] = []

        def compare(_key: Key, event: Any) -> None:
            wrong.extend(
                f"event {event.num}: {check} is not {truth}, as the decoder assumes of every event"
                for check, truth in assumed
                if holds(check, event) is not truth
            )

        self._dispatched(decoder, batches, compare)

        assert not wrong, "\n".join(wrong[:_ENOUGH])

    def test_an_event_answers_for_itself(self, make_decoder: MakeDecoder, batches: Sequence[Any]) -> None:
        """Events may be reused objects: what one was asked must not be what the next one answers."""
        getters = self._getters()
        all_asked = [_values(getters, event) for event in self._events(make_decoder(), batches)]
        for first in (0, 1):
            for i, event in enumerate(self._events(make_decoder(), batches)):
                if i % 2 == first:
                    assert _values(getters, event) == all_asked[i], (
                        f"event {event.num} answers differently when the event before was not asked"
                    )

    def test_an_event_depends_on_nothing_after_it(self, make_decoder: MakeDecoder, batches: Sequence[Any]) -> None:
        """An event is valid until the next is asked for; nothing that follows may be read, or applied, before."""
        if not all(isinstance(batch, Sequence) for batch in batches):
            pytest.skip("the batches cannot be cut")
        getters = self._getters()
        whole = [_values(getters, event) for event in self._events(make_decoder(), batches)]
        cut = [batch[i : i + 1] for batch in batches for i in range(len(batch))]
        found = [_values(getters, event) for event in self._events(make_decoder(), cut)]

        assert len(found) == len(whole), "batches of one item each give another number of events"
        for num, (alone, together) in enumerate(zip(found, whole, strict=True), 1):
            assert alone == together, f"event {num} is another one when something follows in its batch"

    def _events(self, decoder: Decoder[Any, Any], batches: Iterable[Any]) -> Iterator[Any]:
        """Every event, valid until the next is asked for."""
        rules = _Undispatched()
        for batch in batches:
            for _, event in decoder.select(batch, rules):
                yield event

    def _dispatched(
        self, decoder: Decoder[Any, Any], batches: Iterable[Any], compare: Callable[[Key, Any], None]
    ) -> None:
        """Call *compare* with key and event for every event that is looked up in the table."""
        rules = _Undispatched(compare)
        for batch in batches:
            for residual, event in decoder.select(batch, rules):
                residual(event)

    def _known(self) -> Fields:
        return Fields("contract", self.fields)

    def _uses(self) -> list[FieldUse]:
        """Every field that needs no argument, and ``expressions``."""
        known = self._known()
        plain = [FieldUse(field.name, None, field) for field in self.fields if not field.argument.is_required]
        return plain + [use for text in self.expressions if (use := _use(known, text)) is not None]

    def _getters(self) -> list[Getter[Any]]:
        return [use.field.bind(use.argument) for use in self._uses()]

    def _checks(self, decoder: Decoder[Any, Any], batches: Sequence[Any]) -> list[Check]:
        """For every field a comparison with each value that it has somewhere, and with what assumptions are made of."""
        uses = [(use, use.field.bind(use.argument)) for use in self._uses() if not use.is_list]
        checks: dict[Check, None] = {}
        for event in self._events(decoder, batches):
            for use, getter in uses:
                value = getter(event)
                if isinstance(value, str | int) and len(checks) < _ENOUGH * len(uses):
                    nothing = 0 if isinstance(value, int) else ""
                    checks[Check(use, Operator.EXISTS)] = None
                    for literal in (value, nothing):
                        checks[Check(use, Operator.EQ, (literal,))] = None
                        checks[Check(use, Operator.NE, (literal,))] = None
        return list(checks)


class _Undispatched(Ruleset[Any]):
    """Rules whose table decides nothing: every event is a candidate, and *compare* gets its key when it is decided."""

    def __init__(self, compare: Callable[[Key, Any], None] = lambda _key, _event: None) -> None:
        self._compare = compare
        super().__init__([passing_rule()], first_only=False)

    def residual(self, key: Key) -> Residual[Any]:
        def decide(event: Any) -> Sequence[CompiledRule[Any]]:
            self._compare(key, event)
            return self.everything(event)

        return decide

    def narrowed(self, first: Key) -> Callable[[Key], Residual[Any] | None]:
        return lambda rest: self.residual((*first, *rest))


def _values(getters: Iterable[Getter[Any]], event: Any) -> list[Any]:
    return [get(event) for get in getters]


def _use(known: Fields, text: str) -> FieldUse | None:
    """The field that *text* means; None where there is none."""
    name, bracket, argument = text.partition("[")
    try:
        return known.use(name, argument.removesuffix("]") if bracket else None)
    except FieldError:
        return None
