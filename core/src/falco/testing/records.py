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

from falco.conditions.checked import And, Check, Condition, Const, FieldUse, Modifier, Not, Operator, Or
from falco.events import Event
from falco.fields import Argument, Field, FieldType, Getter, Quantifier
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


WORDS: Final = ("", "get", "gets", "/get", "get/a", "GET", "200", "0", "g*", "[g]et", "\u00e9", "\udcc3")
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


def _operators(made: Field[Record]) -> list[Operator]:
    """What the language allows for a field (filter-language.md §4.1)."""
    if made.is_list:
        return [Operator.EXISTS, *sorted(_SETS, key=str)]
    if made.type in _TEXT:
        allowed = _TEXT_OPERATORS
    elif made.type is FieldType.BYTES:
        allowed = _BYTE_OPERATORS
    elif made.type is FieldType.BOOL or made.type in _NETWORK:
        allowed = _ANY_TYPE
    else:
        allowed = _ANY_TYPE | _ORDERS
    return sorted(allowed, key=str)


def field_uses() -> st.SearchStrategy[tuple[FieldUse, tuple[Any, ...]]]:
    """A field of ``Record`` with an argument if it takes one, and the values it may have."""

    def use(row: tuple[Field[Record], tuple[Any, ...]]) -> st.SearchStrategy[tuple[FieldUse, tuple[Any, ...]]]:
        made, values = row
        arguments = ["verb", "other", "always"] if made.argument is Argument.KEY else [None]
        return st.sampled_from([(FieldUse(made.name, argument, made), values) for argument in arguments])

    dispatched = [row for row in RECORD_FIELDS if (row[0].name,) in DISPATCH or row[0].name == "x.verb"]
    return st.one_of(st.sampled_from(dispatched), st.sampled_from(RECORD_FIELDS)).flatmap(use)


@st.composite
def checks(draw: st.DrawFn) -> Check:
    """A check as the type check lets it pass: any field, any operator that suits, literals or another field."""
    use, values = draw(field_uses())
    operator = draw(st.sampled_from(_operators(use.field)))
    if operator is Operator.EXISTS:
        return Check(use, operator)
    if use.type is FieldType.IPNET:
        values = NETWORKS
    if operator is Operator.REGEX:
        values = _REGEXES
    several = operator in _SETS | {Operator.PMATCH}
    is_simple = use.field.quantifier is Quantifier.ONE and use.type is not FieldType.IPNET
    if is_simple and operator not in {Operator.REGEX, Operator.PMATCH} and draw(st.integers(0, 9)) == 0:
        same = [made for made, _ in RECORD_FIELDS if (made.type, made.is_list) == (use.type, use.is_list)]
        other = draw(st.sampled_from(same))
        if other.quantifier is Quantifier.ONE:
            argument = "other" if other.argument is Argument.KEY else None
            return Check(use, operator, FieldUse(other.name, argument, other))
    modifiers: list[Modifier | None] = [None]
    if use.type in _TEXT | {FieldType.INT64, FieldType.BYTES} and operator not in _PLAIN:
        modifiers += [None, *Modifier]
    modifier = draw(st.sampled_from(modifiers))
    least, most = (0, 3) if several or modifier else (1, 1)
    return Check(use, operator, tuple(draw(st.lists(st.sampled_from(values), min_size=least, max_size=most))), modifier)


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
            if made.is_list:
                value = draw(st.lists(one, max_size=3))
            elif made.quantifier is not Quantifier.ONE:
                value = tuple(draw(st.lists(one, min_size=1, max_size=2)))
            else:
                value = draw(one)
            values[made.name + argument] = value
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
