"""Strategies of hypothesis over a made-up event source with a field of every kind; needs hypothesis.

Few words, so that checks and events meet: with a rich alphabet nearly every check is false on nearly every event, and
code that is plainly wrong passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any, Final

from hypothesis import strategies as st

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
from falco.conditions.transformers import BUILT_IN, Shape
from falco.events import Event
from falco.fields import Argument, Field, FieldType, FieldUse, Getter, Quantifier
from falco.rules.model import Priority, Rule
from falco.ruleset import DispatchField, Key
from falco.templates.model import Template, Token


@dataclass(slots=True, kw_only=True)
class Record(Event):
    """An event that is the values of its fields; a missing name is an absent field."""

    time_ns: int = 0
    values: Mapping[str, Any] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    """Names of the fields that were read, in order, repeats included."""


def record_field(name: str, type_: FieldType = FieldType.STRING, **properties: Any) -> Field[Record]:
    """A field of ``Record``; with an argument its value is that of ``name[argument]``."""

    def bind(argument: str | None) -> Getter[Record]:
        key = name if argument is None else f"{name}[{argument}]"

        def read(event: Record) -> Any:
            event.reads.append(key)
            return event.values.get(key)

        return read

    return Field(name, bind, type_, doc="Made up.", **properties)


WORDS: Final = (
    *("", "get", "gets", "/get", "get/a", "GET", "200", "0", "g*", "[g]et", "-ge", "-t", "Z2V0"),
    *("\u00e9", "\udcc3", "a\udcff"),
)
"""Among them what looks like a path, a pattern, an option, base64; a character of two bytes, and the first byte."""
ADDRESSES: Final = tuple(map(ip_address, ("10.0.0.1", "10.0.1.1", "192.168.0.1", "::1", "fd00::1")))
NETWORKS: Final = tuple(map(ip_network, ("10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "::/0", "fd00::/8")))
BYTES: Final = (b"", b"get", b"gets", b"\x00\xff", b"g")

RECORD_FIELDS: Final = tuple(
    (made, values)
    for made, values in (
        (record_field("x.verb"), WORDS),
        (record_field("x.kind"), WORDS),
        (record_field("x.path", FieldType.FSPATH), WORDS),
        (record_field("x.part", argument=Argument.KEY), WORDS),
        (record_field("x.code", FieldType.INT64), (-1, 0, 1, 200, 2**40)),
        (record_field("x.is_admin", FieldType.BOOL), (False, True)),
        (record_field("x.data", FieldType.BYTES), BYTES),
        (record_field("x.address", FieldType.IPADDR), ADDRESSES),
        (record_field("x.net", FieldType.IPNET), ADDRESSES),
        (record_field("x.names", is_list=True), WORDS),
        (record_field("x.codes", FieldType.UINT64, is_list=True), (0, 1, 200)),
        (record_field("x.ancestor", quantifier=Quantifier.ANY), WORDS),
        (record_field("x.port", FieldType.PORT, quantifier=Quantifier.EITHER), (0, 1, 200)),
    )
)
QUANTIFIED: Final = tuple(
    FieldUse(made.name, None, made) for made, _ in RECORD_FIELDS if made.quantifier is not Quantifier.ONE
)
DISPATCHED: Final = tuple(
    FieldUse(made.name, None, made)
    for made, _ in RECORD_FIELDS
    if made.name in {"x.verb", "x.kind", "x.code", "x.is_admin"}
)
DISPATCH: Final[tuple[DispatchField, ...]] = (("x.verb", "x.part[verb]"), ("x.kind",), ("x.code",), ("x.is_admin",))
_SYNONYMS: Final = {"x.part[verb]": "x.verb"}
_ALWAYS: Final = "x.part[always]"

_TEXT: Final = frozenset({FieldType.STRING, FieldType.FSPATH})
_NETWORK: Final = frozenset({FieldType.IPADDR, FieldType.IPNET})
_ORDERS: Final = frozenset({Operator.LT, Operator.LE, Operator.GT, Operator.GE})
_TEXT_OPERATORS: Final = frozenset(Operator) - {Operator.BCONTAINS, Operator.BSTARTSWITH}
_SETS: Final = frozenset({Operator.IN, Operator.INTERSECTS})
_ANY_TYPE: Final = _SETS | {Operator.EXISTS, Operator.EQ, Operator.NE}
_BYTE_OPERATORS: Final = _ANY_TYPE | {
    Operator.CONTAINS,
    Operator.STARTSWITH,
    Operator.ENDSWITH,
    Operator.BCONTAINS,
    Operator.BSTARTSWITH,
}
_REGEXES: Final = ("get", "g.*", "[a-z]+", "", ".", "get|200")
_PLAIN: Final = frozenset({Operator.EXISTS, Operator.PMATCH}) | _SETS | _ORDERS
"""Operators that are drawn without a modifier."""


def _operators(operand: Operand) -> list[Operator]:
    """What the language allows for an operand (filter-language.md, 4.1)."""
    if operand.is_list:
        allowed = _SETS | {Operator.EXISTS}
    elif operand.type in _TEXT:
        allowed = _TEXT_OPERATORS
    elif operand.type is FieldType.BYTES:
        allowed = _BYTE_OPERATORS
    elif operand.type is FieldType.BOOL or operand.type in _NETWORK:
        allowed = _ANY_TYPE
    else:
        allowed = _ANY_TYPE | _ORDERS
    return sorted(allowed, key=str)


def field_uses() -> st.SearchStrategy[FieldUse]:
    """A field of ``Record``, with an argument if it takes one; often one that is dispatched on."""

    def use(made: Field[Record]) -> st.SearchStrategy[FieldUse]:
        arguments = ["verb", "other", "always"] if made.argument is Argument.KEY else [None]
        return st.sampled_from([FieldUse(made.name, argument, made) for argument in arguments])

    fields = [made for made, _ in RECORD_FIELDS]
    dispatched = [made for made in fields if any(made.name in names for names in DISPATCH)]
    return st.one_of(st.sampled_from(dispatched), st.sampled_from(fields)).flatmap(use)


@st.composite
def transformed(draw: st.DrawFn) -> Transformed:
    """A transformer over fields and constants."""
    name = draw(st.sampled_from(sorted(BUILT_IN)))
    single = [made for made, _ in RECORD_FIELDS if made.quantifier is Quantifier.ONE and made.argument is Argument.NONE]
    texts = st.sampled_from([made for made in single if made.type is FieldType.STRING and not made.is_list])
    lists = st.sampled_from([made for made in single if made.type is FieldType.STRING and made.is_list])
    constants = st.sampled_from(WORDS).map(lambda word: Constant(word, FieldType.STRING))

    def field_use(made: Field[Record]) -> Operand:
        return FieldUse(made.name, None, made)

    arguments: list[Operand]
    selector: str | None = None
    match name:
        case "join":
            items = Constant(tuple(draw(st.lists(st.sampled_from(WORDS), max_size=2))), FieldType.STRING, is_list=True)
            arguments = [draw(constants), draw(st.one_of(lists.map(field_use), st.just(items)))]
        case "concat":
            arguments = draw(st.lists(st.one_of(texts.map(field_use), constants), min_size=2, max_size=3))
        case "getopt":
            selector = draw(st.sampled_from([None, "g", "e"]))
            options = st.sampled_from(["ge", "g:et", ":", "t:g:"]).map(lambda text: Constant(text, FieldType.STRING))
            arguments = [draw(lists.map(field_use)), draw(options)]
        case "len":
            arguments = [draw(st.one_of(texts, lists).map(field_use))]
        case _:
            arguments = [draw(st.one_of(texts.map(field_use), lists.map(field_use), constants))]
    definition = BUILT_IN[name]
    shape = definition.result([Shape(argument.type, argument.is_list) for argument in arguments], selector)
    return Transformed(name, tuple(arguments), selector, shape.type, shape.is_list, definition)


def values_of(use: FieldUse) -> tuple[Any, ...]:
    """The values that *use* may have; of a list field, its elements."""
    return next(values for made, values in RECORD_FIELDS if made.name == use.name)


def _literals(operand: Operand, operator: Operator) -> tuple[Any, ...]:
    """What an operand may be compared with."""
    if operator is Operator.REGEX:
        return _REGEXES
    if operand.type is FieldType.IPNET:
        return NETWORKS
    if isinstance(operand, FieldUse):
        return values_of(operand)
    return WORDS if operand.type in _TEXT else (0, 1, 3, 4)


@st.composite
def checks(draw: st.DrawFn, operands: st.SearchStrategy[Operand] | None = None) -> Check:
    """A check as the type check lets it pass: any operator that suits *operands*, literals or another operand."""
    left = draw(st.one_of(*[field_uses()] * 5, transformed()) if operands is None else operands)
    operator = draw(st.sampled_from(_operators(left)))
    if operator is Operator.EXISTS:
        return Check(left, operator)
    is_simple = left.type is not FieldType.IPNET and not isinstance(left, Transformed)
    if is_simple and operator not in {Operator.REGEX, Operator.PMATCH} and draw(st.integers(0, 9)) == 0:
        same = [m for m, _ in RECORD_FIELDS if m.quantifier is Quantifier.ONE and m.argument is Argument.NONE]
        right: list[Operand] = [
            FieldUse(m.name, None, m) for m in same if (m.type, m.is_list) == (left.type, left.is_list)
        ]
        if right:
            return Check(left, operator, draw(st.sampled_from(right)))
    modifiers: list[Modifier | None] = [None]
    if not left.is_list and left.type not in _NETWORK and operator not in _PLAIN:
        modifiers += [None, *Modifier]
    modifier = draw(st.sampled_from(modifiers))
    least, most = (0, 3) if modifier or operator in _SETS | {Operator.PMATCH} else (1, 1)
    literals = st.lists(st.sampled_from(_literals(left, operator)), min_size=least, max_size=most)
    return Check(left, operator, tuple(draw(literals)), modifier)


def conditions(leaves: st.SearchStrategy[Check] | None = None) -> st.SearchStrategy[Condition]:
    """Conditions over *leaves*, by default ``checks()``."""

    def joined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(inner, min_size=1, max_size=3).map(tuple)
        return st.one_of(inner.map(Not), several.map(And), several.map(Or))

    constants = st.booleans().map(lambda value: Const(value=value))
    leaf = checks() if leaves is None else leaves
    return st.recursive(st.one_of(leaf, leaf, leaf, leaf, leaf, leaf, leaf, constants), joined, max_leaves=8)


@st.composite
def records(draw: st.DrawFn) -> Record:
    """An event of which any field may be absent. Synonyms agree, and ``x.part[always]`` is "get"."""
    values: dict[str, Any] = {_ALWAYS: "get"}
    for made, choice in RECORD_FIELDS:
        arguments = ("[verb]", "[other]") if made.argument is Argument.KEY else ("",)
        for argument in arguments:
            if draw(st.integers(0, 5)) == 0:
                continue
            one = st.sampled_from(choice)
            value: st.SearchStrategy[Any] = one
            if made.is_list:
                value = st.lists(one, max_size=3)
            elif made.quantifier is not Quantifier.ONE:
                value = st.one_of(st.lists(one, max_size=2).map(tuple), one)  # candidates, or the one asked for
            values[made.name + argument] = draw(value)
    for synonym, name in _SYNONYMS.items():
        values.pop(synonym, None)
        if name in values:
            values[synonym] = values[name]
    return Record(values=values)


def key_of(event: Record) -> Key:
    """The key that a decoder would read from *event*."""
    return tuple(event.values.get(names[0]) for names in DISPATCH)


def assume(check: Check) -> bool | None:
    """What holds for every record: ``x.part[always]`` exists and is "get"."""
    if not isinstance(check.left, FieldUse) or check.left.text != _ALWAYS or check.modifier is not None:
        return None
    if check.operator is Operator.EXISTS:
        return True
    if check.operator is Operator.EQ and isinstance(check.right, tuple):
        return check.right == ("get",)
    return None


def rule(index: int, condition: Condition, *output: FieldUse, name: str | None = None, enabled: bool = True) -> Rule:
    """A rule of the source ``record`` that outputs the fields *output*."""
    return Rule(
        index=index,
        name=f"rule {index}" if name is None else name,
        source="record",
        priority=Priority.WARNING,
        condition=condition,
        output=Template(tuple(Token(use, use.text) for use in output)),
        enabled=enabled,
    )
