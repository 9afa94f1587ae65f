"""The oracle: decides a condition by walking it for every event.

Slow and obviously right.  It shares no operator with the compiled ruleset, because an error in something shared would
be on both sides of every comparison; only patterns are compiled by ``conditions.patterns``.  The property tests hold
everything that is fast against it; nothing in production calls it.
"""

from __future__ import annotations

import operator
import string
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Any, Final, TypeVar, assert_never

from falco.conditions import patterns
from falco.conditions.checked import (
    And,
    Check,
    Condition,
    Const,
    Constant,
    Modifier,
    Not,
    Operand,
    Operator,
    Or,
    Transformed,
)
from falco.fields.model import FieldUse, Quantifier

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
        return _compares(left, check, right, check.modifier)
    modifier = check.modifier
    if modifier is not None and quantifier is Quantifier.ANY:
        right, modifier = right[:1], Modifier.ANYOF  # as Falco compares ancestors
    found = [_compares(value, check, right, modifier) for value in left]
    is_unlike = quantifier is Quantifier.EITHER and check.operator is Operator.NE
    return bool(found) and (all(found) if is_unlike else any(found))


def _compares(value: Any, check: Check, right: tuple[Any, ...], modifier: Modifier | None) -> bool:
    """A check for one value: how many of the literals satisfy the operator."""
    if check.operator in {Operator.IN, Operator.INTERSECTS}:
        return _is_one_of(value, right)
    if check.operator is Operator.PMATCH:
        return any(_lies_below(value, path) for path in right)
    count = [_satisfies(value, check.operator, literal) for literal in right].count(True)
    match modifier:
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
            return bool(_ORDER[operator_](_raw(value), _raw(literal)))
        case Operator.CONTAINS | Operator.BCONTAINS:
            have, want = _raw(value), _raw(literal)
            return any(have[i : i + len(want)] == want for i in range(len(have) + 1))
        case Operator.ICONTAINS:
            return _satisfies(_lower(value), Operator.CONTAINS, _lower(literal))
        case Operator.STARTSWITH | Operator.BSTARTSWITH:
            have, want = _raw(value), _raw(literal)
            return bool(have[: len(want)] == want)
        case Operator.ENDSWITH:
            have, want = _raw(value), _raw(literal)
            return len(have) >= len(want) and bool(have[len(have) - len(want) :] == want)
        case Operator.GLOB:
            return _is_glob(value, literal)
        case Operator.IGLOB:
            return _is_glob(value, literal, ignore_case=True)
        case Operator.REGEX:
            return patterns.regex(literal)(value)
        case Operator.EXISTS | Operator.IN | Operator.INTERSECTS | Operator.PMATCH:
            raise AssertionError(f"{operator_.value} does not compare with one literal")
        case other:
            assert_never(other)


def _host(network: IPv4Network | IPv6Network) -> int:
    """Number of bits of the host part."""
    return network.max_prefixlen - network.prefixlen


def _number(network: IPv4Network | IPv6Network) -> int:
    return int(network.network_address) >> _host(network)


def _raw(value: Any) -> Any:
    """What C compares: the bytes of a text; numbers and bytes as they are."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


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


def _is_glob(value: str, pattern: str, *, ignore_case: bool = False) -> bool:
    """``fnmatch(3)`` in the C locale: the places in the pattern to which the bytes read so far can lead."""
    tokens = _glob_tokens(_raw(pattern), ignore_case=ignore_case)
    places = _past_stars({0}, tokens)
    for byte in _raw(value):
        stay = {p for p in places if p < len(tokens) and tokens[p] is None}
        step = {p + 1 for p in places if p < len(tokens) and byte in (tokens[p] or ())}
        places = _past_stars(stay | step, tokens)
    return len(tokens) in places


def _past_stars(places: set[int], tokens: Sequence[frozenset[int] | None]) -> set[int]:
    while more := {p + 1 for p in places if p < len(tokens) and tokens[p] is None} - places:
        places = places | more
    return places


def _glob_tokens(pattern: bytes, *, ignore_case: bool) -> list[frozenset[int] | None]:
    """The bytes that each piece of a glob accepts; None is a star."""
    tokens: list[frozenset[int] | None] = []
    rest = pattern
    while rest:
        head, rest = rest[:1], rest[1:]
        accepted = frozenset(head)
        if head == b"*":
            tokens.append(None)
            continue
        if head == b"?":
            accepted = frozenset(range(256))
        elif head == b"[" and (found := _bracket(rest)) is not None:
            accepted, rest = found
        elif head == b"\\":
            accepted, rest = frozenset(rest[:1]), rest[1:]  # nothing, if nothing is escaped
        tokens.append(_both_cases(accepted) if ignore_case else accepted)
    return tokens


def _both_cases(accepted: frozenset[int]) -> frozenset[int]:
    return frozenset(bytes(accepted).lower() + bytes(accepted).upper())


def _bracket(text: bytes) -> tuple[frozenset[int], bytes] | None:
    """What ``[…]`` accepts, given what follows its first bracket, and what follows its last; None if there is none."""
    rest = text[1:] if text[:1] in (b"!", b"^") else text
    accepted: set[int] = set()
    is_first = True
    while is_first or rest[:1] != b"]":
        is_first = False
        if not rest:
            return None
        named = next((name for name in _CLASSES if rest.startswith(b"[:%s:]" % name)), None)
        if named is not None:
            accepted |= {byte for byte in range(128) if _CLASSES[named](chr(byte))}
            rest = rest[len(named) + 4 :]
            continue
        low, rest = _element(rest)
        high = low
        if rest[:1] == b"-" and rest[1:2] not in (b"", b"]"):
            high, rest = _element(rest[1:])
        if not low or not high:
            return None
        accepted |= set(range(low[0], high[0] + 1))
    is_negated = text[:1] in (b"!", b"^")
    return frozenset(set(range(256)) - accepted if is_negated else accepted), rest[1:]


def _element(rest: bytes) -> tuple[bytes, bytes]:
    """The first byte that a bracket lists, and what follows it."""
    if rest[:1] == b"\\":
        return rest[1:2], rest[2:]
    if rest[:2] in (b"[.", b"[=") and rest[3:5] == rest[1:2] + b"]":
        return rest[2:3], rest[5:]
    return rest[:1], rest[1:]


_CLASSES: Final[dict[bytes, Callable[[str], bool]]] = {
    b"alnum": str.isalnum,
    b"alpha": str.isalpha,
    b"blank": lambda c: c in " \t",
    b"cntrl": lambda c: not c.isprintable(),
    b"digit": str.isdigit,
    b"graph": lambda c: c.isprintable() and c != " ",
    b"lower": str.islower,
    b"print": str.isprintable,
    b"punct": lambda c: c.isprintable() and not c.isalnum() and c != " ",
    b"space": lambda c: c in " \t\n\v\f\r",
    b"upper": str.isupper,
    b"xdigit": lambda c: c in "0123456789abcdefABCDEF",
}


def read(operand: Operand, event: Any) -> Any:
    """The value of *operand* for *event*; None = absent."""
    match operand:
        case FieldUse():
            return operand.field.bind(operand.argument)(event)
        case Constant(value):
            return list(value) if isinstance(value, tuple) else value
        case Transformed():
            values = [read(argument, event) for argument in operand.arguments]
            return None if None in values else _TRANSFORMERS[operand.transformer](*values, operand.argument)
        case other:
            assert_never(other)


def _decode_base64(value: str | bytes) -> str | bytes | None:
    """Six bits a character, what is left over zero; at most two ``=`` at the end."""
    text = value if isinstance(value, str) else value.decode("latin-1")
    text = text.removesuffix("=").removesuffix("=")
    if len(text) % 4 == 1 or not set(text) <= set(_BASE64):
        return None
    bits = "".join(f"{_BASE64.index(c):06b}" for c in text)
    end = len(bits) - len(bits) % 8
    if "1" in bits[end:]:
        return None
    data = bytes(int(bits[i : i + 8], 2) for i in range(0, end, 8))
    return data.split(b"\0")[0].decode("utf-8", "surrogateescape") if isinstance(value, str) else data


_BASE64: Final = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"


def _each(function: Callable[[Any], Any]) -> Callable[..., Any]:
    """*function* of a value, or of each of a list; a list of which one has no result has none."""

    def transform(value: Any, _selector: str | None) -> Any:
        if not isinstance(value, list):
            return function(value)
        results = [function(item) for item in value]
        return None if None in results else results

    return transform


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _flat(*values: Any) -> list[str]:
    """``(a, b)`` among the arguments of a transformer; the last value is the selector, which it has none of."""
    return [_text(item) for value in values[:-1] for item in (value if isinstance(value, list) else [value])]


def _length(value: Any, _selector: str | None) -> int:
    return len(_raw(value))


def _getopt(arguments: list[str], known: str, selector: str | None) -> Any:
    """Short options and their values, in one list; with a selector the last value of that option."""
    found: list[tuple[str, str | None]] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--" or not word.startswith("-") or word == "-":
            break
        letters = "" if word.startswith("--") else word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter == ":" or letter not in known:
                found.append(("?", None))
            elif known[known.rindex(letter) + 1 :].startswith(":"):
                found.append((letter, letters or (rest.pop(0) if rest else "")))
                letters = ""
            else:
                found.append((letter, None))
    if selector is None:
        return [text for option in found for text in option if text is not None]
    mine = [letter if value is None else value for letter, value in found if letter == selector]
    return mine[-1] if mine else None


_TRANSFORMERS: Final[dict[str, Callable[..., Any]]] = {
    "()": _flat,
    "tolower": _each(_lower),
    "toupper": _each(_upper),
    "b64": _each(_decode_base64),
    "basename": _each(lambda text: text.split("/")[-1]),
    "len": _length,
    "join": lambda separator, items, _selector: separator.join(
        map(_text, items if isinstance(items, list) else [items])
    ),
    "concat": lambda *values: "".join(values[:-1]),
    "getopt": _getopt,
}
