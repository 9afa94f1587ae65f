"""The oracle: decides a condition by walking it for every event.

Slow and obviously right.  It shares no operator with the compiled ruleset, because an error in something shared would
be on both sides of every comparison; only patterns are compiled by ``conditions.patterns``.  The property tests hold
everything that is fast against it; nothing in production calls it.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, TypeVar, assert_never

from falco.conditions import patterns
from falco.conditions.checked import (
    And,
    Check,
    Condition,
    Const,
    FieldUse,
    Modifier,
    Not,
    Operator,
    Or,
)
from falco.fields.model import Quantifier

E = TypeVar("E")

_ORDER: Final = {
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}


def holds(condition: Condition, event: E) -> bool:
    """Whether *condition* is true for *event*."""
    waiting: list[tuple[Condition, bool]] = [(condition, False)]
    truths: list[bool] = []
    while waiting:
        node, are_children_done = waiting.pop()
        match node:
            case Const(value):
                truths.append(value)
            case Check():
                truths.append(_decides(node, event))
            case Not(child) if not are_children_done:
                waiting += [(node, True), (child, False)]
            case Not():
                truths.append(not truths.pop())
            case And(children) | Or(children) if not are_children_done:
                waiting.append((node, True))
                waiting += [(child, False) for child in children]
            case And(children) | Or(children):
                at = len(truths) - len(children)
                part, truths = truths[at:], truths[:at]
                truths.append(all(part) if isinstance(node, And) else any(part))
            case other:
                assert_never(other)
    (truth,) = truths
    return truth


def matches(conditions: Sequence[Condition], event: E, *, first_only: bool) -> list[int]:
    """Positions of the conditions that hold, in order; the first alone if *first_only*."""
    found = [position for position, condition in enumerate(conditions) if holds(condition, event)]
    return found[:1] if first_only else found


def _decides(check: Check, event: object) -> bool:
    left = read(check.left, event)
    if left is None:
        return False
    if check.operator is Operator.EXISTS:
        return True
    right: Any = check.right
    if not isinstance(right, tuple):
        right = read(right, event)
        if right is None:
            return False
        right = tuple(right) if isinstance(right, list) else (right,)
    if check.left.is_list:
        members = [_is_one_of(value, right) for value in left]
        return all(members) if check.operator is Operator.IN else any(members)
    quantifier = check.left.field.quantifier if isinstance(check.left, FieldUse) else Quantifier.ONE
    if quantifier is Quantifier.ONE or not isinstance(left, tuple):
        return _compares(left, check, right)
    found = [_compares(value, check, right) for value in left]
    is_unlike = quantifier is Quantifier.EITHER and check.operator is Operator.NE
    return bool(found) and (all(found) if is_unlike else any(found))


def _compares(value: Any, check: Check, right: tuple[Any, ...]) -> bool:
    """A check for one value: how many of the literals satisfy the operator."""
    if check.operator in {Operator.IN, Operator.INTERSECTS}:
        return _is_one_of(value, right)
    if check.operator is Operator.PMATCH:
        return any(_lies_below(value, path) for path in right)
    count = [_satisfies(value, check.operator, literal) for literal in right].count(True)
    match check.modifier:
        case Modifier.ONEOF:
            return count == 1
        case Modifier.ANYOF:
            return count >= 1
        case Modifier.ALLOF:
            return count == len(right) > 0
        case None:
            return count == 1


def _is_one_of(value: Any, right: tuple[Any, ...]) -> bool:
    return any(_satisfies(value, Operator.EQ, literal) for literal in right)


def _satisfies(value: Any, operator_: Operator, literal: Any) -> bool:
    match operator_:
        case Operator.EQ if isinstance(literal, IPv4Network | IPv6Network):
            return value.version == literal.version and int(value) >> _host(literal) == _number(literal)
        case Operator.EQ:
            return bool(value == literal)
        case Operator.NE:
            return not _satisfies(value, Operator.EQ, literal)
        case Operator.LT | Operator.LE | Operator.GT | Operator.GE:
            order = _ORDER[operator_]
            return bool(order(_raw(value), _raw(literal)) if isinstance(value, str) else order(value, literal))
        case Operator.CONTAINS | Operator.BCONTAINS:
            return any(value[i : i + len(literal)] == literal for i in range(len(value) + 1))
        case Operator.ICONTAINS:
            return _satisfies(_lower(value), Operator.CONTAINS, _lower(literal))
        case Operator.STARTSWITH | Operator.BSTARTSWITH:
            return bool(value[: len(literal)] == literal)
        case Operator.ENDSWITH:
            return bool(value[max(0, len(value) - len(literal)) :] == literal)
        case Operator.GLOB:
            return _is_glob(value, literal)
        case Operator.IGLOB:
            return _is_glob(_lower(value), _lower(literal))
        case Operator.REGEX:
            return patterns.regex(literal).fullmatch(_printable(value)) is not None
        case Operator.EXISTS | Operator.IN | Operator.INTERSECTS | Operator.PMATCH:
            raise AssertionError(f"{operator_.value} does not compare with one literal")
        case other:
            assert_never(other)


def _host(network: IPv4Network | IPv6Network) -> int:
    """Number of bits of the host part."""
    return network.max_prefixlen - network.prefixlen


def _number(network: IPv4Network | IPv6Network) -> int:
    return int(network.network_address) >> _host(network)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _printable(text: str) -> str:
    return _raw(text).decode("utf-8", "replace")


def _lower(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def _upper(text: str) -> str:
    return "".join(chr(ord(c) - 32) if "a" <= c <= "z" else c for c in text)


def _lies_below(value: str, path: str) -> bool:
    """``pmatch``: the components of *path* are the first components of *value*; each may be a glob."""
    have = [part for part in value.split("/") if part]
    want = [part for part in path.split("/") if part]
    return len(want) <= len(have) and all(_is_component(h, w) for h, w in zip(have, want, strict=False))


def _is_component(have: str, want: str) -> bool:
    return _is_glob(have, want) if set(want) & set("?*[") else have == want


def _is_glob(value: str, pattern: str) -> bool:
    """``fnmatch(3)`` without flags: the set of places in the pattern that the value read so far can lead to."""
    tokens = list(_glob_tokens(pattern))
    places = {0}
    for character in [None, *value]:
        if character is not None:
            places = {
                p if tokens[p] is None else p + 1
                for p in places
                if p < len(tokens) and ((accepts := tokens[p]) is None or accepts(character))
            }
        while more := {p + 1 for p in places if p < len(tokens) and tokens[p] is None} - places:  # a star ends here
            places |= more
    return len(tokens) in places
