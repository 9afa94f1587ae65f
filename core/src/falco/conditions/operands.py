"""Operands of conditions: fields, transformers with what is in their parentheses, values and lists of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from falco.conditions import hints, tokens
from falco.conditions.ast import FieldName, Identifier, ListLiteral, Literal, Operand, TransformerCall
from falco.conditions.tokens import Scanner


@dataclass(slots=True)
class _Open:
    """A call or list whose closing parenthesis has not been met; ``name`` is "" for a list."""

    name: str
    start: int
    depth: int
    items: list[Operand] = field(default_factory=list)


class OperandParser:
    """Takes operands from *scanner*; every method that finds nothing takes nothing and returns None.

    Args:
        scanner: Where the text is taken from.
        max_depth: Falco's limit on nesting.
        transformers: Names that may be called.
        field_name: What the name of a field looks like.

    Attributes:
        depth: How many functions of Falco's parser are nested here.
        or_right: The end of sentences about a missing right side.
    """

    def __init__(
        self,
        scanner: Scanner,
        max_depth: int,
        transformers: Collection[str],
        field_name: re.Pattern[str] = tokens.FIELD,
    ) -> None:
        self._scanner = scanner
        self._max_depth = max_depth
        self._callable = tuple(f"{name}(" for name in transformers)
        self._field_name = field_name
        self.depth = 0
        quoted = ", ".join(f"'{name}'" for name in ("val", *transformers))
        self.or_right = f"a field with a valid transformer: {quoted}"

    def descend(self) -> None:
        """Count one function of Falco's parser; who calls it puts the old depth back."""
        self.depth += 1
        if self.depth >= self._max_depth:
            message = f"exceeded max depth limit of {self._max_depth}"
            raise self._scanner.error(message, "name a part of the condition as a macro")

    def field(self) -> FieldName | None:
        """A field, with its argument."""
        scanner, start = self._scanner, self._scanner.position
        name = scanner.match(self._field_name)
        if name is None:
            return None
        argument, is_quoted = self._brackets()
        return FieldName(name, argument, scanner.extent(start), is_quoted)

    def call(self) -> TransformerCall | None:
        """A transformer with everything in its parentheses, which may be transformers and lists again."""
        scanner, depth = self._scanner, self.depth
        open_: list[_Open] = []
        if not self._opened(open_):
            return None
        while True:
            scanner.blank()
            node = self._item(open_)
            while node is not None:
                inner = open_[-1]
                inner.items.append(node)
                node = None
                scanner.blank()
                if scanner.take(","):
                    break
                node = self._closed(open_)
                if not open_ and isinstance(node, TransformerCall):
                    self.depth = depth
                    return node

    def right(self) -> FieldName | TransformerCall | None:
        """What may stand on the right instead of a literal."""
        scanner, start = self._scanner, self._scanner.position
        if not scanner.take("val("):
            return self.call()
        scanner.blank()
        argument = self.field()
        if argument is None:
            raise scanner.error("expected a field within 'val' transformer")
        scanner.blank()
        if not scanner.take(")"):
            raise scanner.error("expected a ')' token closing the transformer")
        selector, _ = self._brackets()
        return TransformerCall("val", (argument,), selector, scanner.extent(start))

    def value_list(self) -> ListLiteral | None:
        """Values in parentheses."""
        scanner, start = self._scanner, self._scanner.position
        if not scanner.take("("):
            return None
        items: list[Operand] = []
        scanner.blank()
        item = self.string()
        while item is not None:
            items.append(item)
            scanner.blank()
            if not scanner.take(","):
                break
            scanner.blank()
            item = self.string()
            if item is None:
                raise scanner.error("expected a string value", "remove the comma, or quote the value")
        if not scanner.take(")"):
            raise scanner.error("expected a ')' token", hints.for_list(scanner.string, scanner.position))
        return ListLiteral(tuple(items), scanner.extent(start))

    def string(self) -> Literal | None:
        """A quoted or bare string."""
        return self._quoted() or self._literal(tokens.BARE_STRING)

    def number(self) -> Literal | None:
        """Digits, as text; the type check refuses most that are not whole and decimal."""
        return self._literal(tokens.NUMBER)

    def identifier(self) -> Identifier | None:
        """The name of a macro or list."""
        start = self._scanner.position
        name = self._scanner.match(tokens.IDENTIFIER)
        return None if name is None else Identifier(name, self._scanner.extent(start))

    def _opened(self, open_: list[_Open]) -> bool:
        """Take the name and parenthesis of a call, and open it."""
        scanner = self._scanner
        for name in self._callable:
            start = scanner.position
            if scanner.take(name):
                open_.append(_Open(name[:-1], start, self.depth))
                self.descend()
                self.descend()
                return True
        return False

    def _item(self, open_: list[_Open]) -> Operand | None:
        """The next item of the innermost parenthesis; None: another parenthesis was opened."""
        scanner, start, inner = self._scanner, self._scanner.position, open_[-1]
        is_list = not inner.name
        if is_list and not inner.items and scanner.string.startswith(")", start):
            return self._closed(open_)
        literal = self.number() or self._quoted()
        if literal is not None:
            return literal
        if not is_list and scanner.take("("):
            open_.append(_Open("", start, self.depth))
            self.descend()
            return None
        if self._opened(open_):
            return None
        found = self.field()
        if found is None:
            message = (
                "expected field transformer argument: field, transformer, quoted string, number, or transformer list"
            )
            raise scanner.error(message, "" if is_list else "values in a transformer are quoted")
        return found

    def _closed(self, open_: list[_Open]) -> ListLiteral | TransformerCall:
        """Take the parenthesis that closes the innermost call or list."""
        scanner, inner = self._scanner, open_[-1]
        if not scanner.take(")"):
            raise scanner.error(
                "expected a ')' token closing the transformer" if inner.name else "expected a ')' token"
            )
        open_.pop()
        self.depth = inner.depth
        if not inner.name:
            return ListLiteral(tuple(inner.items), scanner.extent(inner.start))
        selector, _ = self._brackets()
        return TransformerCall(inner.name, tuple(inner.items), selector, scanner.extent(inner.start))

    def _brackets(self) -> tuple[str | None, bool]:
        """The argument in brackets, None without brackets; and whether it is quoted."""
        scanner = self._scanner
        if not scanner.take("["):
            return None, False
        is_quoted = True
        argument = scanner.quoted()
        if argument is None:
            is_quoted = False
            argument = scanner.match(tokens.BARE_ARGUMENT)
        if argument is None:
            raise scanner.error("expected a valid field argument: a quoted string or a bare string")
        if not scanner.take("]"):
            raise scanner.error("expected a ']' token", "an argument with blanks or brackets is quoted")
        return argument, is_quoted

    def _quoted(self) -> Literal | None:
        start = self._scanner.position
        text = self._scanner.quoted()
        return None if text is None else Literal(text, self._scanner.extent(start), is_quoted=True)

    def _literal(self, pattern: re.Pattern[str]) -> Literal | None:
        start = self._scanner.position
        text = self._scanner.match(pattern)
        return None if text is None else Literal(text, self._scanner.extent(start))
