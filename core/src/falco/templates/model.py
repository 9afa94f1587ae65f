"""Output templates after parsing: literal text and typed tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from falco.conditions.checked import Operand
from falco.fields.model import FieldUse


@dataclass(frozen=True, slots=True)
class Token:
    """``%operand`` or ``%10operand``.

    ``key`` is the printed text, which is the key in ``output_fields``; None for a transformer, whose inner
    fields are listed instead (filter-language.md §8). ``width`` is in bytes; 0 = as long as it is.
    """

    operand: Operand
    key: str | None
    width: int = 0
    parts: tuple[tuple[str, Operand], ...] = ()
    """Of a transformer: the fields and transformers inside by their printed text, inner ones first, itself last."""

    @property
    def fields(self) -> tuple[tuple[str, FieldUse], ...]:
        """What the token adds to ``output_fields``: keys and the fields whose values they have."""
        return tuple((name, operand) for name, operand in self._named if isinstance(operand, FieldUse))

    @property
    def names(self) -> tuple[str, ...]:
        """The fields and transformers that a description of the rule lists (``output_fields`` of ``-L``)."""
        return tuple(dict.fromkeys(name for name, _operand in self._named))

    @property
    def _named(self) -> tuple[tuple[str, Operand], ...]:
        return self.parts if self.key is None else ((self.key, self.operand),)


Piece: TypeAlias = str | Token


@dataclass(frozen=True, slots=True)
class Template:
    """Pieces in order; no two neighbours are both text."""

    pieces: tuple[Piece, ...]

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens, in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Token))
