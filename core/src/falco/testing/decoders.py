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

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import pytest

from falco.conditions.checked import Check, Condition, Operator
from falco.fields import Field, FieldUse
from falco.rules.model import Priority, Rule
from falco.ruleset import Key, Residual, Ruleset
from falco.ruleset.interpreter import holds
from falco.sources import Decoder
from falco.templates.model import Template

MakeDecoder = Callable[[], Decoder[Any, Any]]
_ENOUGH = 50
"""Values of one field that become rules."""


class DecoderContract:
    """What the engine relies on; inherit, give ``fields``, ``make_decoder`` and ``batches``."""

    fields: ClassVar[Iterable[Field[Any]]] = ()

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
        numbers = [num for num, *_ in self._events(decoder, batches)]

        assert numbers, "no event came out of the batches"
        assert numbers == list(range(1, len(numbers) + 1))
        assert decoder.count == len(numbers)

    def test_without_rules_events_still_count(self, make_decoder: MakeDecoder, batches: Sequence[Any]) -> None:
        everything = len(self._events(make_decoder(), batches))
        decoder = make_decoder()
        rules: Ruleset[Any] = Ruleset((), dispatch=decoder.dispatch, assume=decoder.assume, first_only=False)
        for batch in batches:
            for _ in decoder.select(batch, rules):
                pass

        assert decoder.count == everything

    def test_what_is_skipped_matches_no_rule(self, make_decoder: MakeDecoder, batches: Sequence[Any]) -> None:
        checks = self._checks(make_decoder(), batches)
        expected = [
            (num, check) for num, holding in self._holding(make_decoder(), batches, checks) for check in holding
        ]
        decoder = make_decoder()
        rules: Ruleset[Any] = Ruleset(
            [_rule(i, check) for i, check in enumerate(checks)],
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

    def _passing(self) -> Ruleset[Any]:
        """A ruleset that every event passes through."""
        return _Undispatched([_rule(0, Check(FieldUse("contract.always", None, _ALWAYS), Operator.EXISTS))])

    def _events(self, decoder: Decoder[Any, Any], batches: Sequence[Any]) -> list[tuple[int, int]]:
        return [(e.num, e.time_ns) for batch in batches for _, e in decoder.select(batch, self._passing())]

    def _checks(self, decoder: Decoder[Any, Any], batches: Sequence[Any]) -> list[Check]:
        """For every field without argument, a comparison with each value that it has somewhere."""
        uses = [FieldUse(f.name, None, f) for f in self.fields if not f.argument.is_required and not f.is_list]
        getters = [(use, use.field.bind(None)) for use in uses]
        checks: dict[Check, None] = {}
        for batch in batches:
            for _, event in decoder.select(batch, self._passing()):
                for use, getter in getters:
                    value = getter(event)
                    if isinstance(value, str | int) and len(checks) < _ENOUGH * len(uses):
                        checks[Check(use, Operator.EQ, (value,))] = None
                        checks[Check(use, Operator.NE, (value,))] = None
        return list(checks)

    def _holding(
        self, decoder: Decoder[Any, Any], batches: Sequence[Any], checks: Sequence[Check]
    ) -> list[tuple[int, list[Check]]]:
        return [
            (event.num, [check for check in checks if holds(check, event)])
            for batch in batches
            for _, event in decoder.select(batch, self._passing())
        ]


class _Undispatched(Ruleset[Any]):
    """Rules whose table decides nothing: every event is left to ``everything``, the slow way, for comparison."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        super().__init__(rules, first_only=False)

    def residual(self, key: Key) -> Residual[Any]:  # noqa: ARG002  the key decides nothing here
        return self.everything

    def narrowed(self, first: Key) -> Callable[[Key], Residual[Any] | None]:
        return lambda rest: self.residual((*first, *rest))


_ALWAYS: Field[Any] = Field("contract.always", lambda _argument: lambda _event: True, doc="Always there.")


def _rule(index: int, condition: Condition) -> Rule:
    return Rule(index, f"rule {index}", "contract", Priority.DEBUG, condition, Template(("",)))
