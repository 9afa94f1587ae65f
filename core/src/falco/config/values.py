"""Scalars of YAML as the values of keys: what a text means as a truth value or a number, and how to say what it is."""

from __future__ import annotations

import math
import re
from typing import Final

from msgspec.inspect import BoolType, EnumType, FloatType, IntType, Type

from falco.config.places import quoted
from falco.documents.nodes import MappingNode, Node, ScalarNode, SequenceNode

_TRUE: Final = {"true", "yes", "on", "y"}
_FALSE: Final = {"false", "no", "off", "n"}
_INTEGER: Final = re.compile(r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]{1,16})|(?P<decimal>[0-9]{1,20}))")
_NUMBER: Final = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?")


def boolean(text: str) -> bool | None:
    """A truth value as YAML 1.1 spells it, in lower case, upper case or capitalised; None for anything else."""
    if text not in {text.lower(), text.upper(), text.capitalize()}:
        return None
    lower = text.lower()
    return True if lower in _TRUE else False if lower in _FALSE else None


def integer(text: str) -> int | None:
    """A decimal, hexadecimal (``0x1f``) or octal (``010``) number; None for anything else."""
    match = _INTEGER.fullmatch(text)
    if match is None:
        return None
    if match["hex"]:
        value = int(match["hex"], 16)
    elif match["decimal"].startswith("0") and match["decimal"].strip("01234567") == "":
        value = int(match["decimal"], 8)
    elif match["decimal"].startswith("0"):
        return None
    else:
        value = int(match["decimal"])
    return -value if match["sign"] == "-" else value


def number(text: str) -> float | None:
    """A number with or without fraction and exponent, not infinite; None for anything else."""
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def is_within(value: float, info: IntType | FloatType) -> bool:
    """Whether *value* is within the bounds of its type; those of an integer are at least what 64 bits hold."""
    if isinstance(info, IntType) and not -(2**63) <= value < 2**64:
        return False
    return (
        (info.ge is None or value >= info.ge)
        and (info.gt is None or value > info.gt)
        and (info.le is None or value <= info.le)
        and (info.lt is None or value < info.lt)
    )


def expected(info: Type) -> str:
    """What a scalar of the type *info* is, for a sentence."""
    match info:
        case BoolType():
            return "true or false"
        case IntType() | FloatType():
            return "a number" + _bounds(info)
        case EnumType():
            return "one of " + ", ".join(str(member.value) for member in info.cls)
        case _:
            return "a text"


def _bounds(info: IntType | FloatType) -> str:
    if info.ge is not None and info.le is not None:
        return f" from {info.ge} to {info.le}"
    if info.gt is not None:
        return f" above {info.gt}" + (f", at most {info.le}" if info.le is not None else "")
    return f" not below {info.ge}" if info.ge is not None else ""


def found(node: Node) -> str:
    """What *node* is, for a sentence."""
    match node:
        case ScalarNode():
            return "nothing" if node.is_null else quoted(node)
        case SequenceNode():
            return "a list"
        case MappingNode():
            return "a mapping"
