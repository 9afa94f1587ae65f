"""What the parser makes of a condition: names and literal text, nothing resolved, nothing typed.

Nodes are immutable and compare by meaning: ``extent``, the place in the text, takes no part.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from falco.documents.text import Extent


@dataclass(frozen=True, slots=True)
class FieldName:
    """``name`` or ``name[argument]``; *argument* is the text between the brackets without its quotes."""

    name: str
    argument: str | None
    extent: Extent = field(compare=False)
    is_quoted: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, bare or quoted string; *text* is the meaning (escapes decoded)."""

    text: str
    extent: Extent = field(compare=False)
    is_quoted: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """``(a, b, …)``, possibly empty."""

    items: tuple[Operand, ...]
    extent: Extent = field(compare=False)


@dataclass(frozen=True, slots=True)
class TransformerCall:
    """``name(arguments)`` or ``name(arguments)[argument]``; ``val(field)`` is one too."""

    name: str
    arguments: tuple[Operand, ...]
    argument: str | None
    extent: Extent = field(compare=False)


Operand: TypeAlias = FieldName | Literal | ListLiteral | TransformerCall


@dataclass(frozen=True, slots=True)
class Identifier:
    """A macro reference; on the right of a list operator the name of a list that was not replaced."""

    name: str
    extent: Extent = field(compare=False)


@dataclass(frozen=True, slots=True)
class Exists:
    """``left exists``."""

    left: FieldName | TransformerCall
    extent: Extent = field(compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left operator right``; *operator* as written, with its modifier after one blank (``= oneof``)."""

    left: FieldName | TransformerCall
    operator: str
    right: Operand | Identifier
    extent: Extent = field(compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    child: Expr
    extent: Extent = field(compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """Two or more children, evaluated left to right until one is false."""

    children: tuple[Expr, ...]
    extent: Extent = field(compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more children, evaluated left to right until one is true."""

    children: tuple[Expr, ...]
    extent: Extent = field(compare=False)


Expr: TypeAlias = Identifier | Exists | Comparison | Not | And | Or
