"""What the operators do: a check becomes a function of the value, once, when rules are compiled.

Values and literals have the Python types of ``fields.model.Value``. Texts are compared as ``str`` where that gives the
same answer as their bytes, else as bytes.
"""

from __future__ import annotations

import functools
import operator as op
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from falco.conditions import families, networks, paths, patterns
from falco.conditions.checked import Check, Modifier, Operand, Operator
from falco.conditions.transformers import lower
from falco.fields import text as text_of
from falco.fields.model import FieldType, FieldUse, Quantifier

Predicate: TypeAlias = Callable[[Any], bool]
Relation: TypeAlias = Callable[[Any, Any], bool]

_ORDER: Final[dict[Operator, Relation]] = {
    Operator.LT: op.lt,
    Operator.LE: op.le,
    Operator.GT: op.gt,
    Operator.GE: op.ge,
}


def predicate(check: Check) -> Predicate:
    """Whether a value of the left side, not None, satisfies *check*, whose right side is literals.

    For a field with candidates (``Quantifier``) the value is their tuple.
    """
    if check.operator is Operator.EXISTS:
        return lambda _value: True
    literals: tuple[Any, ...] = check.right if isinstance(check.right, tuple) else ()
    if check.modifier is None:
        return _quantified(_test(check.operator, literals, check.left), check)
    tests = [_test(check.operator, (literal,), check.left) for literal in literals]
    test = _modified(check.modifier, tests)
    if _quantifier(check.left) is not Quantifier.ANY:
        return _quantified(test, check)
    # Falco compares candidates (all ancestors) with the first literal only, but one that was asked for with them all.
    of_candidates = _quantified(tests[0], check) if tests else test
    return lambda value: of_candidates(value) if isinstance(value, tuple) else test(value)


def comparison(check: Check) -> Relation:
    """Whether a value of the left side and one of the right side, neither None, satisfy *check*."""
    relation = _relation(check.operator, check.left)
    if _quantifier(check.left) is Quantifier.ONE:
        return relation
    return lambda value, other: _quantified(lambda candidate: relation(candidate, other), check)(value)


def _quantifier(operand: Operand) -> Quantifier:
    return operand.field.quantifier if isinstance(operand, FieldUse) else Quantifier.ONE


def _quantified(test: Predicate, check: Check) -> Predicate:
    """*test* for a value of ``check.left``: one value or several candidates."""
    quantifier = _quantifier(check.left)
    if quantifier is Quantifier.ONE:
        return test
    is_for_all = quantifier is Quantifier.EITHER and check.operator is Operator.NE
    enough = all if is_for_all else any

    def decide(value: Any) -> bool:
        if not isinstance(value, tuple):
            return test(value)
        return bool(value) and enough(map(test, value))

    return decide


def _modified(modifier: Modifier, tests: list[Predicate]) -> Predicate:
    """As many of *tests* as *modifier* wants; without any there is nothing that could be satisfied."""
    if not tests:
        return lambda _value: False
    match modifier:
        case Modifier.ANYOF:
            return lambda value: any(test(value) for test in tests)
        case Modifier.ALLOF:
            return lambda value: all(test(value) for test in tests)
        case Modifier.ONEOF:
            return lambda value: sum(test(value) for test in tests) == 1


def _test(operator: Operator, literals: tuple[Any, ...], left: Operand) -> Predicate:
    """*operator* with *literals*; one of them, but for the operators that take a list."""
    match operator:
        case Operator.IN | Operator.INTERSECTS:
            return _membership(operator, literals, left)
        case Operator.PMATCH:
            return paths.matcher(literals)
    literal = literals[0]
    if left.type in families.TEXT:
        return _text_test(operator, literal)
    if left.type in families.NETWORKS:
        inside = networks.Networks(literals).__contains__
        return inside if operator is Operator.EQ else lambda value: not inside(value)
    relation = _relation(operator, left)
    return lambda value: relation(value, literal)


def _membership(operator: Operator, literals: tuple[Any, ...], left: Operand) -> Predicate:
    members = networks.Networks(literals) if left.type in families.NETWORKS else frozenset(literals)
    contains = members.__contains__
    if not left.is_list:
        return contains
    if operator is Operator.IN:
        return lambda values: all(map(contains, values))
    return lambda values: any(map(contains, values))


def _text_test(operator: Operator, literal: str) -> Predicate:
    match operator:
        case Operator.REGEX:
            return patterns.regex(literal)
        case Operator.GLOB:
            return patterns.glob(literal)
        case Operator.IGLOB:
            return patterns.glob(literal, ignore_case=True)
        case Operator.LT | Operator.LE | Operator.GT | Operator.GE:
            relation, data = _ORDER[operator], text_of.to_bytes(literal)
            return lambda value: relation(text_of.to_bytes(value), data)
        case Operator.ICONTAINS:
            folded = functools.partial(_contains, needle=lower(literal))
            return lambda value: folded(lower(value))
    text_relation = _TEXT_RELATIONS[operator]
    return lambda value: text_relation(value, literal)


def _relation(operator: Operator, left: Operand) -> Relation:
    """*operator* between two values of the type of *left*."""
    if operator is Operator.IN or operator is Operator.INTERSECTS:
        if not left.is_list:
            return op.eq
        if operator is Operator.IN:
            return lambda values, others: set(values) <= set(others)
        return lambda values, others: not set(values).isdisjoint(others)
    if left.type in families.TEXT:
        return _TEXT_RELATIONS[operator]
    if left.type is FieldType.BYTES:
        return _BYTES_RELATIONS[operator]
    return _EQUALITY[operator] if operator in _EQUALITY else _ORDER[operator]


def _contains(value: str, needle: str) -> bool:
    return needle in value or (_is_partial(needle) and text_of.to_bytes(needle) in text_of.to_bytes(value))


def _starts(value: str, prefix: str) -> bool:
    if _is_partial(prefix):
        return text_of.to_bytes(value).startswith(text_of.to_bytes(prefix))
    return value.startswith(prefix)


def _ends(value: str, suffix: str) -> bool:
    if _is_partial(suffix):
        return text_of.to_bytes(value).endswith(text_of.to_bytes(suffix))
    return value.endswith(suffix)


def _is_partial(text: str) -> bool:
    """Whether *text* holds bytes that are not UTF-8: inside of other text they may be parts of characters."""
    return not text.isascii() and text_of.printable(text) != text


_EQUALITY: Final[dict[Operator, Relation]] = {Operator.EQ: op.eq, Operator.NE: op.ne}


def _by_bytes(relation: Relation) -> Relation:
    return lambda value, other: relation(text_of.to_bytes(value), text_of.to_bytes(other))


_TEXT_RELATIONS: Final[dict[Operator, Relation]] = _EQUALITY | {
    **{operator: _by_bytes(relation) for operator, relation in _ORDER.items()},
    Operator.CONTAINS: _contains,
    Operator.ICONTAINS: lambda value, needle: _contains(lower(value), lower(needle)),
    Operator.STARTSWITH: _starts,
    Operator.ENDSWITH: _ends,
    Operator.GLOB: lambda value, pattern: patterns.glob(pattern)(value),
    Operator.IGLOB: lambda value, pattern: patterns.glob(pattern, ignore_case=True)(value),
}
_BYTES_RELATIONS: Final[dict[Operator, Relation]] = _EQUALITY | {
    Operator.CONTAINS: op.contains,
    Operator.BCONTAINS: op.contains,
    Operator.STARTSWITH: bytes.startswith,
    Operator.BSTARTSWITH: bytes.startswith,
    Operator.ENDSWITH: bytes.endswith,
}
