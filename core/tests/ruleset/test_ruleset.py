"""What sources and decoders ask of a ruleset."""

from __future__ import annotations

import pickle

from falco.conditions.checked import FALSE, TRUE, And, Check, Condition, FieldUse, Not, Operator, Or
from falco.fields import Argument
from falco.ruleset import UNKNOWN, Ruleset
from falco.testing.records import DISPATCH, Record, assume, record_field, rule

VERB, KIND, NAME = (FieldUse(name, None, record_field(name)) for name in ("x.verb", "x.kind", "x.name"))
ALWAYS = FieldUse("x.part", "always", record_field("x.part", argument=Argument.KEY))
GET, PODS, NAMED = (Check(use, Operator.EQ, (text,)) for use, text in ((VERB, "get"), (KIND, "pods"), (NAME, "a")))


def ruleset(*conditions: Condition, first_only: bool = False) -> Ruleset[Record]:
    rules = [rule(i, condition, NAME) for i, condition in enumerate(conditions)]
    return Ruleset(rules, dispatch=DISPATCH, assume=assume, first_only=first_only)


def test_unknown_survives_pickling_as_itself() -> None:
    assert pickle.loads(pickle.dumps(UNKNOWN)) is UNKNOWN


def test_a_rule_that_is_not_enabled_is_left_out() -> None:
    rules = Ruleset[Record]([rule(0, TRUE, enabled=False), rule(1, TRUE)], first_only=False)

    assert [hit.rule.index for hit in rules.everything(Record())] == [1]
    assert [r.index for r in rules.rules] == [1]


def test_an_empty_ruleset_leaves_nothing() -> None:
    rules = ruleset()

    assert rules.everything(Record()) == ()
    assert rules.residual((None,) * 4) is None
    assert rules.approximate(lambda _check: True) == FALSE


def test_an_alert_carries_the_values_of_its_event_and_not_the_event() -> None:
    event = Record(time_ns=5, values={"x.verb": "get", "x.name": "a"})
    event.num = 7
    (hit,) = ruleset(GET).everything(event)
    alert = hit.alert(event)
    event.values = {}

    assert (alert.num, alert.time_ns, alert.values, alert.template.rule) == (7, 5, ("a",), "rule 0")


def test_an_assumption_is_used_for_keys_and_not_for_everything() -> None:
    rules = ruleset(And((Not(Check(ALWAYS, Operator.EXISTS)), NAMED)))
    event = Record(values={"x.name": "a"})  # outside the assumption

    assert rules.residual((UNKNOWN,) * 4) is None
    assert len(rules.everything(event)) == 1


def test_equal_checks_are_one() -> None:
    same = Check(VERB, Operator.EQ, ("get",))
    rules = ruleset(And((GET, PODS)), Or((same, NAMED)))

    assert rules.checks == (GET, PODS, NAMED)


def test_needs_follows_the_key() -> None:
    rules = ruleset(And((GET, PODS)), And((Check(VERB, Operator.EQ, ("list",)), Check(KIND, Operator.EXISTS))))

    assert rules.needs(("watch", None, None, None)) == frozenset()
    assert rules.needs(("get", UNKNOWN, None, None)) == {"x.kind", "x.name"}
    assert rules.needs((UNKNOWN,) * 4) == {"x.verb", "x.kind", "x.name"}


def test_an_approximation_keeps_what_it_can_decide() -> None:
    rules = ruleset(And((GET, NAMED, Check(ALWAYS, Operator.EXISTS))), And((PODS, Not(NAMED))))

    assert rules.approximate(lambda check: check.left != NAME) == Or((GET, PODS))
    assert rules.approximate(lambda _check: False) == TRUE


def test_the_first_rule_that_is_sure_to_match_hides_the_later_ones() -> None:
    rules = ruleset(GET, NAMED, first_only=True)
    sure, unsure = rules.residual(("get", None, None, None)), rules.residual(("list", None, None, None))
    assert sure is not None
    assert unsure is not None
    event = Record(values={"x.verb": "get", "x.name": "a"})

    assert [hit.rule.index for hit in sure(event)] == [0]
    assert event.reads == []
    assert [hit.rule.index for hit in unsure(event)] == [1]
    assert ruleset(GET, PODS, first_only=True).needs(("get", UNKNOWN, None, None)) == {"x.name"}


def test_a_new_ruleset_is_warmed_with_the_keys_of_the_old() -> None:
    old, new = ruleset(GET), ruleset(PODS)
    keys = [(verb, kind, None, None) for verb in ("get", "list") for kind in ("pods", "secrets")]
    for key in keys:
        old.table[key]
    new.warm(old)
    misses = new.dispatch_misses
    left = [key for key in keys if new.table[key] is not None]

    assert left == [("get", "pods", None, None), ("list", "pods", None, None)]
    assert new.dispatch_misses == misses


def test_a_chain_of_two_thousand_macros_is_a_rule() -> None:
    condition: Condition = NAMED
    for i in range(2000):
        condition = And((GET, condition)) if i % 2 else Or((condition, PODS))
    rules = ruleset(condition)

    assert len(rules.everything(Record(values={"x.name": "a", "x.verb": "get"}))) == 1
    assert rules.residual(("list", "secrets", None, None)) is None
    assert rules.residual(("get", "secrets", None, None)) is not None
