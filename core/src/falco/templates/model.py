"""Output templates after parsing: literal text and typed tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from falco.conditions.checked import Operand


@dataclass(frozen=True, slots=True)
class Token:
    """``%operand`` or ``%10operand``.

    ``key`` is the printed text, which is the key in ``output_fields``; None for a transformer, whose inner
    fields are listed instead (filter-language.md §8). ``width`` is in bytes; 0 = as long as it is.
    """

    operand: Operand
    key: str | None
    width: int = 0


Piece: TypeAlias = str | Token


@dataclass(frozen=True, slots=True)
class Template:
    """Pieces in order; no two neighbours are both text."""

    pieces: tuple[Piece, ...]
