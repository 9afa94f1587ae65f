"""Tells from its bytes that a path is of no interest, which is quicker than to ask every check."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from falco import Check, FieldUse, Operator
from falco import text_to_bytes as to_bytes

NEUTRAL: Final = ("/\0/\0", "/\0", "\0")
"""Values of ``fd.name``, ``fd.directory`` and ``fd.filename`` that no literal is equal to and none begins or ends."""

_EQUALITY: Final = frozenset({Operator.EQ, Operator.NE, Operator.IN, Operator.INTERSECTS})
_LONGEST: Final = 1000
_PATTERNS: Final = frozenset("*?[\\")
_FIELDS: Final = frozenset({"fd.name", "fd.directory", "fd.filename"})


class PathFilter:
    """Knows the literals that rules compare paths with."""

    def __init__(self, checks: Iterable[Check]) -> None:
        starts: set[str] = set()
        ends: set[str] = set()
        self._inside: tuple[bytes, ...] = ()
        self._decides = True
        for check in checks:
            if not (isinstance(check.left, FieldUse) and isinstance(check.right, tuple)):
                continue
            field, operator = check.left.name, check.operator
            if field not in _FIELDS or operator is Operator.EXISTS:
                continue
            is_file = field == "fd.filename"
            if operator in _EQUALITY:
                # Paths right below the root are never called uninteresting.
                (ends if is_file else starts).update(literal for literal in check.right if literal != "/")
            elif operator is Operator.STARTSWITH and not is_file:
                starts.update(check.right)
            elif operator is Operator.ENDSWITH and field != "fd.directory":
                ends.update(check.right)
            elif operator is Operator.PMATCH and not is_file and not any(_PATTERNS & set(text) for text in check.right):
                starts.update(text.rstrip("/") for text in check.right)
            elif operator is Operator.CONTAINS:
                self._inside += tuple(map(to_bytes, check.right))
            else:
                self._decides = False
        self._starts = tuple(map(to_bytes, starts))
        self._ends = tuple(to_bytes(text) + b"\0" for text in ends)

    def is_neutral(self, path: bytes) -> bool:
        """Whether every check has for *path* the truth that it has for ``NEUTRAL``.

        Args:
            path: Absolute, its NUL included. Of one that is not normal or right below the root it cannot be told.
        """
        return (
            self._decides
            and not path.startswith(self._starts)
            and not path.endswith(self._ends)
            and len(path) < _LONGEST
            and path.find(b"/", 1) > 0
            and b"/." not in path
            and b"//" not in path
            and not path.endswith(b"/\0")
            and path.find(b"\0") == len(path) - 1
            and not (self._inside and any(text in path for text in self._inside))
        )
