"""Normal form, simplification, signatures, and that nothing recurses."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from falco.conditions.checked import FALSE, TRUE, And, Check, Condition, Const, Not, Operator, Or
from falco.fields import FieldUse
from falco.ruleset.specialise import checks, disjunction, fold, rebuild, signature, signed, weaken
from falco.testing import records as some
from falco.testing.records import record_field

A, B, C = (Check(FieldUse("x.verb", None, record_field("x.verb")), Operator.EQ, (text,)) for text in "abc")


def test_negation_goes_down_to_the_checks_and_order_stays() -> None:
    assert rebuild(Not(And((A, Not(Or((B, Not(C))))))), signed) == Or((Not(A), B, Not(C)))


def test_what_is_decided_is_gone() -> None:
    condition = And((A, Or((B, Not(C)))))

    assert fold(condition, {A: True}.get) == Or((B, Not(C)))
    assert fold(condition, {A: False}.get) == FALSE
    assert fold(condition, {C: False}.get) == A
    assert fold(condition, {B: False, C: True}.get) == FALSE
    assert fold(condition, {A: True, B: True}.get) == TRUE
    assert fold(Not(A), {A: True}.get) == FALSE
    assert fold(Const(value=True), {}.get) is TRUE


def test_neighbouring_joints_of_one_kind_are_one() -> None:
    assert rebuild(And((A, And((B, And((C,)))))), signed) == And((A, B, C))
    assert rebuild(Or((A, And((B, Or((C,)))))), signed) == Or((A, And((B, C))))


def test_empty_joints_are_constants() -> None:
    assert rebuild(And(()), signed) == TRUE
    assert rebuild(Or(()), signed) == disjunction([]) == FALSE
    assert rebuild(And((A,)), signed) == disjunction([A, FALSE]) == A
    assert disjunction([A, TRUE]) == TRUE
    assert rebuild(And((A, FALSE)), signed) == FALSE


def test_what_cannot_be_decided_may_hold_either_way() -> None:
    assert weaken(And((A, B)), lambda check: check == A) == A
    assert weaken(And((A, Not(B))), lambda check: check == A) == A
    assert weaken(Or((A, B)), lambda check: check == A) == TRUE
    assert weaken(Not(Or((A, B))), lambda check: check == A) == Not(A)


CONDITIONS = some.conditions(st.sampled_from([A, B]))


def shared(condition: Condition) -> Condition:
    same: dict[Check, Any] = {A: A, B: B}
    return rebuild(condition, lambda check, is_positive: signed(same[check], is_positive))


@given(CONDITIONS, CONDITIONS)
def test_signatures_are_equal_for_equal_conditions_only(one: Condition, other: Condition) -> None:
    one, other = shared(one), shared(other)

    assert (signature(one) == signature(other)) == (one == other)


def test_signatures_tell_apart_what_differs_in_one_place() -> None:
    different = [And((A, B)), Or((A, B)), And((B, A)), And((Not(A), B)), And((A, Not(B))), A, Not(A), TRUE, FALSE]
    different += [And((A, Or((B, C)))), Or((A, And((B, C)))), And((A, B, C)), Or((And((A, B)), C))]

    assert len({signature(condition) for condition in different}) == len(different)


def test_a_deep_condition_is_walked_without_recursion() -> None:
    deep: Condition = A
    for i in range(20_000):
        deep = Not(And((B, deep))) if i % 2 else Or((C, deep))

    assert len(list(checks(deep))) == 20_001
    assert len(signature(rebuild(deep, signed))) > 20_000
    assert fold(deep, {A: True, B: True, C: False}.get) in {TRUE, FALSE}
