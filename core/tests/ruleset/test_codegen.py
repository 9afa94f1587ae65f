"""The generated function: what it looks like, how deep it may be, and that nothing of a rule becomes code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from falco.conditions.checked import TRUE, And, Check, Condition, FieldUse, Modifier, Not, Operator, Or
from falco.fields import FieldType, Quantifier
from falco.ruleset.bindings import Bindings
from falco.ruleset.codegen import Function, inline
from falco.ruleset.interpreter import holds
from falco.ruleset.specialise import rebuild, signed
from falco.testing.records import Record, record_field


def use(name: str, type_: FieldType = FieldType.STRING, **properties: Any) -> FieldUse:
    return FieldUse(name, None, record_field(name, type_, **properties))


VERB, PATH, CODE = use("x.verb"), use("x.path"), use("x.code", FieldType.INT64)
NAMES = use("x.names", is_list=True)


def eq(left: FieldUse, literal: Any) -> Check:
    return Check(left, Operator.EQ, (literal,))


def function(*conditions: Condition, first_only: bool = True, names: Sequence[str] = ()) -> Function[Record, int]:
    rules = [
        (i, names[i] if names else f"rule {i}", rebuild(condition, signed)) for i, condition in enumerate(conditions)
    ]
    return Function(rules, Bindings(), first_only=first_only)


def test_a_function_reads_like_this() -> None:
    made = function(
        And(
            (
                Check(VERB, Operator.IN, ("get", "list")),
                Check(PATH, Operator.STARTSWITH, ("/etc", "/bin"), Modifier.ANYOF),
            )
        ),
        Or((eq(VERB, "create"), Not(Check(PATH, Operator.CONTAINS, ("x",))))),
    )

    assert made.source.splitlines() == [
        "def residual(e):",
        "    v1 = U",
        "    if (((v0 := g0(e)) in c3) and ((v1 := g1(e)) is not None and v1.startswith(c5))):  # 'rule 0'",
        "        return r0",
        "    if ((v0 == c7) or (not ((v1 if v1 is not U else (v1 := g1(e))) is not None and c8 in v1))):  # 'rule 1'",
        "        return r1",
        "    return ()",
    ]


def test_all_rules_that_match_are_given_in_order() -> None:
    event = Record(values={"x.verb": "get"})
    conditions = [eq(VERB, "get"), eq(VERB, "list"), Check(VERB, Operator.EXISTS)]

    assert function(*conditions, first_only=False).compile()(event) == (0, 2)
    assert function(*conditions, first_only=True).compile()(event) == (0,)
    assert function(TRUE, *conditions, first_only=False).compile()(event) == (0, 1, 3)


def test_a_name_of_a_rule_is_never_code() -> None:
    name = "x'\n        return r1  # \u2028\U0001f600"
    residual = function(eq(VERB, "get"), eq(VERB, "list"), names=[name, "other"]).compile()

    assert residual(Record(values={"x.verb": "list"})) == (1,)
    assert residual(Record(values={"x.verb": "no"})) == ()


def test_a_literal_is_never_code() -> None:
    text = "')) or True  #"
    residual = function(eq(VERB, text)).compile()

    assert residual(Record(values={"x.verb": "get"})) == ()
    assert residual(Record(values={"x.verb": text})) == (0,)


def nested(levels: int) -> Condition:
    """``x.verb = 0 and (x.path = 1 or (x.verb = 2 and (…)))``: joints that cannot be made one."""
    condition: Condition = eq(VERB, "last")
    for level in reversed(range(levels)):
        check = eq(VERB if level % 2 else PATH, f"{level}")
        condition = Or((check, condition)) if level % 2 else And((Not(check), condition))
    return condition


@pytest.mark.parametrize("levels", [1, 49, 50, 51, 198, 4000])
@pytest.mark.parametrize("verb", ["last", "1", "3", "none", None])
def test_any_depth_compiles_and_means_the_same(levels: int, verb: str | None) -> None:
    condition = nested(levels)
    event = Record(values={"x.verb": verb, "x.path": "/"})
    expected = holds(condition, event)
    event.reads.clear()
    got = function(condition).compile()(event)

    assert bool(got) == expected
    assert len(event.reads) == len(set(event.reads))


def test_a_right_side_is_read_again_if_the_left_one_was_not_there() -> None:
    residual = function(Or((Check(VERB, Operator.EQ, PATH), eq(PATH, "/")))).compile()

    assert residual(Record(values={"x.path": "/"})) == (0,)


def test_a_deep_part_is_evaluated_only_when_it_is_reached() -> None:
    event = Record(values={"x.code": 1, "x.verb": "last"})
    residual = function(And((eq(CODE, 2), nested(120)))).compile()

    assert residual(event) == ()
    assert event.reads == ["x.code"]


def test_many_terms_and_long_chains_compile() -> None:
    terms = [eq(VERB, f"{i}") for i in range(3000)]
    chain: Condition = eq(VERB, "get")
    for _ in range(2000):
        chain = And((chain, Check(PATH, Operator.EXISTS)))
    residual = function(Or(tuple(terms)), And(tuple(Not(term) for term in terms)), chain, first_only=False).compile()

    assert residual(Record(values={"x.verb": "2999"})) == (0,)
    assert residual(Record(values={"x.verb": "get", "x.path": "/"})) == (1, 2)


@pytest.mark.parametrize("operator", [Operator.STARTSWITH, Operator.ENDSWITH, Operator.CONTAINS, Operator.LT])
@pytest.mark.parametrize("modifier", [None, *Modifier])
@pytest.mark.parametrize("literals", [("a", "ab"), ("b", "ab"), ("\udcc3", "\udcc3"), ("\udca9", "x"), ("\u00e9", "")])
@pytest.mark.parametrize("value", ["ab", "\u00e9", "", "\U0001f600"])
def test_what_looks_like_a_method_of_str_is_what_the_interpreter_says(
    operator: Operator, modifier: Modifier | None, literals: tuple[str, ...], value: str
) -> None:
    check = Check(VERB, operator, literals if modifier else literals[:1], modifier)
    event = Record(values={"x.verb": value})

    assert bool(function(check).compile()(event)) == holds(check, event)


@pytest.mark.parametrize("operator", [Operator.IN, Operator.INTERSECTS])
@pytest.mark.parametrize("literals", [(), ("a",), ("a", "b")])
@pytest.mark.parametrize("value", [None, [], ["a"], ["a", "c"], ["c"]])
def test_membership_of_a_list_is_what_the_interpreter_says(
    operator: Operator, literals: tuple[str, ...], value: list[str] | None
) -> None:
    check = Check(NAMES, operator, literals)
    event = Record(values={"x.names": value})

    assert bool(function(check).compile()(event)) == holds(check, event)


@pytest.mark.parametrize(
    ("check", "is_inline"),
    [
        (Check(VERB, Operator.EQ, ("a", "b"), Modifier.ANYOF), True),
        (Check(VERB, Operator.EQ, ("a",), Modifier.ONEOF), False),
        (Check(VERB, Operator.LT, ("a",)), False),
        (Check(CODE, Operator.LT, (1,)), True),
        (Check(NAMES, Operator.IN, ("a", "b")), True),
        (Check(NAMES, Operator.INTERSECTS, ()), True),
        (Check(use("x.any", quantifier=Quantifier.ANY), Operator.EXISTS), False),
        (Check(VERB, Operator.EQ, PATH), False),
    ],
)
def test_what_needs_no_call(check: Check, is_inline: bool) -> None:
    assert (inline(check) is not None) is is_inline
