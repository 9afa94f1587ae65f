"""Dispatch: classes of values, caps, and what is remembered."""

from __future__ import annotations

from typing import Any

import pytest

from falco.conditions.checked import And, Check, Condition, Modifier, Operator, Or
from falco.fields import FieldUse
from falco.ruleset import UNKNOWN, Ruleset
from falco.ruleset.bindings import Bindings
from falco.ruleset.compiled import _Classes
from falco.ruleset.interpreter import holds
from falco.ruleset.table import Masks, Table
from falco.testing.records import DISPATCH, Record, record_field, rule

FIELDS = {name: record_field(name) for name in ("x.verb", "x.kind", "x.name")}
NOTHING = (None, None, None)


def check(name: str, operator: Operator, *literals: Any) -> Check:
    return Check(FieldUse(name, None, FIELDS[name]), operator, literals)


def ruleset(*conditions: Condition, first_only: bool = False) -> Ruleset[Record]:
    return Ruleset(
        [rule(i, condition) for i, condition in enumerate(conditions)], dispatch=DISPATCH, first_only=first_only
    )


def test_no_rule_left_is_none_and_costs_no_function() -> None:
    rules = ruleset(And((check("x.verb", Operator.EQ, "get"), check("x.name", Operator.EQ, "a"))))

    assert rules.table["list", *NOTHING] is None
    assert rules.residuals_built == 0


def test_values_that_no_rule_tells_apart_share_a_class_and_a_function() -> None:
    rules = ruleset(
        Or((check("x.verb", Operator.STARTSWITH, "sys"), check("x.name", Operator.EQ, "a"))),
        And((check("x.verb", Operator.ENDSWITH, "x"), check("x.name", Operator.EQ, "b"))),
    )
    functions = {rules.table[f"verb{i}", *NOTHING] for i in range(1000)}

    assert len(functions) == rules.residuals_built == 1
    assert len(rules._classes) == 1
    assert rules.dispatch_misses == 1000


def test_the_table_is_emptied_when_full_and_never_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Table, "CAPACITY", 10)
    monkeypatch.setattr(Masks, "CAPACITY", 7)
    rules = ruleset(check("x.verb", Operator.EQ, "25"))
    found = [i for i in range(100) if rules.table[f"{i}", *NOTHING] is not None]

    assert found == [25]
    assert len(rules.table) <= 10
    assert all(len(masks) <= 7 for masks in rules._masks)
    assert rules.table["25", *NOTHING] is not None
    assert rules.residual((UNKNOWN, *NOTHING)) is not None


def test_a_key_too_long_is_decided_and_not_kept() -> None:
    rules = ruleset(check("x.verb", Operator.STARTSWITH, "a"))
    long = "a" * (Table.LONGEST + 1)
    wide = "a" + "\u00e9" * (Table.LONGEST // 4)

    assert rules.table[long, *NOTHING] is rules.table[wide, *NOTHING] is rules.table["a", *NOTHING] is not None
    assert set(rules.table) == {("a", *NOTHING)}
    assert set(rules._masks[0]) == {"a"}


def test_beyond_the_cap_of_classes_all_rules_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Classes, "CAPACITY", 3)
    rules = ruleset(*[check("x.verb", Operator.CONTAINS, f"{i}") for i in range(6)])
    residuals = [rules.table[f"{i}", *NOTHING] for i in range(6)]

    assert residuals[3:] == [rules.everything] * 3
    assert len(rules._classes) == 3
    assert rules.undispatched == 3
    assert "more than 3 kinds of events" in rules.notice()
    assert rules.notice() == ""
    for i, residual in enumerate(residuals):
        assert residual is not None
        assert [hit.rule.index for hit in residual(Record(values={"x.verb": f"{i}"}))] == [i]


def test_within_the_cap_of_classes_there_is_nothing_to_say() -> None:
    rules = ruleset(check("x.verb", Operator.CONTAINS, "a"))

    assert rules.table["a", *NOTHING] is not None
    assert (rules.undispatched, rules.notice()) == (0, "")


def test_absence_makes_every_check_false_and_unknown_none() -> None:
    rules = ruleset(check("x.verb", Operator.EXISTS), check("x.verb", Operator.NE, "get"))

    assert rules.table[None, *NOTHING] is None
    residual = rules.table[UNKNOWN, *NOTHING]
    assert residual is not None
    assert residual(Record()) == ()
    assert len(residual(Record(values={"x.verb": "list"}))) == 2


def test_a_field_under_another_spelling_is_dispatched_too() -> None:
    part = FieldUse("x.part", "verb", record_field("x.part"))
    rules = ruleset(Check(part, Operator.EQ, ("get",)))

    assert rules.table["list", *NOTHING] is None
    assert rules.table["get", *NOTHING] is not None


@pytest.mark.parametrize("operator", [Operator.STARTSWITH, Operator.ENDSWITH, Operator.EQ, Operator.NE])
@pytest.mark.parametrize("modifier", [None, *Modifier])
@pytest.mark.parametrize(
    ("literals", "value"),
    [
        (("a", "ab"), "ab"),
        (("a", "ba"), "ba"),
        (("a", "b"), "ab"),
        (("a", "b"), "c"),
        (("a", "a"), "a"),
        (("a",), "a"),
        (("", "x"), "a"),
        (("\udcc3",), "\u00e9"),
        (("\udca9",), "\u00e9"),  # noqa: PT014  another lone surrogate
        (("\u00e9",), "\u00e9"),
        ((), "a"),
    ],
)
def test_a_mask_says_what_the_check_says(
    operator: Operator, modifier: Modifier | None, literals: tuple[str, ...], value: str
) -> None:
    if modifier is None:
        literals = (*literals, "a")[:1]
    one = Check(FieldUse("x.verb", None, FIELDS["x.verb"]), operator, literals, modifier)
    member = Check(one.left, Operator.IN, literals)
    masks = Masks([one, member], Bindings())
    event = Record(values={"x.verb": value})

    assert masks.truth(one, masks[value]) == holds(one, event)
    assert masks.truth(member, masks[value]) == holds(member, event)


def test_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ruleset(check("x.verb", Operator.EXISTS)).residual(("get",))
