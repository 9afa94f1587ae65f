"""What the struct of a section says of its keys, beyond their types."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from msgspec.inspect import StructType, type_info


@dataclass(frozen=True, slots=True)
class Choice:
    """A key with a closed set of values; goes into ``Meta(extra=choice(…))``.

    ``parse`` returns None for an unknown text; ``message`` is Falco's sentence, with ``{text}`` for that text and
    ``{file}`` for the main configuration file; ``names`` are the values as they are written.
    """

    parse: Callable[[str], Any]
    message: str
    names: tuple[str, ...]

    @property
    def expected(self) -> str:
        """The values, for a sentence."""
        return f"one of {', '.join(self.names)}"


def choice(parse: Callable[[str], Any], message: str, names: Iterable[str]) -> dict[str, Any]:
    """``Meta(extra=…)`` of a key with a closed set of values."""
    return {"choice": Choice(parse, message, tuple(names))}


class WrongValueError(ValueError):
    """What the ``__post_init__`` of a struct raises about its field *key*, or the entry *index* of that list."""

    def __init__(self, key: str, sentence: str, index: int | None = None) -> None:
        super().__init__(sentence)
        self.key = key
        self.index = index


@cache
def struct_info(cls: type[msgspec.Struct]) -> StructType:
    """The rows of the struct *cls*."""
    info = type_info(cls)
    if not isinstance(info, StructType):
        raise TypeError(f"{cls} is no struct")
    return info
