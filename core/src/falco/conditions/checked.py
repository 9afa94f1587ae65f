"""Conditions after the type check: what is evaluated.

Made by ``conditions.check`` from an AST without macros and the fields of an event source; read by the
interpreter, the specialiser and the code generator.  Nodes are immutable and hash by meaning, so that equal
residuals can be shared.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from falco.fields.model import FieldType, FieldUse, Scalar

if TYPE_CHECKING:
    from falco.conditions.transformers import Transformer


class Operator(Enum):
    """The operators; the member's value is the spelling that is printed."""

    EXISTS = "exists"
    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    IN = "in"
    INTERSECTS = "intersects"
    PMATCH = "pmatch"
    CONTAINS = "contains"
    ICONTAINS = "icontains"
    BCONTAINS = "bcontains"
    STARTSWITH = "startswith"
    BSTARTSWITH = "bstartswith"
    ENDSWITH = "endswith"
    GLOB = "glob"
    IGLOB = "iglob"
    REGEX = "regex"


class Modifier(Enum):
    """How many of the values on the right must satisfy the operator."""

    ONEOF = "oneof"
    ANYOF = "anyof"
    ALLOF = "allof"


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal inside a transformer, already converted: a scalar, or a tuple when ``is_list``."""

    value: Scalar | tuple[Scalar, ...]
    type: FieldType
    is_list: bool = False


@dataclass(frozen=True, slots=True)
class Transformed:
    """A transformer applied to operands; ``argument`` is the selector of ``getopt(…)[x]``.

    A list written out, ``(a, b)``, is one too: its transformer is called ``()``.
    """

    transformer: str = field(compare=False)
    arguments: tuple[Operand, ...] = field(compare=False)
    argument: str | None = field(compare=False)
    type: FieldType = field(compare=False)
    is_list: bool = field(compare=False)
    definition: Transformer = field(compare=False, repr=False)
    _flat: tuple[object, ...] = field(init=False, repr=False)
    """All of it in prefix notation: what is compared and hashed, as transformers may be nested by the hundred."""

    def __post_init__(self) -> None:
        inner = (part for operand in self.arguments for part in _flattened(operand))
        own = (self.transformer, self.argument, self.type, self.is_list, len(self.arguments))
        object.__setattr__(self, "_flat", (*own, *inner))


Operand: TypeAlias = FieldUse | Constant | Transformed


def _flattened(operand: Operand) -> tuple[object, ...]:
    return operand._flat if isinstance(operand, Transformed) else (operand,)  # noqa: SLF001  its own module


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. ``right`` is a tuple of literals converted to the left side's type, or an operand.

    Literals: str, int, bool, float; bytes for BYTEBUF and for ``bcontains``/``bstartswith``; address objects
    for IPADDR; ``IPv4Network``/``IPv6Network`` (host bits ignored) for IPNET; for ``regex``, ``glob``,
    ``iglob``, ``pmatch`` the pattern's text (already known to compile).  ``exists`` has ``()``; operators
    without list or modifier have one literal.
    """

    left: Operand
    operator: Operator
    right: tuple[Any, ...] | Operand = ()
    modifier: Modifier | None = None


@dataclass(frozen=True, slots=True)
class Const:
    """A decided condition; made by the specialiser only."""

    value: bool


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    child: Condition


@dataclass(frozen=True, slots=True)
class And:
    """Children in order of evaluation."""

    children: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Children in order of evaluation."""

    children: tuple[Condition, ...]


Condition: TypeAlias = Const | Check | Not | And | Or
TRUE: Final = Const(value=True)
FALSE: Final = Const(value=False)
