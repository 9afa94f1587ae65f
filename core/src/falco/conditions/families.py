"""Families of types: which operators a type allows, and what Falco calls its kind of check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from falco.conditions.checked import Operator as Op
from falco.fields.model import FieldType as T


@dataclass(frozen=True, slots=True)
class Family:
    """Types that are compared alike. ``name`` stands in the sentence about an operator that is refused."""

    name: str
    types: frozenset[T]
    operators: frozenset[Op]


TEXT: Final = frozenset({T.STRING, T.FSPATH, T.FSRELPATH})
BYTES: Final = frozenset({T.BYTES})
ADDRESSES: Final = frozenset({T.IPADDR, T.IPV4ADDR, T.IPV6ADDR, T.IPNET, T.IPV4NET, T.IPV6NET})
NETWORKS: Final = frozenset({T.IPNET, T.IPV4NET, T.IPV6NET})
NUMBERS: Final = frozenset(
    {
        T.INT8,
        T.INT16,
        T.INT32,
        T.INT64,
        T.UINT8,
        T.UINT16,
        T.UINT32,
        T.UINT64,
        T.DOUBLE,
        T.ERRNO,
        T.FD,
        T.PID,
        T.SYSCALLID,
        T.SIGTYPE,
        T.RELTIME,
        T.ABSTIME,
        T.PORT,
        T.L4PROTO,
        T.FLAGS8,
        T.FLAGS16,
        T.FLAGS32,
        T.ENUMFLAGS8,
        T.ENUMFLAGS16,
        T.ENUMFLAGS32,
        T.MODE,
    }
)
"""UID and GID are not among them: Falco's table has forgotten these types, and no field has them."""

_EQUALITY: Final = frozenset({Op.EXISTS, Op.EQ, Op.NE, Op.IN, Op.INTERSECTS})
_ORDER: Final = frozenset({Op.LT, Op.LE, Op.GT, Op.GE})
_PARTS: Final = frozenset({Op.CONTAINS, Op.STARTSWITH, Op.ENDSWITH})
_OF_TEXT: Final = frozenset({Op.ICONTAINS, Op.GLOB, Op.IGLOB, Op.REGEX, Op.PMATCH})
_OF_BYTES: Final = frozenset({Op.BCONTAINS, Op.BSTARTSWITH})

_FAMILIES: Final = (
    Family("numeric", NUMBERS, _EQUALITY | _ORDER),
    Family("numeric", frozenset({T.BOOL}), _EQUALITY),
    Family("string", TEXT, _EQUALITY | _ORDER | _PARTS | _OF_TEXT),
    Family("buffer", BYTES, _EQUALITY | _PARTS | _OF_BYTES),
    Family("ip address and network", ADDRESSES, _EQUALITY),
)
_BY_TYPE: Final[Mapping[T, Family]] = {type_: family for family in _FAMILIES for type_ in family.types}
_LIST_TYPES: Final = frozenset({T.STRING, T.UINT64, T.RELTIME, T.ABSTIME, T.BOOL, T.IPADDR, T.IPNET})
_LIST_OPERATORS: Final = frozenset({Op.EXISTS, Op.IN, Op.INTERSECTS})


def problem(type_: T, operator: Op, *, is_list: bool, has_modifier: bool) -> str:
    """Why *operator* cannot be used with a field of this type: Falco's sentence, "" if it can."""
    if operator is Op.EXISTS:
        return ""
    quoted = f"'{operator.value}'"
    if is_list:
        if operator not in _LIST_OPERATORS:
            return f"filter error: {quoted} operator not supported list filters"
        return "" if type_ in _LIST_TYPES else f"filter error: list filters are not supported for type '{type_.value}'"
    family = _BY_TYPE.get(type_)
    if family is None:
        return f"filter error: {quoted} operator not supported for type '{type_.value}'"
    if operator in family.operators:
        return ""
    what = "with modifier" if has_modifier and type_ in ADDRESSES else "operator"
    return f"filter error: {quoted} {what} not supported for {family.name} filters"


def suggestion(type_: T, *, is_list: bool) -> str:
    """The operators that can be used, as a hint."""
    family = _BY_TYPE.get(type_)
    allowed = _LIST_OPERATORS if is_list else frozenset({Op.EXISTS}) if family is None else family.operators
    return "use one of " + ", ".join(operator.value for operator in Op if operator in allowed)
