"""Interpreter == one function == dispatched by key, for any rules and any events; approximations lose nothing.

That these tests and their neighbours can fail, ``tools/mutants.py`` shows: it puts the faults of ``tools/mutants.toml``
into the code, one at a time, and names the test that finds each.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from falco.conditions.checked import FALSE, And, Check, Condition, FieldUse, Modifier, Not, Operator, Or
from falco.ruleset import UNKNOWN, Ruleset
from falco.ruleset.bindings import Bindings
from falco.ruleset.interpreter import holds, matches, read
from falco.ruleset.specialise import checks, disjunction, fold, operands, rebuild, signed, uses, weaken
from falco.ruleset.table import Masks, is_on
from falco.testing import records as some
from falco.testing.records import Record

CONDITIONS = st.lists(some.conditions(), min_size=1, max_size=4)
EVENTS = st.lists(some.records(), min_size=1, max_size=4)
NAMES = [made.name for made, _ in some.RECORD_FIELDS]


def ruleset(conditions: list[Condition], *, first_only: bool = False) -> Ruleset[Record]:
    rules = [some.rule(i, condition) for i, condition in enumerate(conditions)]
    return Ruleset(rules, dispatch=some.DISPATCH, assume=some.assume, first_only=first_only)


def hits(residual: Any, event: Record) -> list[int]:
    return [] if residual is None else [compiled.rule.index for compiled in residual(event)]


@given(some.checks(), EVENTS)
def test_a_check_compiled_is_the_check_interpreted(check: Check, events: list[Record]) -> None:
    residual = ruleset([check]).everything
    negated = ruleset([Not(check)]).everything
    for event in events:
        expected = holds(check, event)

        assert (hits(residual, event) == [0]) == expected
        assert (hits(negated, event) == [0]) != expected


@given(st.data())
def test_modifiers_are_for_one_value_and_for_candidates_what_the_interpreter_says(data: st.DataObject) -> None:
    use = data.draw(st.sampled_from(some.QUANTIFIED))
    one = st.sampled_from(some.values_of(use))
    operator, modifier = data.draw(st.sampled_from([Operator.EQ, Operator.NE])), data.draw(st.sampled_from(Modifier))
    check = Check(use, operator, tuple(data.draw(st.lists(one, max_size=3))), modifier)
    event = Record(values={use.text: data.draw(st.one_of(one, st.lists(one, max_size=3).map(tuple)))})

    assert (hits(ruleset([check]).everything, event) == [0]) == holds(check, event)


@given(
    st.sampled_from(some.DISPATCHED).flatmap(
        lambda use: st.tuples(
            st.just(use),
            st.lists(some.checks(st.just(use)), min_size=1, max_size=6),
            st.lists(st.one_of(st.sampled_from(some.values_of(use)), st.none()), min_size=1),
        )
    )
)
def test_masks_tell_the_truth_of_every_check(drawn: tuple[FieldUse, list[Check], list[Any]]) -> None:
    use, found, values = drawn
    mine = [check for check in dict.fromkeys(found) if is_on(check, (use.text,))]
    masks = Masks(mine, Bindings())
    for value in values:
        event = Record(values={} if value is None else {use.text: value})

        assert [masks.truth(check, masks[value]) for check in mine] == [holds(check, event) for check in mine]
    assert all(masks.truth(check, masks[UNKNOWN]) is None for check in mine)
    assert all(isinstance(check.right, tuple) for check in mine)


@given(CONDITIONS, EVENTS, st.booleans())
def test_interpreter_one_function_and_dispatch_agree(
    conditions: list[Condition], events: list[Record], first_only: bool
) -> None:
    rules = ruleset(conditions, first_only=first_only)
    for event in events:
        expected = matches(conditions, event, first_only=first_only)

        assert hits(rules.everything, event) == expected
        assert hits(rules.table[some.key_of(event)], event) == expected
        assert hits(rules.residual(some.key_of(event)), event) == expected


@given(CONDITIONS, some.records(), st.sets(st.integers(0, len(some.DISPATCH) - 1)), st.booleans())
def test_an_unknown_value_decides_nothing(
    conditions: list[Condition], event: Record, hidden: set[int], first_only: bool
) -> None:
    rules = ruleset(conditions, first_only=first_only)
    key = tuple(UNKNOWN if i in hidden else part for i, part in enumerate(some.key_of(event)))

    assert hits(rules.residual(key), event) == matches(conditions, event, first_only=first_only)


@given(CONDITIONS, EVENTS, st.integers(0, len(some.DISPATCH)))
def test_a_narrowed_key_is_the_whole_key(conditions: list[Condition], events: list[Record], length: int) -> None:
    rules = ruleset(conditions)
    for event in events:
        key = some.key_of(event)

        assert rules.narrowed(key[:length])(key[length:]) is rules.residual(key)


@given(CONDITIONS, some.records(), st.sets(st.sampled_from(NAMES)))
def test_an_approximation_holds_whenever_a_rule_matches(
    conditions: list[Condition], event: Record, decidable: set[str]
) -> None:
    def is_decidable(check: Check) -> bool:
        return all(use.name in decidable for operand in operands(check) for use in uses(operand))

    weak = ruleset(conditions).approximate(is_decidable)

    assert all(is_decidable(check) for check in checks(weak))
    if matches(conditions, event, first_only=False):
        assert holds(weak, event)


@given(some.conditions(), some.records())
def test_an_approximation_that_can_decide_all_is_exact(condition: Condition, event: Record) -> None:
    assert holds(weaken(condition, lambda _check: True), event) == holds(condition, event)
    assert weaken(FALSE, lambda _check: False) == FALSE


@given(some.conditions(), some.records(), st.sets(st.sampled_from(NAMES)))
def test_folding_by_the_truth_keeps_the_truth(condition: Condition, event: Record, known: set[str]) -> None:
    def decide(check: Check) -> bool | None:
        left = check.left
        return holds(check, event) if isinstance(left, FieldUse) and left.name in known else None

    left = fold(condition, decide)

    assert holds(left, event) == holds(condition, event)
    assert all(decide(check) is None for check in checks(left))


@given(CONDITIONS, some.records())
def test_joints_mean_what_they_say(conditions: list[Condition], event: Record) -> None:
    parts = [rebuild(condition, signed) for condition in conditions]

    assert holds(rebuild(And(tuple(conditions)), signed), event) == all(holds(part, event) for part in conditions)
    assert holds(disjunction(parts), event) == any(holds(part, event) for part in conditions)


@given(CONDITIONS, some.records(), st.booleans())
def test_an_operand_is_read_once_and_only_when_it_is_reached(
    conditions: list[Condition], event: Record, first_only: bool
) -> None:
    rules = ruleset(conditions, first_only=first_only)
    event.reads.clear()
    rules.everything(event)
    got = list(event.reads)
    every = {operand for condition in conditions for check in checks(condition) for operand in operands(check)}
    most = Counter(text for operand in every for text in [use.text for use in uses(operand)])

    assert Counter(got) <= most
    assert set(got) <= reached(conditions, event, first_only=first_only)


def reached(conditions: list[Condition], event: Record, *, first_only: bool) -> set[str]:
    """Fields that an evaluation from left to right, stopping as soon as the result is known, asks for."""
    found: set[str] = set()

    def is_true(condition: Condition) -> bool:
        match condition:
            case Not(child):
                return not is_true(child)
            case And(children):
                return all(is_true(child) for child in children)
            case Or(children):
                return any(is_true(child) for child in children)
            case Check(left, _, right):
                found.update(use.text for use in uses(left))
                if not isinstance(right, tuple) and read(left, event) is not None:
                    found.update(use.text for use in uses(right))
        return holds(condition, event)

    for condition in conditions:
        if is_true(condition) and first_only:
            break
    return found


@given(CONDITIONS, some.records())
def test_needs_names_every_field_that_is_read(conditions: list[Condition], event: Record) -> None:
    rules = ruleset(conditions)
    key = some.key_of(event)
    event.reads.clear()
    hits(rules.residual(key), event)

    assert set(event.reads) <= rules.needs(key)
